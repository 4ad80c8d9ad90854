package engine

import (
	"fmt"
	"testing"
	"time"
)

func TestJitterOf(t *testing.T) {
	const jobs, buckets = 6000, 60
	var count [buckets]int
	for i := range jobs {
		job := &Job{Name: fmt.Sprintf("job %d", i), Jitter: buckets * time.Second}
		d := JitterOf(job, "web1")
		if d < 0 || d >= job.Jitter || d%time.Second != 0 {
			t.Fatalf("JitterOf = %v, of %v", d, job.Jitter)
		}
		if again := JitterOf(job, "web1"); again != d {
			t.Fatalf("JitterOf = %v, then %v", d, again)
		}
		count[d/time.Second]++
	}
	for second, n := range count {
		if n < 50 || n > 170 { // 100 each, five standard deviations and more
			t.Errorf("%d of %d jobs start in second %d", n, jobs, second)
		}
	}
}

func TestJitterOfDiffersBySlave(t *testing.T) {
	job := &Job{Name: "backup", Jitter: time.Hour}
	seen := map[time.Duration]bool{}
	for i := range 20 {
		seen[JitterOf(job, fmt.Sprintf("web%d", i))] = true
	}
	if len(seen) < 18 {
		t.Errorf("20 slaves start at %d different times", len(seen))
	}
}

// The value of a job must never change: after an upgrade in the middle of a
// jitter the start would come twice, or not in order.
func TestJitterOfIsForEver(t *testing.T) {
	if got := JitterOf(&Job{Name: "Backup", Jitter: 5 * time.Minute}, "test1"); got != 199*time.Second {
		t.Errorf("JitterOf = %v", got)
	}
	for _, none := range []time.Duration{0, time.Second, 999 * time.Millisecond, -time.Hour} {
		if got := JitterOf(&Job{Name: "Backup", Jitter: none}, "test1"); got != 0 {
			t.Errorf("with a jitter of %v: %v", none, got)
		}
	}
}
