package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"slavedriver/internal/durable"
	"slavedriver/internal/faultpoint"
)

// The outcomes of a due instant.
const (
	OutcomeSucceeded = "succeeded"
	OutcomeFailed    = "failed"
	OutcomeRetrying  = "retrying"  // an attempt failed; the run goes on with another one
	OutcomeSkipped   = "skipped"   // on purpose: overlap, ...
	OutcomeMissed    = "missed"    // its time passed
	OutcomeMerged    = "merged"    // one start was made for several missed instants
	OutcomeElsewhere = "elsewhere" // another slave started it
	OutcomeUnknown   = "unknown"   // it may have run: the machine stopped while it was being started
)

// Outcome is one line of the ledger: what became of a due instant, or of
// Count instants of a job from First to Instant.
type Outcome struct {
	Time    time.Time `json:"time"` // when it was decided
	Job     string    `json:"job"`
	Run     string    `json:"run,omitempty"` // the id of the run, or of what it would have been; see Attempt
	Instant time.Time `json:"instant"`
	First   time.Time `json:"first,omitzero"`
	Count   int       `json:"count,omitempty"`
	Outcome string    `json:"outcome"`
	Reason  string    `json:"reason,omitempty"`
	Slave   string    `json:"slave,omitempty"`

	Started  time.Time `json:"started,omitzero"`
	Duration float64   `json:"duration,omitempty"` // seconds
	Exit     *int      `json:"exit,omitempty"`
	Attempt  int       `json:"attempt,omitempty"` // of the run, from 1: AttemptID names its folder
	Fence    int64     `json:"fence,omitempty"`
}

// Took is how long the run took, as Took writes it; "" where that is not known.
func (o Outcome) Took() string {
	if o.Duration <= 0 {
		return ""
	}
	return Took(time.Duration(o.Duration * float64(time.Second)))
}

// key tells whether two lines say the same.
func (o Outcome) key() string { return AttemptID(o.Run, o.Attempt) + "\x00" + o.Outcome }

// ledger appends outcomes to one file a day (UTC), a JSON object a line.
type ledger struct{ dir string }

// ledgerTail is how much of the newest file is searched for a line that a
// crash may have left written: many more than one tick writes.
const ledgerTail = 4 << 20

// append writes the outcomes. A torn last line (a crash in the middle of a
// write) is ended first, so that it costs one line and not two.
func (l ledger) append(outcomes ...Outcome) error {
	if len(outcomes) == 0 {
		return nil
	}
	if err := faultpoint.Hit("ledger.write"); err != nil {
		return fmt.Errorf("cannot write the ledger: %w", err)
	}
	f, err := openLedger(l.today(outcomes[0].Time))
	if err != nil {
		return fmt.Errorf("cannot write the ledger: %w", err)
	}
	defer f.Close()
	lines, err := encodeLines(outcomes)
	if err != nil {
		return err
	}
	if err := appendWhole(f, lines); err != nil {
		return fmt.Errorf("cannot write the ledger %s: %w", f.Name(), err)
	}
	return faultpoint.Hit("ledger.written")
}

// openLedger opens a day's file, or makes it; what is no file is put aside.
func openLedger(path string) (*os.File, error) {
	fd, err := durable.OpenRegular(path, os.O_RDWR|os.O_APPEND)
	if errors.Is(err, fs.ErrNotExist) {
		return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

func encodeLines(outcomes []Outcome) ([]byte, error) {
	var b bytes.Buffer
	for _, o := range outcomes {
		line, err := json.Marshal(o)
		if err != nil {
			return nil, fmt.Errorf("cannot encode an outcome of job %q: %w", o.Job, err)
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}

// appendWhole writes all of data or, on a full disk, takes back what it wrote.
func appendWhole(f *os.File, data []byte) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	last := make([]byte, 1)
	if size > 0 {
		if _, err := f.ReadAt(last, size-1); err == nil && last[0] != '\n' {
			data = append([]byte{'\n'}, data...)
		}
	}
	if _, err := f.Write(data); err != nil {
		_ = f.Truncate(size)
		return err
	}
	return nil
}

// appendMissing writes those outcomes that the ledger's end does not have yet:
// what a shift that died may or may not have written.
func (l ledger) appendMissing(outcomes ...Outcome) error {
	if len(outcomes) == 0 {
		return nil
	}
	day := dayOf(outcomes[0].Time)
	names, _ := filepath.Glob(filepath.Join(l.dir, "*"+day+"*.jsonl")) // behind, too
	there := keysOf(names)
	var missing []Outcome
	for _, o := range outcomes {
		if !there[o.key()] {
			missing = append(missing, o)
		}
	}
	return l.append(missing...)
}

// recent is the set of keys at the end of the ledger. Lines that cannot be understood
// are passed over.
func (l ledger) recent() map[string]bool { return keysOf(l.newest(2)) }

// newest are the newest so many files: a day may just have ended.
func (l ledger) newest(most int) []string {
	names, _ := filepath.Glob(filepath.Join(l.dir, "*.jsonl"))
	return names[max(0, len(names)-most):]
}

// lately is what stands at the end of these, in order.
func (l ledger) lately(most int) (outcomes []Outcome) {
	eachAtEnd(l.newest(most), func(o Outcome) { outcomes = append(outcomes, o) })
	return outcomes
}

// keysOf is the set of keys at the end of each of these files.
func keysOf(names []string) map[string]bool {
	keys := map[string]bool{}
	eachAtEnd(names, func(o Outcome) { keys[o.key()] = true })
	return keys
}

func eachAtEnd(names []string, take func(Outcome)) {
	for _, name := range names {
		for _, line := range bytes.Split(tailOf(name, ledgerTail), []byte{'\n'}) {
			var o Outcome
			if json.Unmarshal(line, &o) == nil {
				take(o)
			}
		}
	}
}

// has says whether the end of an attempt is in the ledger already, or that it
// was given up.
func (l ledger) has(id string) bool {
	there := l.recent()
	if hasAny(there, id, OutcomeSkipped, OutcomeMissed, OutcomeMerged, OutcomeElsewhere) || hasEnd(there, id) {
		return true
	}
	// A retry that is given up makes the attempt before the last one.
	run, attempt := cutAttempt(id)
	return attempt > 1 && there[Outcome{Run: run, Attempt: attempt - 1, Outcome: OutcomeFailed}.key()]
}

// hasEnd says whether the end of an attempt that was made, or may have been, is
// among those keys.
func hasEnd(there map[string]bool, id string) bool {
	return hasAny(there, id, OutcomeSucceeded, OutcomeFailed, OutcomeRetrying, OutcomeUnknown)
}

func hasAny(there map[string]bool, id string, outcomes ...string) bool {
	run, attempt := cutAttempt(id)
	return slices.ContainsFunc(outcomes, func(outcome string) bool {
		return there[Outcome{Run: run, Attempt: attempt, Outcome: outcome}.key()]
	})
}

func (l ledger) today(t time.Time) string {
	return filepath.Join(l.dir, t.UTC().Format("2006-01-02")+".jsonl")
}

// tailOf reads the last most bytes of a file; nothing where it cannot be read.
func tailOf(path string, most int64) []byte {
	f, err := durable.Peek(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > most {
		_, _ = f.Seek(-most, io.SeekEnd)
	}
	data, _ := io.ReadAll(f)
	return data
}
