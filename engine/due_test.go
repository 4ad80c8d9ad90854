package engine

import (
	"testing"
	"time"

	"slavedriver/schedule"
)

func clock(hms string) time.Time {
	t, err := time.Parse("2006-01-02T15:04:05", "2026-11-23T"+hms)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func TestNextWindow(t *testing.T) {
	now := clock("12:00:30")
	begin, end := clock("12:00:00").Add(-1), clock("12:01:00").Add(-1)
	for _, c := range []struct {
		name      string
		evaluated time.Time
		from, to  time.Time
		reset     bool
	}{
		{"the first time: this minute", time.Time{}, begin, end, false},
		{"the minute before was evaluated", begin, begin, end, false},
		{"half an hour was missed", clock("11:30:00"), clock("11:30:00"), end, false},
		{"this minute was evaluated: nothing", end, end, end, false},
		{"the clock went back an hour: nothing, until then", clock("13:00:00"), clock("13:00:00"), clock("13:00:00"), false},
		{"the clock went back a year: this minute", now.AddDate(1, 0, 0), begin, end, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, reset := nextWindow(c.evaluated, now)
			if !w.From.Equal(c.from) || !w.To.Equal(c.to) || reset != c.reset {
				t.Errorf("nextWindow = %v to %v, reset %v; want %v to %v, %v", w.From, w.To, reset, c.from, c.to, c.reset)
			}
		})
	}
}

func TestDue(t *testing.T) {
	every5, err := schedule.Parse("*/5 * * * *", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name                        string
		from, now                   string
		catchUp                     time.Duration
		start                       string
		merged, missed              int
		firstMissed, lastMissedWant string
	}{
		{"on time", "11:59:59", "12:00:02", 2 * time.Minute, "12:00:00", 0, 0, "", ""},
		{"not due", "12:00:59", "12:01:02", 2 * time.Minute, "", 0, 0, "", ""},
		{"two minutes late", "11:59:59", "12:02:00", 2 * time.Minute, "12:00:00", 0, 0, "", ""},
		{"too late", "11:59:59", "12:03:00", 2 * time.Minute, "", 0, 1, "12:00:00", "12:00:00"},
		{"half an hour, one start for all", "11:29:59", "12:00:02", time.Hour, "12:00:00", 6, 0, "", ""},
		{"half an hour, the old ones missed", "11:29:59", "12:00:02", 2 * time.Minute, "12:00:00", 0, 6, "11:30:00", "11:55:00"},
		{"half an hour, all missed", "11:29:59", "12:03:02", 2 * time.Minute, "", 0, 7, "11:30:00", "12:00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := clock(c.now)
			d := due(every5, window{clock(c.from), now.Truncate(time.Minute).Add(time.Minute - 1)}, now, 0, c.catchUp)
			if (c.start == "") != (len(d.Starts) == 0) || c.start != "" && !d.Starts[0].Equal(clock(c.start)) {
				t.Errorf("starts for %v, want %q", d.Starts, c.start)
			}
			if d.Merged.Count != c.merged || d.Missed.Count != c.missed {
				t.Errorf("merged %d, missed %d; want %d, %d", d.Merged.Count, d.Missed.Count, c.merged, c.missed)
			}
			if c.missed > 0 && (!d.Missed.First.Equal(clock(c.firstMissed)) || !d.Missed.Last.Equal(clock(c.lastMissedWant))) {
				t.Errorf("missed %v to %v", d.Missed.First, d.Missed.Last)
			}
		})
	}
}

func TestDueBoundsItsWork(t *testing.T) {
	minutely, err := schedule.Parse("* * * * *", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	now := clock("12:00:02")
	d := due(minutely, window{now.AddDate(-1, 0, 0), now}, now, 0, 2*time.Minute)
	if len(d.Starts) != 1 || !d.Starts[0].Equal(clock("12:00:00")) {
		t.Errorf("starts for %v", d.Starts)
	}
	if n := d.Merged.Count + d.Missed.Count + 1; n != 365*24*60 || !d.Missed.First.Equal(clock("12:01:00").AddDate(-1, 0, 0)) {
		t.Errorf("counted %d since %v; the year before is not accounted for", d.Missed.Count, d.Missed.First)
	}
}

func TestKnownClipsNewJobs(t *testing.T) {
	job := &Job{Name: "a", Enabled: true, ScheduleText: []string{"* * * * *"}}
	prints, _ := fingerprints([]*Job{job}, "s")
	k := known{}.update(prints, clock("12:00:00"))
	w := k.clip(window{clock("11:00:00"), clock("12:00:59")}, "a")
	if !w.From.Equal(clock("12:00:00").Add(-1)) {
		t.Errorf("a new job begins after %v", w.From)
	}
	again := k.update(prints, clock("12:01:00"))
	if !again["a"].Since.Equal(clock("12:00:00")) {
		t.Errorf("an old job begins anew at %v", again["a"].Since)
	}
	job.ScheduleText = []string{"*/2 * * * *"}
	prints, _ = fingerprints([]*Job{job}, "s")
	if changed := k.update(prints, clock("12:01:00")); !changed["a"].Since.Equal(clock("12:01:00")) {
		t.Errorf("a changed job begins at %v", changed["a"].Since)
	}
}

func TestMatchPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a.b", "a.b", true}, {"a.b", "a.c", false}, {"*", "", true}, {"*", "a.b.c", true},
		{"a.*", "a.b.c", true}, {"a.*", "a", false}, {"*.c", "a.b.c", true}, {"a*c", "ac", true},
		{"a*b*c", "a1b2c", true}, {"a*b*c", "a1c2b", false}, {"ab*ba", "aba", false}, {"**", "x", true}, {"", "", true}, {"", "a", false},
	} {
		if got := MatchPattern(c.pattern, c.name); got != c.want {
			t.Errorf("MatchPattern(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

func TestSlug(t *testing.T) {
	for name, want := range map[string]string{
		"Sleep for a bit": "sleep-for-a-bit", "  A/b__C! ": "a-b-c", "../../etc": "etc", "Backup 2": "backup-2",
	} {
		if got := Slug(name); got != want {
			t.Errorf("Slug(%q) = %q, want %q", name, got, want)
		}
	}
	if a, b := Slug("резерв"), Slug("копия"); a == b || a == "" {
		t.Errorf("two names share the slug %q", a)
	}
}

func TestRunIDTellsSlugAndInstant(t *testing.T) {
	job := &Job{Slug: "a-b-2"}
	for _, id := range []string{runID(job, clock("12:00:00")), runID(job, clock("12:00:00")) + "-at-ABCDEF"} {
		slug, instant, ok := cutID(id)
		if slug != "a-b-2" || !instant.Equal(clock("12:00:00")) || !ok {
			t.Errorf("cutID(%q) = %q, %v, %v", id, slug, instant, ok)
		}
	}
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Hour + 2*time.Minute + 3*time.Second: "1 hour, 2 minutes, 3 seconds",
		26 * time.Hour:         "1 day, 2 hours",
		300 * time.Millisecond: "0.3 seconds",
		time.Second:            "1 second",
	} {
		if got := words(d); got != want {
			t.Errorf("words(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestTook(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                            "0.01 s",
		5300 * time.Microsecond:      "0.01 s",
		300 * time.Millisecond:       "0.3 s",
		999 * time.Millisecond:       "1 s",
		1523 * time.Millisecond:      "1.5 s",
		59700 * time.Millisecond:     "1m",
		12 * time.Second:             "12 s",
		200 * time.Second:            "3m20s",
		2 * time.Hour:                "2h",
		26*time.Hour + 3*time.Second: "1d2h3s",
	} {
		if got := Took(d); got != want {
			t.Errorf("Took(%v) = %q, want %q", d, got, want)
		}
	}
}

// More starts than can be kept are left out in no silence: the earliest of those that are
// still to come.
func TestDueOfMoreThanCanWait(t *testing.T) {
	every, err := schedule.Parse("@every 1s", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	now := clock("12:30:02")
	v := due(every, window{clock("11:59:59"), now}, now, time.Hour, time.Hour)
	if first := clock("12:00:00"); v.Excess.Count != 1803-mostAhead || !v.Excess.First.Equal(first) ||
		len(v.Starts) != mostAhead || !v.Starts[0].Equal(v.Excess.Last.Add(time.Second)) {
		t.Errorf("left out are %+v, and %d starts begin with %s", v.Excess, len(v.Starts), v.Starts[0])
	}
}
