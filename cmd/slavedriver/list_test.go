package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"slavedriver/engine"
)

// every is a schedule without a calendar.
type every time.Duration

func (e every) Next(t time.Time) time.Time {
	return t.Truncate(time.Duration(e)).Add(time.Duration(e))
}

// once is due a single time.
type once time.Time

func (o once) Next(t time.Time) time.Time {
	if t.Before(time.Time(o)) {
		return time.Time(o)
	}
	return time.Time{}
}

type stopped time.Time

func (s stopped) Now() time.Time    { return time.Time(s) }
func (stopped) Boot() time.Duration { return 0 }

func local(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", text, time.Local)
	if err != nil {
		panic(err)
	}
	return t
}

func planToList() *engine.Plan {
	return &engine.Plan{Slave: "test1", Jobs: []*engine.Job{
		{Name: "Sleep for a bit", Slug: "sleep", Enabled: true, Location: time.Local, Schedule: every(time.Minute), ScheduleText: []string{"* * * * *"},
			Command: engine.Command{Shell: "a && b > c"}},
		{Name: "At", Enabled: true, Location: time.Local, Schedule: once(local("2027-01-31 04:00")), ScheduleText: []string{"2027-01-31T04:00:00Z"}},
		{Name: "Off", Location: time.Local, Schedule: every(time.Minute), ScheduleText: []string{"* * * * *"}},
		{Name: "Elsewhere", Enabled: true, Location: time.Local, Schedule: every(time.Minute), ScheduleText: []string{"1 * * * *", "2,3 * * * *"}, Slaves: []string{"web*", "db1"}},
		{Name: "Asked", Enabled: true, Location: time.Local, ScheduleFunc: true, ScheduleText: []string{"function"}},
	}}
}

func lister() (*command, *bytes.Buffer) {
	var out bytes.Buffer
	return &command{stdout: &out, clock: stopped(local("2026-11-23 23:58"))}, &out
}

func TestListTable(t *testing.T) {
	c, out := lister()
	last := map[string]engine.Outcome{"Sleep for a bit": {Outcome: "failed", Instant: local("2026-11-23 23:57")}}
	if err := c.listTable(planToList(), present{last: last}); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"JOB              LAST                NEXT STARTS",
		"Sleep for a bit  failed 11-23 23:57  11-23 23:59, 11-24 00:00, 00:01",
		"  * * * * *  every minute",
		"At               -                   2027-01-31 04:00",
		"  2027-01-31T04:00:00Z  once",
		"Off              -                   off",
		"  * * * * *  every minute",
		"Elsewhere        -                   not here",
		"  1 * * * *    at 1 minute past every hour",
		"  2,3 * * * *  at 2 and 3 minutes past every hour",
		"Asked            -                   asked each minute",
		"  function",
		"not on slave test1: Elsewhere (only on web*, db1)",
		"",
	}, "\n")
	if out.String() != want {
		t.Errorf("\n%s\nnot\n%s", out, want)
	}
}

func TestShortTimes(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	host := time.Local
	time.Local = time.UTC
	defer func() { time.Local = host }()
	for want, times := range map[string][]string{
		"03-28 12:00:05":                                      {"2026-03-28T12:00:05Z"},
		"03-29 12:00, 12:30, 2027-01-01 00:00":                {"2026-03-29T12:00:00Z", "2026-03-29T12:30:00Z", "2027-01-01T00:00:00Z"},
		"03-30 02:30, 03-31 02:30 CEST":                       {"2026-03-30T02:30:00+02:00", "2026-03-31T02:30:00+02:00"},
		"03-28 02:30 CET, 03-29 03:00 CEST, 03-30 02:30 CEST": {"2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"},
	} {
		zone := time.UTC
		if strings.Contains(want, "CEST") {
			zone = berlin
		}
		var all []time.Time
		for _, text := range times {
			moment, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, moment.In(zone))
		}
		now := time.Date(2026, 3, 28, 1, 0, 0, 0, zone)
		if got := shortTimes(all, now); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestListJSON(t *testing.T) {
	c, out := lister()
	if err := c.listJSON(planToList(), present{last: map[string]engine.Outcome{"At": {Outcome: "missed"}}}); err != nil {
		t.Fatal(err)
	}
	var jobs []listed
	for decoder := json.NewDecoder(out); decoder.More(); {
		var job listed
		if err := decoder.Decode(&job); err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job)
	}
	if len(jobs) != 5 {
		t.Fatalf("%+v", jobs)
	}
	if j := jobs[0]; j.Command != "a && b > c" || !j.OnSlave || !j.Enabled || len(j.Next) != 3 || !j.Next[1].Equal(local("2026-11-24 00:00")) {
		t.Errorf("%+v", j)
	}
	if j := jobs[0]; j.InWords != "every minute" || j.Last != nil || jobs[1].Last == nil || jobs[1].Last.Outcome != "missed" {
		t.Errorf("%+v", j)
	}
	if j := jobs[3]; j.OnSlave || len(j.Schedule) != 2 || len(j.Slaves) != 2 || j.Next == nil || len(j.Next) != 0 {
		t.Errorf("%+v", j)
	}
}

// atFlag is what the flag --at means with that text.
func atFlag(t *testing.T, text string) (time.Time, error) {
	c := &command{clock: stopped(time.Date(2026, 11, 25, 0, 0, 5, 0, time.UTC))}
	root := c.root()
	if err := root.Flags().Set("at", text); err != nil {
		t.Fatal(err)
	}
	return c.instant(root)
}

func TestAt(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2026-11-23 18:30":          local("2026-11-23 18:30"),
		"2026-11-23T18:30":          local("2026-11-23 18:30"),
		"2026-11-23T18:30:00Z":      time.Date(2026, 11, 23, 18, 30, 0, 0, time.UTC),
		"2026-11-23T18:30:00+02:00": time.Date(2026, 11, 23, 16, 30, 0, 0, time.UTC),
	} {
		if got, err := atFlag(t, text); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"18:30", "2026-11-25T00:01:00Z", "2026-13-01 00:00", "2026-11-23", "now", ""} {
		if _, err := atFlag(t, text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}
