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
