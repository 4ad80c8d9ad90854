package engine

import (
	"slices"
	"time"
)

// subjects gathers what is known by the run that it is about.
type subjects struct {
	byRun map[string]*subject
	all   []*subject
}

func (f *subjects) of(run string, instant time.Time) *subject {
	s := f.byRun[run]
	if s == nil {
		s = &subject{instant: instant, run: run}
		f.byRun[run] = s
		f.all = append(f.all, s)
	}
	return s
}

func (f *subjects) wait(w WaitingStart) {
	if s := f.of(w.Run, w.Instant); s.waiting == nil || w.Attempt > s.waiting.Attempt {
		s.waiting = &w
	}
}

func (f *subjects) run(r ActiveRun) {
	if s := f.of(r.ID, r.Instant); s.active == nil || r.Attempt > s.active.Attempt {
		s.active = &r
	}
}

// outcome takes one of the instants of an outcome; of several lines about an
// attempt the last one counts.
func (f *subjects) outcome(o Outcome, t time.Time) {
	if s := f.of(runAt(o, t), t); s.outcome == nil || o.Attempt >= s.outcome.Attempt {
		s.outcome = &o
	}
}

// complete tells a run to its end, whichever of its attempts was asked about.
func (f *subjects) complete(r Records) {
	known := func(run string) bool { return f.byRun[run] != nil }
	for _, w := range r.Waiting {
		if known(w.Run) {
			f.wait(w)
		}
	}
	for _, a := range r.Runs {
		if known(a.ID) {
			f.run(a)
		}
	}
	for _, o := range r.Outcomes {
		if known(o.Run) {
			f.outcome(o, o.Instant)
		}
	}
}

// has says whether anything is known of an instant, but for what was started by hand.
func (f *subjects) has(t time.Time) bool {
	return slices.ContainsFunc(f.all, func(s *subject) bool { return s.instant.Equal(t) && !byHand(s.run) })
}

// startedByHand says whether a start that nobody's schedule made is known of an instant.
func (q Why) startedByHand(t time.Time) bool {
	is := func(run string, instant time.Time) bool { return instant.Equal(t) && byHand(run) }
	return slices.ContainsFunc(q.Records.Outcomes, func(o Outcome) bool { return is(o.Run, o.Instant) }) ||
		slices.ContainsFunc(q.Records.Runs, func(r ActiveRun) bool { return is(r.ID, r.Instant) })
}

func (f *subjects) inOrder() []subject {
	slices.SortStableFunc(f.all, func(a, b *subject) int { return a.instant.Compare(b.instant) })
	out := make([]subject, len(f.all))
	for i, s := range f.all {
		out[i] = *s
	}
	return out
}
