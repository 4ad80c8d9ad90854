package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"slavedriver/internal/durable"
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
	Days  []string  `json:"days"`  // the ledger's files that were written then
}

// after is what is left of a at a later time: nil once all of it is past.
func (a *ahead) after(now time.Time) *ahead {
	if a == nil || now.After(a.Until) {
		return nil
	}
	return a
}

// undecided are those of the instants that come for the first time: what the
// clock had reached before it went back has its outcomes.
func (a *ahead) undecided(sched schedule.Schedule, missed span) span {
	if a == nil || missed.Count == 0 || missed.First.After(a.Until) {
		return missed
	}
	return spanOf(sched, a.Until, missed.Last)
}

// clockCameBack begins anew with this minute, after the clock was ahead by more
// than can be waited for. Starts that wait for a time that is far again are
// given up: their instants come once more.
func (d *duty) clockCameBack(w window) {
	d.Log.Log(Error, fmt.Sprintf("the clock went back from %s; schedules go on from this minute",
		moment(d.agenda.Evaluated)), nil)
	a := &ahead{Until: d.agenda.Evaluated, Days: d.ledger.daysFrom(w.To)}
	if old := d.agenda.Ahead; old != nil && old.Until.After(a.Until) {
		a.Until = old.Until
	}
	d.agenda.Ahead, d.agenda.Answered = a, nil
	for _, in := range d.agenda.Intents {
		d.reviewAfterReturn(in, w.To)
	}
}

func (d *duty) reviewAfterReturn(in *intent, end time.Time) {
	switch again := in.Retry; {
	case in.settled:
	case again != nil:
		if early := in.NotBefore.Sub(d.now()) - again.Delay; early > 0 {
			in.NotBefore, in.Until = in.NotBefore.Add(-early), in.Until.Add(-early)
		}
	case in.Instant.After(end) && in.Ask:
		in.settled = true // nobody knows whether it is an instant
	case in.Instant.After(end):
		in.Problem = "the clock went back before it could be started"
		d.miss(in)
	}
}

// ranAhead says whether a run was started while the clock was ahead.
func (d *duty) ranAhead(id string) bool {
	a := d.agenda.Ahead
	if a == nil || !slices.Contains(a.Days, dayOf(instantOfRun(id))) {
		return false
	}
	return slices.ContainsFunc(a.Days, func(day string) bool { return d.ledger.started(day, id) })
}

// dayOf names the ledger's file of a time.
func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// daysFrom are the days, from that of t on, that the ledger has a file of; that
// of t in any case.
func (l ledger) daysFrom(t time.Time) []string {
	days := []string{dayOf(t)}
	names, _ := filepath.Glob(filepath.Join(l.dir, "*.jsonl"))
	for _, name := range names {
		day := filepath.Base(name)[:len(time.DateOnly)]
		if day > days[0] {
			days = append(days, day)
		}
	}
	return days
}

// started says whether the ledger of a day has a line about the start of a run.
func (l ledger) started(day, run string) bool {
	data, err := durable.PeekAll(filepath.Join(l.dir, day+".jsonl"))
	if err != nil {
		return false
	}
	key := []byte(`"run":"` + run + `"`)
	for line := range bytes.Lines(data) {
		var o Outcome
		if bytes.Contains(line, key) && json.Unmarshal(line, &o) == nil && !o.Started.IsZero() {
			return true
		}
	}
	return false
}
