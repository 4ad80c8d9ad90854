package spec

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// outboxSteps is an entry file whose handlers leave a message about each run,
// of which "never" is never taken.
const outboxSteps = `
local http = require("slavedriver.http")
for _, name in ipairs({ "one", "two", "never" }) do
  keep(name, "true", { schedule = "0 12 23 11 *" })
end
slavedriver:attach("slavedriver.job.finished.success", function(job, params, event)
  assert(http.post(os.getenv("URL") .. "/" .. job.nameSlug, { body = event.run.id, outbox = true }))
end)
`

// receiver is a server that refuses each message the first time.
type receiver struct {
	mu    sync.Mutex
	tried map[string]int // by body
	taken map[string]int
	keys  map[string]map[string]bool
}

func newReceiver(t *testing.T) (*receiver, string) {
	r := &receiver{tried: map[string]int{}, taken: map[string]int{}, keys: map[string]map[string]bool{}}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return r, "URL=" + s.URL
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	data, _ := io.ReadAll(request.Body)
	body := string(data)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried[body]++
	if r.keys[body] == nil {
		r.keys[body] = map[string]bool{}
	}
	r.keys[body][request.Header.Get("Idempotency-Key")] = true
	if r.tried[body] == 1 || request.URL.Path == "/never" {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	r.taken[body]++
}

// playOutbox is the scenario: the messages are put, refused, taken by later
// shifts, and a day later the last one is given up. The environment is that of
// the shift in which the fault happens, in whichever it comes.
func (s *stage) playOutbox(url, fault string) (killed bool) {
	for _, pause := range []string{"0s", "20s", "20s", "1m", "2m", "25h", "1h"} {
		d, _ := time.ParseDuration(pause)
		s.now = s.now.Add(d)
		env := []string{url}
		if !killed {
			env = append(env, fault)
		}
		if s.shift(env...) {
			killed = true
			s.shift(url)
		}
	}
	return killed
}

// TestCrashAtEachStepOfTheOutbox kills a shift at each durable step of the
// outbox. No message is lost; one that comes twice has the same key.
func TestCrashAtEachStepOfTheOutbox(t *testing.T) {
	for _, step := range traceOutbox(t) {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, outboxSteps)
			r, url := newReceiver(t)
			if !s.playOutbox(url, "SLAVEDRIVER_FAULT="+step+":1=kill") {
				t.Fatalf("no shift came to %s", step)
			}
			s.checkOutbox(r)
		})
	}
}

// TestRandomKillsWithAnOutbox kills shifts at random moments.
func TestRandomKillsWithAnOutbox(t *testing.T) {
	t.Parallel()
	s := newStage(t, outboxSteps)
	r, url := newReceiver(t)
	typical := s.measure()
	for range kills() / 4 { // all within the minute in which the jobs are due
		cmd := s.command(url)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(rand.N(4*typical), func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		timer.Stop()
		s.now = s.now.Add(time.Second)
	}
	s.playOutbox(url, "")
	s.checkOutbox(r)
}

// traceOutbox lists the steps of the outbox that the scenario takes.
func traceOutbox(t *testing.T) (steps []string) {
	s := newStage(t, outboxSteps)
	r, url := newReceiver(t)
	trace := filepath.Join(s.dir, "trace")
	s.playOutbox(url, "SLAVEDRIVER_FAULT_LOG="+trace)
	s.checkOutbox(r)
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := map[string]bool{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if step := lines.Text(); strings.HasPrefix(step, "outbox.") && !seen[step] {
			seen[step] = true
			steps = append(steps, step)
		}
	}
	if len(steps) != 9 {
		t.Errorf("the steps are %v", steps)
	}
	return steps
}

// checkOutbox: each message that a handler put was taken, with one key however
// often it came, or given up; none waits.
func (s *stage) checkOutbox(r *receiver) {
	s.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, job := range []string{"one", "two", "never"} {
		run := job + "-20261123T120000Z"
		if never := job == "never"; r.tried[run] == 0 || (r.taken[run] == 0) != never {
			s.t.Errorf("the message about %s was tried %d times and taken %d times", run, r.tried[run], r.taken[run])
		}
		if len(r.keys[run]) != 1 || r.keys[run][""] {
			s.t.Errorf("the message about %s had the keys %v", run, r.keys[run])
		}
	}
	if waiting, _ := filepath.Glob(filepath.Join(s.dir, "var/*/outbox/*.*")); len(waiting) > 0 {
		s.t.Errorf("left over: %v", waiting)
	}
	if kept, _ := filepath.Glob(filepath.Join(s.dir, "var/*/outbox/given-up/*")); len(kept) != 1 {
		s.t.Errorf("given up: %v", kept)
	}
	if log := s.read("log"); strings.Count(log, " error gave up sending POST ") != 1 {
		s.t.Errorf("the log does not say once that it was given up:\n%s", log)
	}
	if s.t.Failed() {
		s.t.Log(fmt.Sprint(r.tried), s.read("log"))
	}
}
