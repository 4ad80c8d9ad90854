package engine

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // the tests need zones on a machine without them

	"slavedriver/schedule"
)

// zoned makes a job of an expression in a zone; "" is UTC.
func zoned(t testing.TB, name, expr, zone string) *Job {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schedule.Parse(expr, loc)
	if err != nil {
		t.Fatal(err)
	}
	return &Job{Name: name, Slug: Slug(name), Schedule: s, ScheduleText: []string{expr}, Timezone: zone, Location: loc, Enabled: true}
}

func simulated(t *testing.T, from, to string, slaves ...SimulatedSlave) []string {
	t.Helper()
	var lines []string
	s := Simulation{From: at(t, from), To: at(t, to), Slaves: slaves}
	for start, err := range s.Starts() {
		line := start.Time.Format("02T15:04:05Z07:00") + " " + start.Job.Name + " on " + start.Where()
		if start.Reason != "" {
			line += ": " + start.Reason
		}
		if err != nil {
			line += " failed: " + err.Error()
		}
		lines = append(lines, line)
	}
	return lines
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func on(slave string, jobs ...*Job) SimulatedSlave {
	return SimulatedSlave{Plan: &Plan{Slave: slave, Jobs: jobs}}
}

func TestSimulation(t *testing.T) {
	hourly, daily := zoned(t, "Hourly", "0 * * * *", ""), zoned(t, "Daily", "0 1 * * *", "")
	york := zoned(t, "York", "30 2 * * *", "America/New_York")
	off := zoned(t, "Off", "* * * * *", "")
	off.Enabled = false
	elsewhere := zoned(t, "Elsewhere", "0 1 * * *", "")
	elsewhere.Slaves = []string{"web*"}
	one := zoned(t, "One", "0 1 * * *", "")
	one.RunOn, one.Slaves = RunOnOne, []string{"db*"}
	spread := zoned(t, "Spread", "0 * * * *", "")
	spread.Jitter = 5 * time.Minute
	asked := zoned(t, "Asked", "0 1 * * *", "")
	asked.Condition = true
	moment := &Job{Name: "Moment", Schedule: schedule.At(at(t, "2026-03-08T01:30:00Z")), Location: time.UTC, Enabled: true}
	for _, c := range []struct {
		name, from, to string
		slaves         []SimulatedSlave
		want           []string
	}{
		{"from is in it, to is not", "2026-03-08T01:00:00Z", "2026-03-08T03:00:00Z",
			[]SimulatedSlave{on("a", daily, hourly)},
			[]string{"08T01:00:00Z Daily on a", "08T01:00:00Z Hourly on a", "08T02:00:00Z Hourly on a"}},
		{"a nanosecond later", "2026-03-08T01:00:00.000000001Z", "2026-03-08T02:00:00Z",
			[]SimulatedSlave{on("a", daily, hourly)}, nil},
		{"in the job's zone", "2026-03-07T00:00:00Z", "2026-03-10T00:00:00Z",
			[]SimulatedSlave{on("a", york)},
			[]string{"07T02:30:00-05:00 York on a", "08T03:00:00-04:00 York on a: 02:30 was skipped by the clock change; the first instant after the gap",
				"09T02:30:00-04:00 York on a"}},
		{"what is off or another's", "2026-03-08T01:00:00Z", "2026-03-08T02:00:00Z",
			[]SimulatedSlave{on("a", off, elsewhere)}, nil},
		{"several slaves", "2026-03-08T01:00:00Z", "2026-03-08T02:00:00Z",
			[]SimulatedSlave{on("db1", daily, elsewhere, one), on("web1", daily, elsewhere, one), on("db2", daily, elsewhere, one)},
			[]string{"08T01:00:00Z Daily on db1", "08T01:00:00Z Daily on web1", "08T01:00:00Z Daily on db2",
				"08T01:00:00Z One on one of db1, db2", "08T01:00:00Z Elsewhere on web1"}},
		{"runOn = one with one slave", "2026-03-08T01:00:00Z", "2026-03-08T02:00:00Z",
			[]SimulatedSlave{on("db1", one)}, []string{"08T01:00:00Z One on db1"}},
		{"jitter moves a start into the span and out of it", "2026-03-08T01:00:21Z", "2026-03-08T02:00:21Z",
			[]SimulatedSlave{on("test1", spread)}, []string{"08T01:00:21Z Spread on test1: jitter of 21 seconds"}},
		{"a condition", "2026-03-08T01:00:00Z", "2026-03-08T02:00:00Z",
			[]SimulatedSlave{on("a", asked)}, []string{"08T01:00:00Z Asked on a: if its condition allows it"}},
		{"a single moment", "2026-03-08T00:00:00Z", "2027-03-08T02:00:00Z",
			[]SimulatedSlave{on("a", moment)}, []string{"08T01:30:00Z Moment on a"}},
	} {
		if got := simulated(t, c.from, c.to, c.slaves...); !slices.Equal(got, c.want) {
			t.Errorf("%s: got\n%q, want\n%q", c.name, got, c.want)
		}
	}
}

// A function is asked about each minute, on the clock of the job's zone; one
// that fails hinders no other.
func TestSimulationAsksFunctions(t *testing.T) {
	york, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	odd := &Job{Name: "Odd", ScheduleFunc: true, Location: york, Enabled: true}
	broken := &Job{Name: "Broken", ScheduleFunc: true, Location: time.UTC, Enabled: true}
	slave := on("a", odd, broken, zoned(t, "Plain", "3 1 * * *", ""))
	asked := 0
	slave.Due = func(job *Job, now time.Time) (bool, error) {
		if job == broken {
			if now.Minute() == 2 {
				return false, errors.New("no table")
			}
			return false, nil
		}
		asked++
		if now.Hour() != 20 || now.Location() != york {
			t.Errorf("asked about %v", now)
		}
		return now.Minute()%2 == 1, nil
	}
	got := simulated(t, "2026-03-08T01:00:00Z", "2026-03-08T01:05:00Z", slave)
	want := []string{"07T20:01:00-05:00 Odd on a", "08T01:02:00Z Broken on a failed: no table",
		"07T20:03:00-05:00 Odd on a", "08T01:03:00Z Plain on a"}
	if !slices.Equal(got, want) || asked != 5 {
		t.Errorf("asked %d times, got %q", asked, got)
	}
}

func TestSimulationStopsWhenNobodyListens(t *testing.T) {
	s := Simulation{From: at(t, "2026-03-08T01:00:00Z"), To: at(t, "9999-03-08T01:00:00Z"), Slaves: []SimulatedSlave{on("a", zoned(t, "M", "* * * * *", ""))}}
	n := 0
	for _, err := range s.Starts() {
		if n++; n == 3 || err != nil {
			break
		}
	}
	if n != 3 {
		t.Error(n)
	}
}

// BenchmarkSimulateAYear is a hundred jobs that start five times a day.
func BenchmarkSimulateAYear(b *testing.B) {
	for _, zone := range []string{"UTC", "Europe/London"} {
		b.Run(zone, func(b *testing.B) {
			var jobs []*Job
			for i := range 100 {
				jobs = append(jobs, zoned(b, fmt.Sprintf("job %d", i), fmt.Sprintf("%d 1,6,11,16,21 * * *", i%60), zone))
			}
			s := Simulation{From: at(b, "2026-01-01T00:00:00Z"), To: at(b, "2027-01-01T00:00:00Z"), Slaves: []SimulatedSlave{on("a", jobs...)}}
			for b.Loop() {
				n := 0
				for _, err := range s.Starts() {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != 365*500 {
					b.Fatal(n)
				}
			}
		})
	}
}
