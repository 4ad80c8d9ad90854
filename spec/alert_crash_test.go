package spec

import (
	"strings"
	"testing"
)

// alertSteps is an entry file with a job that fails in the first minute and not
// in the second, of which alerts are sent by way of a file.
const alertSteps = `
keep("mends", "case $SLAVEDRIVER_SCHEDULED_AT in *12:00:00Z) exit 3;; esac")
keep("fails", "exit 4")
slavedriver.alert({ every = "1h", send = function(alert)
  local f = io.open(dir .. "/sent", "a")
  f:write(alert.kind, " ", alert.run.id, "\n")
  f:close()
end })
`

// TestCrashAtEachStepOfAnAlert kills a shift at each of its durable steps. Each
// alert is sent, once for each kill more at the most, and none that is not due.
func TestCrashAtEachStepOfAnAlert(t *testing.T) {
	if steps := crashAtEachStep(t, alertSteps, 1, (*stage).checkAlerts); steps < 20 {
		t.Errorf("only %d steps were traced", steps)
	}
}

func (s *stage) checkAlerts() {
	count := map[string]int{}
	for _, line := range s.lines("sent") {
		count[line]++
	}
	twice := 0
	for _, want := range []string{"failing mends-20261123T120000Z", "failing fails-20261123T120000Z", "recovered mends-20261123T120100Z"} {
		if n := count[want]; n == 0 || n > 2 {
			s.t.Errorf("%q was sent %d times", want, n)
		}
		twice += count[want] - 1
		delete(count, want)
	}
	if len(count) > 0 || twice > 1 {
		s.t.Errorf("sent were\n%s\nlog:\n%s", strings.Join(s.lines("sent"), "\n"), s.read("log"))
	}
}
