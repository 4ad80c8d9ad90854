package spec

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// chainSteps is an entry file in which the end of one job starts another, and
// that a third, of which no folder is kept.
const chainSteps = `
keep("first", "true")
keep("second", "true", { schedule = "@yearly" })
keep("third", "true", { schedule = "@yearly", keepRuns = 0 })
local next = { first = "second", second = "third" }
slavedriver:attach("slavedriver.job.finished.success", function(job)
  if next[job.name] then
    assert(slavedriver:start(next[job.name]))
    assert(slavedriver:start(next[job.name]))
  end
end)
`

// TestCrashAtEachStepOfAChain kills a shift at each of its durable steps, those
// between the handler and the start that it asked for among them. Each start
// is made once, though the handler may be called twice.
func TestCrashAtEachStepOfAChain(t *testing.T) {
	if steps := crashAtEachStep(t, chainSteps, stepsEach(), (*stage).checkChain); steps < 20 {
		t.Errorf("only %d steps were traced", steps)
	}
}

var chained = regexp.MustCompile(`(?m)^(second|third) \S+ \S+-by-[0-9a-f]{16}$`)

// checkChain: two minutes passed, so each job of the chain ran twice.
func (s *stage) checkChain() {
	all := fmt.Sprint(chained.FindAllString(s.read("starts"), -1))
	for _, job := range []string{"second ", "third "} {
		if strings.Count(all, job) != 2 {
			s.t.Errorf("%swas started other than twice:\n%s", job, s.read("starts"))
		}
	}
	if strings.Contains(s.read("log"), " error ") {
		s.t.Errorf("the log has an error:\n%s", s.read("log"))
	}
}
