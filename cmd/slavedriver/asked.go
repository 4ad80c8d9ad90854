package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"slavedriver/engine"
)

// askedForms is the hint where the time that why is asked about could not be read.
const askedForms = `write it as 02:30, 2026-03-29, "2026-03-29 02:30", or with a zone as 2026-03-29T02:30:00Z; without a TIME it is the newest start`

// askedAtOnce is how many starts are explained: all that a minute can have.
const askedAtOnce = 60

// asked is the time that why is asked about.
type asked struct {
	newest bool          // the job's newest instant that is due by now
	at     time.Time     // where a zone was given; else the clock of one shows wall:
	wall   time.Time     // as if it were UTC; of a time of day alone, today's
	daily  bool          // the most recent time at which a clock shows that
	length time.Duration // a second, a minute, or a day
	again  bool          // it is the second time at which the clock shows that
}

// readAsked reads a TIME at the moment now; "" is the newest.
func readAsked(text string, now time.Time) (asked, error) {
	if text == "" {
		return asked{newest: true}, nil
	}
	if t, ok := withZone(text); ok {
		return asked{at: t, length: lengthOf(t)}, nil
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			today := now.Local()
			wall := time.Date(today.Year(), today.Month(), today.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
			return asked{wall: wall, daily: true, length: lengthOf(wall)}, nil
		}
	}
	for _, layout := range wallLayouts {
		if wall, err := time.Parse(layout, text); err == nil {
			if layout == time.DateOnly {
				return asked{wall: wall, length: 24 * time.Hour}, nil
			}
			return asked{wall: wall, length: lengthOf(wall)}, nil
		}
	}
	hint := askedForms
	if !strings.ContainsAny(text, "0123456789") {
		hint += "; a JOB of several words needs quotes"
	}
	return asked{}, notTime("TIME", text, hint)
}

// lengthOf is how much a time is about: a second where one is given.
func lengthOf(t time.Time) time.Duration {
	if t.Second() != 0 {
		return time.Second
	}
	return time.Minute
}

// span is the time that is asked about where it is meant on the clock of loc.
func (a asked) span(loc *time.Location, now time.Time) (from, to time.Time) {
	switch {
	case !a.at.IsZero():
		from = a.at
	case a.daily:
		if from = onClock(a.wall, loc); from.After(now) {
			from = onClock(a.wall.AddDate(0, 0, -1), loc)
		}
	case a.length > time.Minute:
		return onClock(a.wall, loc), onClock(a.wall.AddDate(0, 0, 1), loc)
	default:
		from = onClock(a.wall, loc)
	}
	from = from.Truncate(min(a.length, time.Minute))
	return from, from.Add(a.length)
}

// readings are what a time can mean on the host's clock: of one that it shows twice,
// as it is set back, both, once the second has come.
func (a asked) readings(now time.Time) []asked {
	if a.wall.IsZero() || a.length > time.Minute {
		return []asked{a}
	}
	from, _ := a.span(time.Local, now)
	each := onClockEach(wallOf(from), time.Local)
	if len(each) < 2 || a.daily && each[1].After(now) {
		return []asked{a}
	}
	return []asked{{at: each[0], length: a.length}, {at: each[1], length: a.length, again: true}}
}

// aim sets the time that q is about. The newest instant is one of the schedule, or
// a later one that shifts recorded (a handler started it) or the function names.
func (c *command) aim(ctx context.Context, q *engine.Why, a asked, dir string, ask *asker) (err error) {
	if !a.newest {
		q.From, q.To = a.span(time.Local, q.Now)
		return nil
	}
	newest, length := q.NewestDue(), time.Second
	recorded, err := engine.NewestRecorded(dir, q.Job, q.Slave, q.Now)
	if err != nil {
		return unusable(err)
	}
	if recorded.After(newest) {
		newest = recorded
	}
	if q.Job.ScheduleFunc {
		newest, length = newestAsked(ctx, q, newest, ask), time.Minute
	}
	if newest.IsZero() {
		newest, length = q.Now.Truncate(time.Minute), time.Minute
	}
	q.From, q.To = newest, newest.Add(length)
	return nil
}

// newestAsked is the last minute of a day for which the job's function says yes
// and which is later than that recorded, or that; also where the function fails,
// which is said later. What hangs says nothing at all, and that recorded is the answer.
func newestAsked(ctx context.Context, q *engine.Why, recorded time.Time, ask *asker) time.Time {
	now := q.Now.Truncate(time.Minute)
	for t := now; t.After(recorded) && now.Sub(t) < 24*time.Hour; t = t.Add(-time.Minute) {
		due, err := ask.due(ctx, q.Job, t.In(q.Job.Location))
		if ask.stuck.job != nil && !recorded.IsZero() {
			return recorded
		}
		if err != nil || due {
			return t
		}
	}
	return recorded
}

// askFunction asks the job's schedule function, if it has one, about that time.
func askFunction(ctx context.Context, q *engine.Why, ask *asker) {
	q.FunctionDue, q.FunctionErr = nil, nil
	if !q.Job.ScheduleFunc {
		return
	}
	for t := q.From.Truncate(time.Minute); t.Before(q.To) && q.FunctionErr == nil; t = t.Add(time.Minute) {
		var due bool
		if due, q.FunctionErr = ask.due(ctx, q.Job, t.In(q.Job.Location)); due {
			q.FunctionDue = append(q.FunctionDue, t)
		}
	}
}

// otherClock is a hint where nothing was due and the time was meant on the clock
// of the job's zone, on which something is; else "".
func (a asked) otherClock(ctx context.Context, q engine.Why, ask *asker) string {
	if a.wall.IsZero() || a.length > time.Minute {
		return ""
	}
	read := q.From.Local()
	if q.From, q.To = a.span(q.Job.Location, q.Now); q.From.Equal(read) {
		return ""
	}
	if askFunction(ctx, &q, ask); !q.IsDue() {
		return ""
	}
	return fmt.Sprintf("(%s was read as %s, the host's zone; for the job's write %s)",
		a.wall.Format("15:04"), read.Format("MST"), q.From.In(q.Job.Location).Format(time.RFC3339))
}
