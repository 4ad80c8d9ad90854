package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"slavedriver/internal/durable"
	"slavedriver/internal/runfile"
)

// agenda is what a shift has decided and the next one must know: how far the
// schedules were evaluated, and what came of it that is not done yet. It is
// replaced as a whole, so each decision is there with all that follows from it
// or not at all.
type agenda struct {
	// Evaluated is the last moment whose due instants are decided: each has an
	// intent here, a run folder, or an outcome. Zero before the first tick.
	Evaluated time.Time `json:"evaluated"`
	// Ticked is when that was decided.
	Ticked time.Time `json:"ticked,omitzero"`
	// Ahead is set after a clock that was far ahead came back.
	Ahead *ahead `json:"ahead,omitempty"`
	// Jobs is the fingerprint of the jobs known then (known.go).
	Jobs string `json:"jobs,omitempty"`
	// Intents are starts that were decided and are not known to be made.
	Intents []*intent `json:"intents,omitempty"`
	// Answered is by job the run of the newest minute that its schedule function said
	// yes to and whose time had come then (ask.go).
	Answered map[string]string `json:"answered,omitempty"`
	// Outcomes are written to the ledger after the commit that decided them;
	// those of the last commit are kept here, for a crash in between.
	Outcomes []Outcome `json:"outcomes,omitempty"`
	// LeaseLost are attempts of which the lost lease is told, until that stands in
	// their folders.
	LeaseLost []string `json:"leaseLost,omitempty"`
	// Misses are instants of which the lock store is still to say who tells that
	// they were missed.
	Misses []*miss `json:"misses,omitempty"`
	// Notices are events without a run folder of their own, told in order.
	Notices []notice `json:"notices,omitempty"`
	// Seq is the number of the newest notice there ever was.
	Seq uint64 `json:"seq,omitempty"`
	// StoreMet is when this slave first got an answer from the lock store of
	// that URL, by the store's clock (see Claim.Met).
	StoreMet storeMet `json:"storeMet,omitzero"`
	// StoreDownSince is when the lock store stopped answering; zero while it answers.
	StoreDownSince time.Time `json:"storeDownSince,omitzero"`
	// Roster is what was said and is to be said about slaves (muster.go).
	Roster roster `json:"roster,omitzero"`
	// LoadTrouble is that the entry file does not load, CopyTrouble that no copy
	// of it can be made (config.go).
	LoadTrouble trouble `json:"loadTrouble,omitzero"`
	CopyTrouble trouble `json:"copyTrouble,omitzero"`
	// SecretTrouble is that the entry file does not get its secrets.
	SecretTrouble trouble `json:"secretTrouble,omitzero"`
}

type storeMet struct {
	URL string    `json:"store"`
	At  time.Time `json:"at"`
}

// intent is a run that was decided and not started yet.
type intent struct {
	Run     string    `json:"run"` // the id of the attempt (AttemptID)
	Job     string    `json:"job"`
	Instant time.Time `json:"instant"`
	// NotBefore is when it is to start, where its time had not come yet when
	// it was decided: its second, its jitter, the delay of a retry.
	NotBefore time.Time     `json:"notBefore,omitzero"`
	Until     time.Time     `json:"until"` // later than this it is missed
	Token     string        `json:"token"`
	World     runfile.World `json:"world"`
	// Starting is set in the commit before the start is made. In another
	// world (after a power cut) such a start may have happened.
	Starting bool `json:"starting,omitempty"`
	// Mark is that of the processes of the run (runfile.Intent), to find them by
	// should nothing else be left of it.
	Mark string `json:"mark,omitempty"`
	// Ask: whether it is due at all is still to be asked of the script.
	Ask bool `json:"ask,omitempty"`
	// Asked: the job's condition was asked, and holds.
	Asked bool `json:"asked,omitempty"`
	// Problem is why the last try failed, for the missed event.
	Problem string `json:"problem,omitempty"`
	// Depth is how many runs have led to it, by handlers that started the next.
	Depth int `json:"depth,omitempty"`
	// Merged are earlier instants for which this start is made as well; each has an
	// outcome of its own.
	Merged span `json:"merged,omitzero"`
	// Placed: its time has come, and what else there is of its job was looked at.
	Placed bool `json:"placed,omitempty"`
	// Retry is what a second or later attempt needs to know of the run so far.
	Retry *retry `json:"retry,omitempty"`

	// What follows is this shift's own knowledge.
	job       *Job
	committed bool          // this record, Starting included, is on the disk
	phase     phase         // how far the start has come
	notBefore time.Duration // Clock.Boot: do not try again earlier
	fence     int64
	confirmed time.Duration // Clock.Boot when its Confirm was sent; 0 without a lease
	// confirmedFor is about how many instants that was, its own and those merged into it.
	confirmedFor int
	folder       RunFile // of a run that was prepared and never started
	triedLease   bool
	left         bool // an earlier shift was about to start it, and may have its lease
	locked       bool // folder, and its lock is ours
	created      bool // its run folder was made
	settled      bool // started or given up: leaves the agenda with the next commit, see leaves
	// madeAt is when its process was started (Clock.Boot), until its folder was
	// seen whole a while later; else 0.
	madeAt time.Duration
	lost   bool // its processes live, and its folder is to be made anew
}

// phase is where a start stands within a shift.
type phase int

const (
	phaseWaiting    phase = iota // for a slot, for its time, for the last run to end
	phaseAsking                  // a question is on its way to the script
	phaseLeasing                 // a claim is on its way to the lock store
	phaseClaimed                 // has a claim; is to be confirmed once it is committed
	phaseConfirming              // the Confirm is on its way
	phaseStarting                // may be started once it is committed
)

// loadAgenda reads the agenda. One that is missing is empty; one that cannot
// be understood is set aside under another name and said, and is empty too.
func loadAgenda(path string) (a *agenda, warning string, err error) {
	data, err := durable.ReadFile(path)
	switch {
	case errors.Is(err, durable.ErrOdd):
		return &agenda{}, fmt.Sprintf("the agenda was put aside (%v); starts that waited in it are lost, schedules go on from this minute", err), nil
	case errors.Is(err, fs.ErrNotExist):
		return &agenda{}, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the agenda: %w", err)
	}
	a = &agenda{}
	if err := json.Unmarshal(data, a); err != nil {
		aside, err2 := setAside(path)
		if err2 != nil {
			return nil, "", err2
		}
		return &agenda{}, fmt.Sprintf("the agenda could not be understood (%v) and was set aside as %s; "+
			"starts that waited in it are lost, schedules go on from this minute", err, aside), nil
	}
	for _, in := range a.Intents {
		in.committed, in.left = true, in.Starting
		if in.Retry != nil {
			in.fence = in.Retry.Fence
		}
	}
	return a, "", nil
}

// intentFor is the intent of a run that was never started, as far as its folder
// tells.
func (d *duty) intentFor(r *run) *intent {
	in := &intent{
		Run: r.intent.ID, Job: r.intent.Job, Instant: r.intent.Instant, Token: r.intent.Token,
		World: d.world, fence: r.intent.Fence, job: d.jobs[r.intent.Job], folder: r.file, created: true,
		Asked: true, Placed: true, Depth: r.intent.Depth, Mark: r.intent.Mark,
	}
	in.Until = r.intent.Instant.Add(time.Hour)
	if in.job != nil {
		in.Until = r.intent.Instant.Add(in.job.Jitter + catchUpOf(in.job, r.intent.Instant))
	}
	if r.intent.Attempt > 1 {
		in.NotBefore, in.Until = r.intent.StartedAt, r.intent.StartedAt.Add(time.Hour)
		in.Retry = &retry{
			Attempt: r.intent.Attempt, Since: r.intent.StartedAt, Lease: d.claimOfRun(r).Key, Fence: in.fence, Reason: "an attempt failed",
		}
	}
	return in
}

// save makes the agenda durable: the one commit of a tick.
func (a *agenda) save(path string) error {
	data, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("cannot encode the agenda: %w", err)
	}
	return durable.WriteFile(path, data, "agenda")
}

// setAside moves a file or folder that cannot be used out of the way, keeping
// it for people to look at, and returns its new name.
func setAside(path string) (string, error) {
	aside := fmt.Sprintf("%s.corrupt-%s", path, time.Now().UTC().Format("20060102T150405.000Z"))
	if err := os.Rename(path, aside); err != nil {
		return "", fmt.Errorf("cannot set aside %s: %w", path, err)
	}
	return aside, nil
}
