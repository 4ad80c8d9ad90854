package engine

import (
	"path/filepath"
	"time"
)

// NextDue is the first instant after a moment at which a job of the plan is due
// on its slave; zero: there is none. asks says that a schedule function is to
// be asked in each minute, so that this cannot be known.
func (p *Plan) NextDue(after time.Time) (next time.Time, asks bool) {
	for _, job := range p.Jobs {
		switch {
		case !job.Enabled || !job.OnSlave(p.Slave):
		case job.ScheduleFunc:
			return time.Time{}, true
		default:
			if t := job.Schedule.Next(after); !t.IsZero() && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
	}
	return next, false
}

// NotesItself says that each shift of the plan has something to do although nothing
// is due: it is to be heard of, and hears of others, by way of that store.
func (p *Plan) NotesItself(store Store) bool {
	_, keeps := store.(Roster)
	return keeps && len(p.KnownSlaves) > 0
}

// PassIdle leaves in a var dir what shifts leave that came in each minute until
// now and found nothing to do: nothing was due, ran, or waited, and nobody
// was to be told. That this is so is the caller's word; no shift may be on duty.
func PassIdle(dir string, now time.Time) error {
	path := filepath.Join(dir, fileAgenda)
	a, _, err := loadAgenda(path)
	if err != nil {
		return err
	}
	w, reset := nextWindow(a.Evaluated, now)
	if reset || !w.To.After(w.From) {
		return nil
	}
	a.Evaluated, a.Ticked, a.Ahead = w.To, now, a.Ahead.after(now)
	return a.save(path)
}
