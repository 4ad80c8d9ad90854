package spec

import (
	"slices"
	"strings"
	"testing"
)

// streakSteps is an entry file with a job that fails in the first minute and
// succeeds in the second, one that always fails, and one that never does.
const streakSteps = `
keep("mends", "case $SLAVEDRIVER_SCHEDULED_AT in *12:00:00Z) exit 3;; esac", { keepRuns = 0 })
keep("fails", "exit 4")
keep("works", "true")
slavedriver:attach("*", function(job, params, event)
  local n = params.consecutiveFailures or params.failures
  if n then
    local f = io.open(dir .. "/counts", "a")
    f:write(event.id, " ", n, "\n")
    f:close()
  end
end)
`

// TestCrashAtEachStepOfAStreak kills a shift at each of its durable steps: each
// run counts once, and the recovery is told.
func TestCrashAtEachStepOfAStreak(t *testing.T) {
	if steps := crashAtEachStep(t, streakSteps, 1, (*stage).checkStreaks); steps < 20 {
		t.Errorf("only %d steps were traced", steps)
	}
}

func (s *stage) checkStreaks() {
	lines := s.lines("counts")
	slices.Sort(lines)
	got := strings.Join(slices.Compact(lines), "\n")
	const want = `fails-20261123T120000Z/finished 1
fails-20261123T120100Z/finished 2
mends-20261123T120000Z/finished 1
mends-20261123T120100Z/finished 0
mends-20261123T120100Z/recovered 1
works-20261123T120000Z/finished 0
works-20261123T120100Z/finished 0`
	if got != want {
		s.t.Errorf("told were\n%s\nnot\n%s\nlog:\n%s", got, want, s.read("log"))
	}
}
