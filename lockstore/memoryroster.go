package lockstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"slavedriver/engine"
)

// roll is what a Memory knows of the slaves: the same as roster.lua, and the same
// decisions. Memory.mu guards it.
type roll struct {
	noted   map[string][]engine.Slave // by name: several, where several have it
	notedAt time.Time                 // the last time that somebody was
	watched map[string]*watched
	looked  map[string]time.Time // when somebody looked at all of a list, by listID
	// lookedAt is the last of these: a day later all of watched and looked goes.
	lookedAt time.Time
	history  []engine.Outcome // oldest first
}

// watched is what is known of a slave that others want to hear of.
type watched struct {
	since, until time.Time          // it was watched without a pause
	report       engine.SlaveReport // the newest one; its LastSeen is zero before the first
	up           bool               // there is none to make, or it is done with
	by           string             // the id of who is to make it
	from         time.Time          // and since when
	done         bool               // it was made
}

func newRoll() roll {
	return roll{noted: map[string][]engine.Slave{}, watched: map[string]*watched{}, looked: map[string]time.Time{}}
}

// Note notes a slave; see engine.Roster, as for the other methods.
func (s *Memory) Note(ctx context.Context, note engine.Note) (m engine.Muster, err error) {
	err = s.reached(ctx, func(now time.Time) {
		m.Now = now
		s.roll.forgetOld(now)
		s.roll.note(note.Slave, now)
		m.Namesakes = slices.Clone(s.roll.noted[note.Slave.Name])
		if list := listID(note.Watch); list != "" {
			m.Reports = s.roll.look(note, list, now)
		}
	})
	return m, err
}

// Slaves are those of the last day.
func (s *Memory) Slaves(ctx context.Context) (all []engine.Slave, now time.Time, err error) {
	err = s.reached(ctx, func(at time.Time) {
		now = at
		for _, same := range s.roll.noted {
			for _, one := range same {
				if now.Sub(one.Seen) <= slaveKept {
					all = append(all, one)
				}
			}
		}
	})
	slices.SortFunc(all, func(a, b engine.Slave) int { return cmp.Or(cmp.Compare(a.Name, b.Name), a.First.Compare(b.First)) })
	return all, now, err
}

// AddEnded adds to the history.
func (s *Memory) AddEnded(ctx context.Context, ended []engine.Outcome) error {
	return s.reached(ctx, func(time.Time) {
		s.roll.history = append(s.roll.history, ended...)
		s.roll.history = s.roll.history[max(0, len(s.roll.history)-historyLength):]
	})
}

// History is the end of it; a run that was added twice is there once.
func (s *Memory) History(ctx context.Context, job string, most int) (all []engine.Outcome, err error) {
	err = s.reached(ctx, func(time.Time) {
		there := map[string]bool{}
		for _, o := range slices.Backward(s.roll.history) {
			key := outcomeKey(o)
			if !there[key] && (job == "" || o.Job == job) && len(all) < most {
				there[key] = true
				all = append(all, o)
			}
		}
	})
	slices.Reverse(all)
	return all, err
}

// outcomeKey tells one entry of the history from another.
func outcomeKey(o engine.Outcome) string {
	return fmt.Sprint(o.Slave, "\x00", o.Run, "\x00", o.Attempt, "\x00", o.Outcome)
}

// forgetOld is the expiry of the keys of Redis.
func (r *roll) forgetOld(now time.Time) {
	if now.Sub(r.notedAt) >= slaveKept {
		r.noted = map[string][]engine.Slave{}
	}
	if now.Sub(r.lookedAt) >= slaveKept {
		r.watched, r.looked = map[string]*watched{}, map[string]time.Time{}
	}
}

// note notes a slave as seen now, and takes out of its name who has left that.
func (r *roll) note(s engine.Slave, now time.Time) {
	s.First, s.Seen = now, now
	s.Running = slices.Clone(s.Running)
	var others []engine.Slave
	for _, one := range r.noted[s.Name] {
		switch {
		case now.Sub(one.Seen) > engine.LostAfter:
		case one.ID == s.ID:
			s.First = one.First
		default:
			others = append(others, one)
		}
	}
	if r.noted[s.Name] == nil {
		maps.DeleteFunc(r.noted, func(name string, _ []engine.Slave) bool { return now.Sub(r.lastSeen(name)) > slaveKept })
	}
	r.noted[s.Name], r.notedAt = append(others, s), now
}

// lastSeen is when a slave of that name was seen, zero for never.
func (r *roll) lastSeen(name string) (last time.Time) {
	for _, one := range r.noted[name] {
		if one.Seen.After(last) {
			last = one.Seen
		}
	}
	return last
}

// look looks at all names of a list, unless somebody did so just now: who returns
// says so at once.
func (r *roll) look(note engine.Note, list string, now time.Time) (reports []engine.SlaveReport) {
	names := note.Watch
	if len(note.Made) == 0 && now.Sub(r.looked[list]) < lookEvery {
		names = nil
		if r.watched[note.Slave.Name] != nil {
			names = []string{note.Slave.Name}
		}
	} else {
		r.looked[list], r.lookedAt = now, now
	}
	for _, name := range names {
		w := r.watched[name]
		if w == nil {
			w = &watched{since: now, until: now, report: engine.SlaveReport{Name: name}, up: true}
			r.watched[name] = w
		}
		if w.look(note, r.lastSeen(name), now) {
			reports = append(reports, w.report)
		}
	}
	return reports
}

// look brings up to date what is known of a slave that was seen last at seen, and
// says whether the noted one is to report it.
func (w *watched) look(note engine.Note, seen, now time.Time) (news bool) {
	w.hear(note.Made, now)
	lost := !w.up && !w.report.Returned
	last := w.report.LastSeen
	switch {
	case lost && seen.After(last):
		w.report.Returned, news = true, true
	case !lost && now.Sub(later(seen, w.since)) > engine.LostAfter:
		w.up, w.report.Returned, w.report.LastSeen, news = false, false, seen, true
	case w.up:
	case w.report.Returned && w.done:
		w.up = true
	case !w.done && (w.by == note.Slave.ID || now.Sub(w.from) > reportFor):
		news = true
	}
	if news {
		w.from, w.by, w.done = now, note.Slave.ID, false
	}
	return news
}

// hear takes in that it is watched, and which reports were made.
func (w *watched) hear(made []engine.SlaveReport, now time.Time) {
	if now.Sub(w.until) > unwatchedFor {
		w.since = now // while nobody looked, nobody could be noted either
	}
	w.until = now
	w.done = w.done || !w.up && slices.ContainsFunc(made, w.report.Same)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
