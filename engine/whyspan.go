package engine

import (
	"fmt"
	"strings"
	"time"

	"slavedriver/schedule"
)

// What is due in the span of time that is asked about.

// mostDue is how many instants are explained at the most: all that a schedule
// can have in a minute.
const mostDue = 60

// due are the instants of the schedule in that time, and those that start then
// because of a jitter; some may be both and are there twice.
func (q Why) due() []time.Time {
	if q.Job.ScheduleFunc {
		return q.FunctionDue
	}
	if q.Job.Schedule == nil {
		return nil
	}
	in := func(delay time.Duration) []time.Time {
		instants, _ := schedule.Between(q.Job.Schedule, q.From.Add(-delay-1), q.To.Add(-delay-1), mostDue)
		return instants
	}
	if delay := JitterOf(q.Job, q.Slave); delay > 0 {
		return append(in(delay), in(0)...)
	}
	return in(0)
}

// IsDue says whether the schedule has an instant in that time.
func (q Why) IsDue() bool { return len(q.due()) > 0 }

// NewestDue is the newest instant of the schedule that is due by now, or the
// zero time: there is none, or only the job's function knows.
func (q Why) NewestDue() time.Time {
	if q.Job.Schedule == nil {
		return time.Time{}
	}
	return lastBefore(q.Job.Schedule, q.Now.Add(1))
}

// Bounded is q with so many instants at the most, and how many of the schedule
// it leaves out. The newest stay, and of a span in which now is, the newest that
// are due by now, if any are.
func (q Why) Bounded(most int) (bounded Why, left int) {
	all := q.instants(q.To.Add(-1), most)
	left = all.more
	if left == 0 {
		return q, 0
	}
	if !q.Now.Before(q.From) && q.Now.Before(q.To) {
		if past := q.instants(q.Now, most); len(past.newest) > 0 {
			left += len(all.newest) - len(past.newest)
			all, q.To = past, q.Now.Add(1)
		}
	}
	q.From = all.newest[0]
	if q.Job.ScheduleFunc {
		q.FunctionDue = all.newest
	}
	return q, left
}

// someInstants are the newest of a span, in order, and how many there are before them.
type someInstants struct {
	newest []time.Time
	more   int
}

// instants are those from q.From to a moment that is part of it.
func (q Why) instants(to time.Time, most int) (some someInstants) {
	if q.Job.Schedule != nil {
		some.newest, some.more = schedule.Between(q.Job.Schedule, q.From.Add(-1), to, most)
		return some
	}
	for _, t := range q.FunctionDue {
		if !t.After(to) {
			some.newest = append(some.newest, t)
		}
	}
	some.more = max(0, len(some.newest)-most)
	some.newest = some.newest[some.more:]
	return some
}

// Alike is how many answers, from the first, are the same but for the instant, and so
// of starts that left nothing behind; and one sentence for them.
func Alike(answers []Explanation) (n int, sentence string) {
	first := answers[0]
	said := func(e Explanation) string { return strings.Replace(e.Sentence, inWords(e.Instant), "", 1) }
	for n = 1; n < len(answers); n++ {
		if next := answers[n]; next.Verdict != first.Verdict || first.Output != "" || next.Output != "" || said(next) != said(first) {
			break
		}
	}
	last := answers[n-1]
	if last.Sentence == first.Sentence { // one, or a disabled job's, which says nothing of the instant
		return n, first.Sentence
	}
	return n, strings.Replace(first.Sentence, inWords(first.Instant), fromTo(first.Instant, last.Instant)+fmt.Sprintf(" (%d starts)", n), 1)
}

// fromTo are two times in words, without what can be told from the other one.
func fromTo(from, to time.Time) string {
	begin, end := inWords(from), inWords(to)
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		end = inClock(to)
	}
	if zone := from.Format(" MST"); zone == to.Format(" MST") {
		begin = strings.TrimSuffix(begin, zone)
	}
	return begin + " to " + end
}

// isDay says whether more than a minute is asked about.
func (q Why) isDay() bool { return q.To.Sub(q.From) > time.Minute }

// isPast says whether that time has begun or, of a day, is over.
func (q Why) isPast() bool {
	if q.isDay() {
		return !q.To.After(q.Now)
	}
	return q.From.Before(q.Now)
}

// span is that time in words, after "due".
func (q Why) span() string {
	from, to := q.inZone(q.From), q.inZone(q.To)
	switch {
	case !q.isDay():
		return "at " + q.words(q.From)
	case from.Format(time.TimeOnly) == "00:00:00" && to.Format(time.TimeOnly) == "00:00:00":
		return "on " + from.Format(time.DateOnly)
	}
	return "from " + q.words(q.From) + " to " + q.words(q.To)
}

// NewestRecorded is the newest instant, not after now, that is recorded of a job in
// a var dir, or the zero time: there is none, or it is older than what LastOutcomes
// looks through. It may be none of the schedule.
func NewestRecorded(dir string, job *Job, slave string, now time.Time) (newest time.Time, err error) {
	take := func(t time.Time) {
		if t.After(newest) && !t.After(now) {
			newest = t
		}
	}
	r, err := ReadRecords(dir, job, slave, now, now)
	if err != nil {
		return newest, err
	}
	for _, w := range r.Waiting {
		take(w.Instant)
	}
	for _, a := range r.Runs {
		take(a.Instant)
	}
	if job.Schedule == nil {
		ended, err := History(dir, job.Name, newestAmong)
		for _, o := range ended {
			take(o.Instant)
		}
		return newest, err
	}
	last, err := LastOutcomes(dir, []*Job{job})
	take(last[job.Name].Instant)
	return newest, err
}

// newestAmong is how many of the last outcomes are looked at where no schedule
// tells: one that was asked for with --at is of an older instant than those before it.
const newestAmong = 100
