package engine

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"
)

// Why asks why a job did or did not start in a span of time: a minute as a
// rule, or one second, or a day. It holds all that the answer is made from.
type Why struct {
	Job      *Job
	Slave    string
	From, To time.Time // From is part of it, To is not
	Now      time.Time
	// FunctionDue are the minutes, in order, for which the job's schedule function
	// says yes now, and FunctionErr why it says nothing; for other jobs neither counts.
	FunctionDue   []time.Time
	FunctionErr   error
	MaxConcurrent int // of the plan; 0: no limit
	Records       Records
	Dir           string // the var dir that these are from, for people
	// Output is the folder of what an attempt of a run printed, or "": see
	// OutputFolder. nil: nobody wants to know.
	Output func(run string, attempt int) string
}

// Verdict is an answer in a word: one of these, a RunState, or an outcome of
// the ledger.
type Verdict string

// The verdicts about a start of which nothing is recorded.
const (
	VerdictNotDue    Verdict = "notDue"
	VerdictDue       Verdict = "due" // and its time has not come
	VerdictDisabled  Verdict = "disabled"
	VerdictElsewhere Verdict = "otherSlave" // the job is not this slave's
	VerdictNew       Verdict = "new"        // the job, or its schedule, is newer
	VerdictNoShift   Verdict = "noShift"    // none has run since
	VerdictNoRecord  Verdict = "noRecord"   // it should have left one
	VerdictWaiting   Verdict = "waiting"    // it was decided, and is not made yet
	VerdictUnknown   Verdict = "unknown"    // its schedule function fails
)

// Explanation is what became of one instant.
type Explanation struct {
	Job      string    `json:"job"`
	Slave    string    `json:"slave"`
	Instant  time.Time `json:"instant"` // in the job's zone; where nothing was due, the time that was asked about
	Verdict  Verdict   `json:"verdict"`
	Sentence string    `json:"answer"`
	Run      string    `json:"run,omitempty"`
	Output   string    `json:"output,omitempty"` // the folder of the run's stdout and stderr, while that is kept
	// LastWords is the last line that it wrote to stderr, of a failure: whoever asks
	// puts it there (LastWords).
	LastWords string    `json:"lastWords,omitempty"`
	Started   time.Time `json:"started,omitzero"`
	Until     time.Time `json:"until,omitzero"`   // until when it may still start
	Last      time.Time `json:"last,omitzero"`    // where nothing was due: the instant before
	Next      time.Time `json:"next,omitzero"`    // ... and the one after
	Outcome   *Outcome  `json:"outcome,omitzero"` // the ledger's line
	// Because is the run that was in the way, or into which this was merged.
	Because string `json:"because,omitempty"`

	failed bool // which no shift has recorded
}

// Explain has one answer for each instant of that time, in order, and one where
// there is none.
func (q Why) Explain() []Explanation {
	var answers []Explanation
	for _, s := range q.subjects() {
		answers = append(answers, q.answer(s))
	}
	if len(answers) == 0 {
		return []Explanation{q.nothingDue()}
	}
	return answers
}

// Recorded says whether shifts recorded anything of that time; if not, the
// answer comes from the entry file alone.
func (q Why) Recorded() bool {
	return slices.ContainsFunc(q.subjects(), func(s subject) bool { return s.run != "" })
}

// Answered says whether the records tell of the one instant that a schedule function
// can have in a minute, so that it need not be asked about it again.
func (q Why) Answered() bool {
	return q.Job.ScheduleFunc && !q.isDay() && slices.ContainsFunc(q.subjects(), func(s subject) bool {
		return s.run != "" && !byHand(s.run) && s.instant.Equal(q.From.Truncate(time.Minute))
	})
}

// subject is an instant, or a run, that an answer is about, and what is known
// of it: of each kind the latest attempt's.
type subject struct {
	instant time.Time
	run     string
	outcome *Outcome
	active  *ActiveRun
	waiting *WaitingStart
}

func (q Why) answer(s subject) Explanation {
	a := Explanation{Job: q.Job.Name, Slave: q.Slave, Instant: s.instant.In(q.Job.Location), Run: s.run, Outcome: s.outcome}
	if s.outcome != nil {
		a.Run = s.outcome.Run // of several instants at a time, the last one's
	}
	switch s.latest() {
	case latestOutcome:
		q.sayOutcome(&a, *s.outcome)
	case latestRun:
		q.sayRun(&a, *s.active)
	case latestWaiting:
		q.sayWaiting(&a, *s.waiting)
	default:
		q.sayUnrecorded(&a, s.instant)
	}
	if attempt := s.lastAttempt(); q.Output != nil && attempt > 0 {
		a.Output = q.Output(a.Run, attempt)
	}
	return a
}

// What is known of a start, in the order in which one attempt goes through it.
const (
	latestNothing = iota
	latestWaiting
	latestRun
	latestOutcome
)

// latest says which of the things that are known is the furthest on: a run that
// is tried again begins anew with its next attempt.
func (s subject) latest() int {
	best, stage := 0, latestNothing
	consider := func(attempt, what int) {
		if n := 4*attempt + what; n > best {
			best, stage = n, what
		}
	}
	if s.waiting != nil {
		consider(s.waiting.Attempt, latestWaiting)
	}
	if s.active != nil {
		consider(s.active.Attempt, latestRun)
	}
	if s.outcome != nil {
		consider(max(1, s.outcome.Attempt), latestOutcome)
	}
	return stage
}

// subjects are the instants that are due by the schedule as it is now, and
// those that shifts recorded: the entry file may have been another then.
func (q Why) subjects() []subject {
	due := q.due()
	found := subjects{byRun: map[string]*subject{}}
	for _, w := range q.Records.Waiting {
		if q.concerns(w.Instant, time.Time{}) {
			found.wait(w)
		}
	}
	for _, r := range q.Records.Runs {
		if q.concerns(r.Instant, r.Started) {
			found.run(r)
		}
	}
	for _, o := range q.Records.Outcomes {
		for _, t := range q.instantsOf(o, due) {
			found.outcome(o, t)
		}
	}
	found.complete(q.Records)
	for _, t := range due {
		if !found.has(t) {
			found.all = append(found.all, &subject{instant: t})
		}
	}
	return found.inOrder()
}

// concerns says whether a start is what is asked about: its instant, the time
// to which the jitter puts it off, or (if not zero) the time at which it was
// made is in the span.
func (q Why) concerns(instant, started time.Time) bool {
	in := func(t time.Time) bool { return !t.Before(q.From) && t.Before(q.To) }
	return in(instant) || in(instant.Add(JitterOf(q.Job, q.Slave))) || in(started)
}

// instantsOf are those instants of an outcome that are asked about; it may be
// one of many at a time, of which it names the first and the last.
func (q Why) instantsOf(o Outcome, due []time.Time) (instants []time.Time) {
	for _, t := range due {
		if o.Count > 0 && !t.Before(o.First) && t.Before(o.Instant) {
			instants = append(instants, t)
		}
	}
	if q.concerns(o.Instant, o.Started) {
		instants = append(instants, o.Instant)
	}
	return instants
}

// runAt tells the instants of one outcome apart; only the last of them has the
// name that its run would have had.
func runAt(o Outcome, t time.Time) string {
	if t.Equal(o.Instant) {
		return o.Run
	}
	return runID(&Job{Slug: slugOfRun(o.Run)}, t)
}

// byHandler stands in the ids of runs that a handler started, after the instant.
const byHandler = "-by-"

// byCommand stands in the ids of runs that were asked for with --at, likewise.
const byCommand = "-at-"

// byAt says whether a run was asked for with --at.
func byAt(run string) bool { return strings.Contains(run, "Z"+byCommand) }

// idByAt is the id of a run that is asked for: of each time another.
func idByAt(id string) string { return id + byCommand + rand.Text()[:6] }

// byHand says whether a run was asked for with --at, or by a handler.
func byHand(run string) bool {
	return byAt(run) || strings.Contains(run, "Z"+byHandler)
}

// StartedBy says who asked for a run that is none of the schedule, "" for one that is.
func StartedBy(run string) string {
	switch {
	case byAt(run):
		return "asked for with --at"
	case byHand(run):
		return "a handler started it"
	}
	return ""
}

// outcomeOf is the ledger's last line about a run, or nil.
func (q Why) outcomeOf(run string) *Outcome {
	for _, o := range slices.Backward(q.Records.Outcomes) {
		if o.Run == run {
			return &o
		}
	}
	return nil
}

// activeRun is an active run by its id, or nil.
func (q Why) activeRun(run string) *ActiveRun {
	for _, r := range q.Records.Runs {
		if r.ID == run {
			return &r
		}
	}
	return nil
}

// lives is from when to when each recorded run of the job went on, the waiting
// for its next attempt included.
func (q Why) lives() map[string]window {
	lives := map[string]window{}
	add := func(run string, from, to time.Time) {
		life, ok := lives[run]
		if from.IsZero() {
			return
		}
		if !ok || from.Before(life.From) {
			life.From = from
		}
		if to.After(life.To) {
			life.To = to
		}
		lives[run] = life
	}
	for _, o := range q.Records.Outcomes {
		add(o.Run, o.Started, o.Time)
	}
	still := q.Now.Add(time.Hour) // has no end yet, whatever clock it was noted by
	for _, r := range q.Records.Runs {
		add(r.ID, r.Started, still)
	}
	for _, w := range q.Records.Waiting {
		add(w.Run, w.Since, still)
	}
	return lives
}

// inTheWay is the run of the job that was going on when a start was skipped,
// the newest if there were several, or "".
func (q Why) inTheWay(skipped Outcome) (run string, since time.Time) {
	for id, life := range q.lives() {
		if id != skipped.Run && !life.From.After(skipped.Time) && !life.To.Before(skipped.Time) && life.From.After(since) {
			run, since = id, life.From
		}
	}
	return run, since
}
