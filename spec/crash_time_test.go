package spec

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// timedSteps is an entry file that takes a shift through the steps of what waits
// for its time: retries, instants within the minute, a condition that is asked.
const timedSteps = `
slavedriver:setMaxConcurrentJobs(3)
keep("flaky", say .. "say try; [ $SLAVEDRIVER_ATTEMPT = 3 ]", { retries = 3, retryDelay = 0.04, keepRuns = 0 })
keep("hopeless", say .. "say no; exit 5", { retries = 1, retryDelay = 0 })
keep("timed", say .. "say now", { schedule = "3 0,1 12 * * * *" })
keep("guarded", say .. "say yes", { condition = function(job, now)
  local f = io.open(dir .. "/asked", "a")
  f:write(now.min, "\n")
  f:close()
  return true
end })
`

// TestCrashAtEachStepInTime kills a shift at each of these steps, each time that
// it comes to it.
func TestCrashAtEachStepInTime(t *testing.T) {
	each := math.MaxInt
	if testing.Short() || raceEnabled {
		each = 2
	}
	crashAtEachStep(t, timedSteps, each, (*stage).checkAttempts)
}

// checkAttempts: each attempt was made, once, and no other; each failed run was
// told as one once; the condition was asked once an instant, or twice by the
// shift after the one that was killed.
func (s *stage) checkAttempts() {
	for minute, instant := range []string{"20261123T120000Z", "20261123T120100Z"} {
		var want []string
		for job, attempts := range map[string]int{"flaky": 3, "hopeless": 2, "timed": 1, "guarded": 1} {
			if job == "timed" {
				instant = strings.Replace(instant, "00Z", "03Z", 1)
			} else {
				instant = strings.Replace(instant, "03Z", "00Z", 1)
			}
			want = append(want, job+"-"+instant)
			for attempt := 2; attempt <= attempts; attempt++ {
				want = append(want, fmt.Sprintf("%s-%s.%d", job, instant, attempt))
			}
		}
		s.checkStarted(want)
		if asked := strings.Count(s.read("asked"), fmt.Sprintf("%d\n", minute)); asked < 1 || asked > 2-minute {
			s.t.Errorf("the condition was asked %d times in minute %d", asked, minute)
		}
	}
	if failed := strings.Count(s.dump(), " failed "); failed != 2 {
		s.t.Errorf("%d runs failed", failed)
	}
}

// checkStarted: these attempts are among those that were started.
func (s *stage) checkStarted(want []string) {
	var got []string
	for _, line := range s.lines("starts") {
		got = append(got, line[strings.LastIndexByte(line, ' ')+1:])
	}
	for _, id := range want {
		if !slices.Contains(got, id) {
			s.t.Errorf("%s was not started", id)
		}
	}
	if len(got) != 14 {
		s.t.Errorf("%d attempts were started: %v", len(got), got)
	}
}
