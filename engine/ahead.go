package engine

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"slavedriver/schedule"
)

// gapAfter is how long no shift may have come before that is told.
const gapAfter = 2 * time.Minute

// noticeGap tells that no shift came for longer than two minutes, once: with
// the commit that says that one came now.
func (d *duty) noticeGap(now time.Time) {
	from := d.agenda.Ticked
	if from.IsZero() || now.Sub(from) <= gapAfter {
		return
	}
	d.Log.Log(Warning, fmt.Sprintf("no shift came from %s to %s", moment(from), moment(now)), nil)
	d.notify(EventGap, "", fmt.Sprintf("gap/%d", from.Unix()), map[string]any{"from": from.Unix(), "to": now.Unix()})
}

// ahead remembers, after a clock that was far ahead came back, that instants
// which are still to come may have been started already. The ledger knows which.
type ahead struct {
	Until time.Time `json:"until"` // how far the clock got
	Days  []string  `json:"days"`  // the ledger's files that were written then, without .jsonl
}

// after is what is left of a at a later time: nil once all of it is past.
func (a *ahead) after(now time.Time) *ahead {
	if a == nil || now.After(a.Until) {
		return nil
	}
	return a
}

// without is a span of a schedule's instants without those, in any order.
func (s span) without(sched schedule.Schedule, known []time.Time) span {
	var in []time.Time
	for _, t := range known {
		if s.Count > 0 && !t.Before(s.First) && !t.After(s.Last) && !slices.ContainsFunc(in, t.Equal) {
			in = append(in, t)
		}
	}
	s.Count -= len(in)
	if s.Count <= 0 {
		return span{}
	}
	for slices.ContainsFunc(in, s.First.Equal) {
		s.First = sched.Next(s.First)
	}
	for slices.ContainsFunc(in, s.Last.Equal) {
		s.Last = spanOf(sched, s.First.Add(-1), s.Last.Add(-1)).Last
	}
	return s
}

// decidedOf are the instants of a job in a span of which it is known what became: they
// were started by a clock that was ahead, or are in doubt and the ledger tells.
func (d *duty) decidedOf(job *Job, s span) (instants []time.Time) {
	if s.Count == 0 {
		return nil
	}
	if d.inDoubt {
		for _, o := range d.recorded() {
			if o.Job == job.Name {
				instants = append(instants, o.Instant)
			}
		}
		for _, r := range d.bySlug[job.Slug] {
			instants = append(instants, r.intent.Instant)
		}
	}
	if a := d.agenda.Ahead; a != nil && !s.First.After(a.Until) {
		for _, o := range d.startedAhead() {
			if o.Job == job.Name {
				instants = append(instants, o.Instant)
			}
		}
	}
	return instants
}

// startedAhead are the runs that were started by a clock that was ahead, by id; read once.
func (d *duty) startedAhead() map[string]Outcome {
	if d.aheadStarts == nil {
		d.aheadStarts = map[string]Outcome{}
		for _, name := range d.agenda.Ahead.Days {
			_ = eachLine(filepath.Join(d.ledger.dir, name+".jsonl"), func(line []byte) { // one that is not there tells nothing
				var o Outcome
				if json.Unmarshal(line, &o) == nil && !o.Started.IsZero() {
					d.aheadStarts[o.Run] = o
				}
			})
		}
	}
	return d.aheadStarts
}

// clockCameBack begins anew with this minute, after the clock was ahead by more
// than can be waited for. Starts that wait for a time that is far again are
// given up: their instants come once more.
func (d *duty) clockCameBack(w window) {
	d.Log.Log(Error, fmt.Sprintf("the clock went back from %s; schedules go on from this minute",
		moment(d.agenda.Evaluated)), nil)
	a := &ahead{Until: d.agenda.Evaluated, Days: d.ledger.putBehind(w.To)}
	if old := d.agenda.Ahead; old != nil && old.Until.After(a.Until) {
		a.Until = old.Until
	}
	d.agenda.Ahead, d.agenda.Answered, d.aheadStarts = a, nil, nil
	var farAgain []*intent
	for _, in := range d.agenda.Intents {
		if d.reviewAfterReturn(in, w.To) {
			in.Problem = "the clock went back before it could be started"
			farAgain = append(farAgain, in)
		}
	}
	d.missTogether(farAgain)
}

// reviewAfterReturn says whether the time of a start is far again.
func (d *duty) reviewAfterReturn(in *intent, end time.Time) bool {
	switch again := in.Retry; {
	case in.settled:
	case again != nil:
		if early := in.NotBefore.Sub(d.now()) - again.Delay; early > 0 {
			in.NotBefore, in.Until = in.NotBefore.Add(-early), in.Until.Add(-early)
		}
	case in.Instant.After(end) && in.Ask:
		in.settled = true // nobody knows whether it is an instant
	default:
		return in.Instant.After(end)
	}
	return false
}

// ranAhead says whether a run was started while the clock was ahead.
func (d *duty) ranAhead(id string) bool {
	a := d.agenda.Ahead
	if a == nil {
		return false
	}
	instant := instantOfRun(id)
	mayTell := func(name string) bool { // a run is recorded when it ends
		day := dayOfFile(name)
		return day >= dayOf(instant) && day <= dayOf(instant.Add(longestRun))
	}
	if !slices.ContainsFunc(a.Days, mayTell) {
		return false
	}
	_, ran := d.startedAhead()[id]
	return ran
}

// longestRun is how long after its instant a run is looked for in the ledger.
const longestRun = 7 * 24 * time.Hour

// dayOf names the ledger's file of a time.
func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// dayOfFile is the day of a file of the ledger, by its name; "" if it is none.
func dayOfFile(name string) string {
	day := strings.TrimPrefix(filepath.Base(name), behind)
	day = day[:min(len(day), len(time.DateOnly))]
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return ""
	}
	return day
}

// behind begins the names of the ledger's files from a time when the clock was ahead:
// what was recorded last is in the last file by name, and they come first.
const behind = "+"

// putBehind renames the ledger's files of days after that of t, and names all that
// aheadFrom does. What cannot be renamed keeps its name, and is named too.
func (l ledger) putBehind(t time.Time) []string {
	names, _ := filepath.Glob(filepath.Join(l.dir, "*.jsonl"))
	var left []string
	for _, name := range names {
		base := strings.TrimSuffix(filepath.Base(name), ".jsonl")
		if !strings.HasPrefix(base, behind) && dayOfFile(base) > dayOf(t) && !l.rename(base) {
			left = append(left, base)
		}
	}
	return append(l.aheadFrom(t), left...)
}

// aheadFrom names the file of the day of t, and those that were put behind of that day
// and of all later ones.
func (l ledger) aheadFrom(t time.Time) []string {
	days := []string{dayOf(t)}
	names, _ := filepath.Glob(filepath.Join(l.dir, behind+"*.jsonl"))
	for _, name := range names {
		if dayOfFile(name) >= days[0] {
			days = append(days, strings.TrimSuffix(filepath.Base(name), ".jsonl"))
		}
	}
	return days
}

// aheadOf is what the names of those files tell at a time, if an agenda was lost: nil
// where the clock was not ahead of it.
func (l ledger) aheadOf(now time.Time) *ahead {
	days := l.aheadFrom(now)
	if len(days) == 1 {
		return nil
	}
	last, _ := time.Parse(time.DateOnly, dayOfFile(days[len(days)-1])) // Glob sorts
	return &ahead{Until: last.AddDate(0, 0, 1), Days: days}
}

// rename puts the file of a day behind, and says whether it did.
func (l ledger) rename(day string) bool {
	path := func(name string) string { return filepath.Join(l.dir, name+".jsonl") }
	name := behind + day
	for i := 2; ; i++ {
		if _, err := os.Lstat(path(name)); err != nil {
			break
		}
		name = fmt.Sprintf("%s%s.%d", behind, day, i)
	}
	return os.Rename(path(day), path(name)) == nil
}
