package engine

import "time"

// search picks from the outcomes of a job those about a time, and those that
// these lead to: the other attempts of the same run, and the run into which an
// instant was merged.
type search struct {
	job      string
	from, to time.Time
	there    map[string]bool // keys
	wanted   map[string]bool // ids of runs; true: there is an outcome of it
	since    time.Time       // no outcome that is wanted is older than the day of this
	found    []Outcome
}

func newSearch(job string, from, to time.Time) *search {
	return &search{job: job, from: from, to: to, there: map[string]bool{}, wanted: map[string]bool{}, since: from}
}

// seek wants the attempts before those that have not been put away yet.
func (s *search) seek(runs []ActiveRun) {
	for _, r := range runs {
		if r.Attempt > 1 && r.Started.Before(s.to) {
			s.want(r.ID, r.Instant)
		}
	}
}

// through goes through the outcomes that may not be in the ledger and through the
// ledger: again as long as something is wanted of which the line may have been passed,
// because it stands before the one that leads to it, or in the file of an earlier day.
func (s *search) through(l ledger, pending []Outcome) error {
	for {
		since, wanted := s.since, len(s.wanted)
		s.take(pending)
		if err := l.since(since, s.job, func(o Outcome) { s.take([]Outcome{o}) }); err != nil {
			return err
		}
		s.take(pending) // again: the ledger may lead to one
		if len(s.wanted) == wanted || l.today(s.since) >= l.today(since) && !s.misses() {
			return nil
		}
	}
}

// misses says whether something is wanted and not found.
func (s *search) misses() bool {
	for _, there := range s.wanted {
		if !there {
			return true
		}
	}
	return false
}

func (s *search) take(outcomes []Outcome) {
	for _, o := range outcomes {
		if o.Job != s.job || s.there[o.key()] || !s.about(o) {
			continue
		}
		s.there[o.key()] = true
		s.found = append(s.found, o)
		if o.Attempt > 1 {
			s.want(o.Run, o.Instant)
		}
		if into := mergedInto(o); o.Outcome == OutcomeMerged && !s.wanted[into] {
			s.wanted[into] = false
		}
		if o.Attempt > 1 || s.asked(o.Run) {
			s.wanted[o.Run] = true
		}
	}
}

// want asks for all outcomes of a run, the first of which is not before its instant.
func (s *search) want(run string, instant time.Time) {
	if !s.asked(run) {
		s.wanted[run] = false
	}
	if instant.Before(s.since) {
		s.since = instant
	}
}

func (s *search) asked(run string) bool {
	_, asked := s.wanted[run]
	return asked
}

// about says whether an outcome is about an instant of that time, of a run that
// was there then, or of one that was asked for. A run whose attempt ended before
// may have gone on with another one; one at a later attempt was there since its
// instant.
func (s *search) about(o Outcome) bool {
	began := o.Started
	if o.Attempt > 1 && o.Instant.Before(began) {
		began = o.Instant
	}
	switch {
	case s.asked(o.Run), o.covers(s.from, s.to):
		return true
	case o.Started.IsZero():
		return false
	}
	return began.Before(s.to) && (o.Outcome == OutcomeRetrying || !o.Time.Before(s.from))
}

// covers says whether an outcome is about an instant not before from and before to.
func (o Outcome) covers(from, to time.Time) bool {
	first := o.Instant
	if !o.First.IsZero() {
		first = o.First
	}
	return first.Before(to) && !o.Instant.Before(from)
}
