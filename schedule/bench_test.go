package schedule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"slavedriver/schedule"
)

const jobs = 10_000

// expressions are as many different ones as ten thousand jobs have.
func expressions() []string {
	var all []string
	for i := range 300 {
		all = append(all, fmt.Sprintf([]string{
			"%d * * * *", "%d 3 * * *", "%d 4 * * 1-5", "%d 5 1 * *", "*/5 %d * * *", "%d 0 1 1 *",
		}[i%6], i%24))
	}
	return all
}

// distinct makes texts that are not known yet.
func distinct(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%d %d %d * 1-5 %d", i%60, i/60%24, 1+i/1440%28, 2030+i/40320)
	}
	return all
}

func BenchmarkParseNew(b *testing.B) {
	texts := distinct(jobs)
	for i := 0; b.Loop(); i++ {
		// Spaces around make a text that was not parsed before.
		text := strings.Repeat(" ", i/jobs%50) + texts[i%jobs] + strings.Repeat(" ", i/jobs/50)
		if _, err := schedule.Parse(text, time.UTC); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse10000Jobs(b *testing.B) {
	texts := expressions()
	for b.Loop() {
		for i := range jobs {
			mustParse(b, texts[i%len(texts)], time.UTC)
		}
	}
}

// BenchmarkDue10000Jobs is what a tick asks.
func BenchmarkDue10000Jobs(b *testing.B) {
	for _, zone := range []string{"UTC", "America/New_York"} {
		b.Run(zone, func(b *testing.B) {
			loc, texts := mustLoad(b, zone), expressions()
			all := make([]schedule.Schedule, jobs)
			for i := range all {
				all[i] = mustParse(b, texts[i%len(texts)], loc)
			}
			due := 0
			for b.Loop() {
				for _, s := range all {
					instants, _ := schedule.Between(s, noon.Add(-time.Minute), noon, 1000)
					due += len(instants)
				}
			}
			b.ReportMetric(float64(due)/float64(b.N), "due/op")
		})
	}
}

// BenchmarkSimulateYear goes through a year of a hundred jobs, each started
// five times a day.
func BenchmarkSimulateYear(b *testing.B) {
	for _, zone := range []string{"UTC", "America/New_York"} {
		b.Run(zone, func(b *testing.B) {
			loc := mustLoad(b, zone)
			var all []schedule.Schedule
			for i := range 100 {
				all = append(all, mustParse(b, fmt.Sprintf("%d %d,9,12,15,18 * * *", i%60, i%9), loc))
			}
			from := time.Date(2026, 1, 1, 0, 0, 0, 0, loc)
			starts := 0
			for b.Loop() {
				for _, s := range all {
					instants, _ := schedule.Between(s, from.Add(-1), from.AddDate(1, 0, 0).Add(-1), 1_000_000)
					starts += len(instants)
				}
			}
			b.ReportMetric(float64(starts)/float64(b.N), "starts/op")
		})
	}
}

// BenchmarkBetween is a window of decades, such as a clock leaves that was wrong.
func BenchmarkBetween(b *testing.B) {
	loc := mustLoad(b, "America/New_York")
	for _, expr := range []string{"* * * * * * *", "*/5 * * * *", "30 2 * * *"} {
		b.Run(expr, func(b *testing.B) {
			s := mustParse(b, expr, loc)
			for b.Loop() {
				schedule.Between(s, noon.AddDate(-50, 0, 0), noon, 1000)
			}
		})
	}
}

func BenchmarkNext(b *testing.B) {
	for _, zone := range []string{"UTC", "America/New_York"} {
		for _, expr := range []string{"* * * * *", "30 2 * * *", "*/10 * * * * * *", "@every 7m", "0 0 29 2 *"} {
			b.Run(zone+" "+expr, func(b *testing.B) {
				s := mustParse(b, expr, mustLoad(b, zone))
				for t := noon; b.Loop(); t = s.Next(t) {
					if t.Year() > 2035 {
						t = noon
					}
				}
			})
		}
	}
}

func BenchmarkDescribe(b *testing.B) {
	for b.Loop() {
		schedule.Describe("*/10 9-17 * * 1-5")
	}
}
