package spec

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestReliefEverySecond lets shifts relieve each other again and again, while
// a job prints a line every 250 ms and a handler takes two seconds for each
// event. Every line is told once, the job is started once, its end is told
// once, and what is due never waits for the handler of the shift before.
func TestReliefEverySecond(t *testing.T) {
	t.Parallel()
	rounds := reliefRounds()
	s := newStage(t, fmt.Sprintf(`
slavedriver:attach("slavedriver.job.output.stdout", function() os.execute("sleep 2") end, { job = "prints" })
keep("prints", say .. "i=0; while [ $i -lt %d ]; do say line$i; i=$((i+1)); sleep 0.25; done; exit 5", { schedule = "0 12 * * *" })
keep("due", say .. "say now")
`, 4*rounds))
	var shifts []*exec.Cmd
	for i := range rounds {
		shifts = append(shifts, s.begin())
		if want := fmt.Sprintf("due 2026-11-23T12:%02d:00Z ", i); !s.comes("starts", want, time.Second) {
			t.Errorf("the job of minute %d did not start within a second", i)
		}
		s.now = s.now.Add(time.Minute)
		time.Sleep(time.Second) // the pace of the test, nothing is waited for
	}
	for _, shift := range shifts {
		if err := shift.Wait(); err != nil {
			t.Errorf("a shift that was relieved: %v", err)
		}
	}
	s.shift()
	s.check(0)
	last := s.events()[0]
	for _, e := range s.events() {
		if strings.HasPrefix(e.id, "prints-") {
			last = e
		}
	}
	if last.name != "slavedriver.job.finished.error" || last.data != "5" {
		t.Errorf("the last event of the job was %v", last)
	}
}

// reliefRounds is how many shifts there are: 6, or what SLAVEDRIVER_RELIEFS
// says ("make torture" takes half a minute's).
func reliefRounds() int {
	if n, err := strconv.Atoi(os.Getenv("SLAVEDRIVER_RELIEFS")); err == nil {
		return n
	}
	return 6
}

// begin starts a shift without waiting for its end.
func (s *stage) begin(env ...string) *exec.Cmd {
	cmd := s.command(env...)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}

// comes waits until a file of the stage holds text, for so long at the most.
func (s *stage) comes(name, text string, patience time.Duration) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(s.read(name), text) {
			return true
		}
	}
	return false
}
