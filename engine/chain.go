package engine

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"slavedriver/internal/durable"
	"slavedriver/internal/faultpoint"
)

// Starts that handlers ask for (slavedriver:start). A request is a file of its own
// before the handler goes on, named for the event and the job: so a handler
// that is called again after a crash asks for the same start. Whichever shift is
// on duty puts it into the agenda, and marks the file as taken then.

// mostStarted is how many runs may start one another in a row.
const mostStarted = 100

const (
	requestWaits = ".json"
	requestTaken = ".taken"
	// requestKept is how long a request that was taken is remembered: far longer
	// than an event waits to be told again by the next shift.
	requestKept = 30 * 24 * time.Hour
)

// startRequest is a start that a handler asked for.
type startRequest struct {
	Job     string    `json:"job"`
	Run     string    `json:"run"` // the id that it has, or will have
	Instant time.Time `json:"instant"`
	Event   string    `json:"event"` // the id of the event
	Depth   int       `json:"depth"` // how many runs led to it
}

// NotStartedError is why a job is not started, where that is as the entry file
// wants it.
type NotStartedError struct{ Reason string }

// Error is the reason alone, a sentence for a person.
func (n *NotStartedError) Error() string { return n.Reason }

// requests are what a shift knows of the starts that its handlers asked for.
type requests struct {
	mu   sync.Mutex
	duty *duty
	last map[string]time.Time // the newest instant, by job
}

// RequestStart asks for a start of a job because of an event, once for the two of
// them: asked again, it gives the run of the first time. The start is as good as
// made when it returns nil; a shift makes it as slots and the last run allow. The
// error is a *NotStartedError for a job that is disabled or another slave's. It is
// called in handlers alone, so by one goroutine.
func (s *Shift) RequestStart(e *Event, job *Job) (run string, err error) {
	switch {
	case !job.Enabled:
		return "", &NotStartedError{fmt.Sprintf("job %q is disabled", job.Name)}
	case !job.OnSlave(s.Plan.Slave):
		return "", &NotStartedError{fmt.Sprintf("job %q does not run on slave %s", job.Name, s.Plan.Slave)}
	}
	path := filepath.Join(s.Dir, folderStarts, requestKey(e, job)+requestWaits)
	for _, there := range []string{path, takenName(path)} {
		if r, err := readRequest(there); err == nil {
			return r.Run, nil
		}
	}
	if e.Depth >= mostStarted {
		return "", fmt.Errorf("job %q is not started: %d runs have started one another in a row, which looks like a loop", job.Name, mostStarted)
	}
	r := s.newRequest(e, job)
	if err := r.save(path); err != nil {
		return "", fmt.Errorf("job %q cannot be started: %w", job.Name, err)
	}
	s.requests.tell()
	return r.Run, nil
}

// requestKey names the request for a start of that job because of that event.
func requestKey(e *Event, job *Job) string {
	sum := sha256.Sum256([]byte(e.ID + "\n" + job.Name))
	return job.Slug + "-" + fmt.Sprintf("%x", sum[:8])
}

// newRequest makes the run's id, from which the same file never makes another.
// Its instant is now, in whole seconds as lock stores have them, and none of
// another start of the job: those of schedules are at second 0.
func (s *Shift) newRequest(e *Event, job *Job) startRequest {
	q := &s.requests
	q.mu.Lock()
	defer q.mu.Unlock()
	instant := s.Clock.Now().Truncate(time.Second)
	if last := q.last[job.Slug]; !instant.After(last) && instant.After(last.Add(-time.Minute)) {
		instant = last.Add(time.Second)
	}
	if instant.Second() == 0 {
		instant = instant.Add(time.Second)
	}
	if q.last == nil {
		q.last = map[string]time.Time{}
	}
	q.last[job.Slug] = instant
	_, key, _ := strings.Cut(requestKey(e, job), job.Slug+"-")
	return startRequest{Job: job.Name, Run: runID(job, instant) + byHandler + key, Instant: instant, Event: e.ID, Depth: e.Depth + 1}
}

func (r startRequest) save(path string) error {
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return durable.WriteFile(path, data, "start")
}

func readRequest(path string) (r startRequest, err error) {
	data, err := durable.ReadFile(path)
	if err != nil {
		return r, err
	}
	err = json.Unmarshal(data, &r)
	if _, _, ok := cutID(r.Run); err == nil && (!ok || r.Job == "") {
		err = errors.New("it names no run")
	}
	return r, err
}

// connect lets a request be taken at once.
func (q *requests) connect(d *duty) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.duty = d
}

func (q *requests) tell() {
	q.mu.Lock()
	d := q.duty
	q.mu.Unlock()
	if d != nil {
		d.send(func() { d.takeRequests(false) })
	}
}

// takeRequests makes intents of the requests that are there. In doubt (at the
// beginning of a shift) some shift before may have done so.
func (d *duty) takeRequests(inDoubt bool) {
	entries, err := os.ReadDir(d.path(folderStarts))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			d.sayOnce("starts", Error, "cannot read the starts that handlers asked for: "+err.Error())
		}
		return
	}
	for _, entry := range entries {
		path := d.path(folderStarts, entry.Name())
		switch {
		case strings.HasSuffix(path, requestWaits) && !d.requested[path]:
			d.takeRequest(path, inDoubt)
		case strings.HasSuffix(path, requestTaken) && inDoubt:
			d.forgetRequest(path, entry)
		}
	}
}

func (d *duty) takeRequest(path string, inDoubt bool) {
	r, err := readRequest(path)
	if err != nil {
		d.sayOnce(path, Error, fmt.Sprintf("a start that a handler asked for is lost: %s could not be understood: %v", path, err))
		_ = durable.PutAside(path)
		return
	}
	d.requested[path] = true
	d.dirty = true
	if d.isActive(r.Run) || d.isKnownRun(&Job{Slug: slugOfRun(r.Run)}, r.Run) || d.wasSetAside(r.Run) || inDoubt && d.ledger.has(r.Run) {
		return
	}
	job := d.jobNamed(r.Job)
	catchUp := functionCatchUp
	if !job.Removed {
		catchUp = catchUpOf(job, r.Instant)
	}
	in := d.newIntent(job, r.Instant, r.Instant, catchUp, r.Run)
	in.job, in.NotBefore, in.Depth = d.jobs[r.Job], time.Time{}, r.Depth
	d.addIntent(in)
}

// requestsCommitted marks those requests as taken that are in the agenda on the disk.
func (d *duty) requestsCommitted() {
	for path, waits := range d.requested {
		if !waits {
			continue
		}
		err := faultpoint.Hit("start.taken")
		if err == nil {
			err = os.Rename(path, takenName(path))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.sayOnce("starts", Error, "cannot note that a start was taken: "+err.Error())
			continue
		}
		d.requested[path] = false
	}
}

func takenName(path string) string { return strings.TrimSuffix(path, requestWaits) + requestTaken }

// forgetRequest removes an old request: its event is told, or will never be.
func (d *duty) forgetRequest(path string, entry fs.DirEntry) {
	if info, err := entry.Info(); err == nil && d.now().Sub(info.ModTime()) > requestKept {
		_ = os.Remove(path)
	}
}

// depthOf is how many runs led to what an event is about, by the event's id.
func (d *duty) depthOf(event string) int {
	id, _, _ := strings.Cut(event, "/")
	if in := d.intentNamed(id); in != nil {
		return in.Depth
	}
	if r := d.runs[id]; r != nil {
		return r.intent.Depth
	}
	return 0
}
