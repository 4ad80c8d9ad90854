package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"slavedriver/engine"
	"slavedriver/luaapi"
)

// asker asks the schedule functions of a script while a person waits for the answer.
// One that hangs is left behind, as the process ends soon.
type asker struct {
	script *luaapi.Script
	hung   chan struct{}
	stuck  *stuck
}

// stuck is the job whose schedule function does not come back; nil: none. The askers
// of one command share it, since the same file may hang for each of the slaves.
type stuck struct {
	job *engine.Job
}

func newAsker(script *luaapi.Script, shared *stuck) *asker {
	a := &asker{script: script, hung: make(chan struct{}), stuck: shared}
	script.OnHung(sync.OnceFunc(func() { close(a.hung) }))
	return a
}

// close frees the script, unless something runs in it for ever.
func (a *asker) close() {
	select {
	case <-a.hung:
	default:
		a.script.Close()
	}
}

// due asks about the minute of now. Once a function has hung none is asked any more.
func (a *asker) due(ctx context.Context, job *engine.Job, now time.Time) (bool, error) {
	if a.stuck.job != nil {
		return false, a.stuck.says(job)
	}
	type answer struct {
		due bool
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		due, err := a.script.Due(ctx, job, now)
		answered <- answer{due, err}
	}()
	select {
	case got := <-answered:
		return got.due, got.err
	case <-a.hung:
		a.stuck.job = job
		return false, a.stuck.says(job)
	}
}

// says is the error about a job's function where that one hangs.
func (s *stuck) says(job *engine.Job) error {
	err := errors.New(s.job.Source + ": did not come back within 10 s, inside a function of Lua that cannot be interrupted")
	if job.Name != s.job.Name {
		err = fmt.Errorf("%s: was not asked, as that of %q hangs", job.Source, s.job.Name)
	}
	return &failure{status: exitUsage, err: err}
}
