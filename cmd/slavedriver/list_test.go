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
		{Name: "Sleep for a bit", Slug: "sleep", Enabled: true, Schedule: every(time.Minute), ScheduleText: []string{"* * * * *"},
			Command: engine.Command{Shell: "a && b > c"}},
		{Name: "At", Enabled: true, Schedule: once(local("2027-01-31 04:00")), ScheduleText: []string{"2027-01-31T04:00:00Z"}},
		{Name: "Off", Schedule: every(time.Minute), ScheduleText: []string{"* * * * *"}},
		{Name: "Elsewhere", Enabled: true, Schedule: every(time.Minute), ScheduleText: []string{"1 * * * *", "2 * * * *"}, Slaves: []string{"web*", "db1"}},
		{Name: "Asked", Enabled: true, ScheduleFunc: true, ScheduleText: []string{"function"}},
	}}
}

func lister() (*command, *bytes.Buffer) {
	var out bytes.Buffer
	return &command{stdout: &out, clock: stopped(local("2026-11-23 23:58"))}, &out
}

func TestListTable(t *testing.T) {
	c, out := lister()
	if err := c.listTable(planToList()); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"JOB              SCHEDULE              HERE  NEXT STARTS",
		"Sleep for a bit  * * * * *             yes   11-23 23:59, 11-24 00:00, 00:01",
		"At               2027-01-31T04:00:00Z  yes   2027-01-31 04:00",
		"Off              * * * * *             off   -",
		"Elsewhere        1 * * * *; 2 * * * *  no    -",
		"Asked            function              yes   asked each minute",
		"not on slave test1: Elsewhere (only on web*, db1)",
		"",
	}, "\n")
	if out.String() != want {
		t.Errorf("\n%s\nnot\n%s", out, want)
	}
}

func TestListJSON(t *testing.T) {
	c, out := lister()
	if err := c.listJSON(planToList()); err != nil {
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
	if j := jobs[3]; j.OnSlave || len(j.Schedule) != 2 || len(j.Slaves) != 2 || j.Next == nil || len(j.Next) != 0 {
		t.Errorf("%+v", j)
	}
}

// atFlag is what the flag --at means with that text.
func atFlag(t *testing.T, text string) (time.Time, error) {
	c := &command{}
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
	for _, text := range []string{"18:30", "2026-13-01 00:00", "2026-11-23", "now", ""} {
		if _, err := atFlag(t, text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}
