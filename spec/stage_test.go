package spec

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stage is a machine for one crash test: an entry file whose jobs and handlers
// keep their own books, which are compared with what was promised afterwards.
type stage struct {
	t   *testing.T
	dir string
	now time.Time // the clock of the next shift
}

// books is the part of every crash test's entry file that keeps them. Each job
// notes its start and copies what it prints, under the id of its attempt; the
// handler notes each event.
const books = `
local slavedriver = require("slavedriver")
local dir = os.getenv("STAGE")
slavedriver:setSlaveName("s")
slavedriver:setMonitoringSleepInterval(0.02)
slavedriver:setLogger(slavedriver.FileLogger{ path = dir .. "/log", level = "debug" })
slavedriver:attach("*", function(job, params, event)
  local data = params.stdOut or params.stdErr or tostring(params.exitCode)
  local f = io.open(dir .. "/events", "a")
  f:write("\n", event.id, "\t", event.name, "\t", (data:gsub("\\", "\\\\"):gsub("\n", "\\n")), "\tend\n")
  f:close()
end)
function keep(name, script, options)
  options = options or {}
  options.name = name
  options.schedule = options.schedule or "* * * * *"
  options.catchUp = options.catchUp or "1h"
  options.command = 'run=$SLAVEDRIVER_RUN_ID; [ "$SLAVEDRIVER_ATTEMPT" = 1 ] || run=$run.$SLAVEDRIVER_ATTEMPT; ' ..
    'echo "$SLAVEDRIVER_JOB $SLAVEDRIVER_SCHEDULED_AT $run" >> "$STAGE/starts"; ' .. script
  slavedriver:addJob(options)
end
-- say prints a line and copies it to the job's own record.
say = 'say() { echo "$1" >> "$STAGE/said.$run"; echo "$1"; }; '
`

func newStage(t *testing.T, entry string) *stage {
	s := &stage{t: t, dir: t.TempDir()}
	s.now, _ = time.Parse(time.RFC3339, noon)
	s.now = s.now.Add(800 * time.Millisecond) // so that the next second is near
	if err := os.WriteFile(filepath.Join(s.dir, "entry.lua"), []byte(books+entry), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.endJobs)
	return s
}

// command is one shift; env is added to its environment.
func (s *stage) command(env ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(binary, "slavedriver"), filepath.Join(s.dir, "entry.lua"))
	cmd.Env = append(os.Environ(), "STAGE="+s.dir, "SLAVEDRIVER_VAR_DIR="+filepath.Join(s.dir, "var"),
		"SLAVEDRIVER_TEST_NOW="+s.now.Format(time.RFC3339Nano))
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// shift runs a whole shift and says whether it was killed.
func (s *stage) shift(env ...string) (killed bool) {
	s.t.Helper()
	cmd := s.command(env...)
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) }) // says where it hangs
	out, err := cmd.CombinedOutput()
	if !timer.Stop() {
		s.t.Fatalf("a shift did not end by itself:\n%s\n%s\n%s", out, s.read("log"), s.remains())
	}
	if len(out) > 0 {
		s.t.Errorf("a shift said: %s", out)
	}
	return err != nil && cmd.ProcessState.ExitCode() == -1
}

// remains is what a shift that does not end may be waiting for.
func (s *stage) remains() string {
	var b strings.Builder
	for _, pattern := range []string{"var/*/agenda.json", "var/*/active/*/status", "var/*/active/*/stop.json", "var/*/active/*/intent.json"} {
		names, _ := filepath.Glob(filepath.Join(s.dir, pattern))
		for _, name := range names {
			data, _ := os.ReadFile(name)
			fmt.Fprintf(&b, "%s:\n%s\n", name, data)
		}
	}
	return b.String()
}

func (s *stage) read(name string) string {
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return string(data)
}

func (s *stage) lines(name string) []string {
	text := strings.TrimSuffix(s.read(name), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// endJobs ends what a failed test may have left running.
func (s *stage) endJobs() {
	active, _ := filepath.Glob(filepath.Join(s.dir, "var/*/active/*/status"))
	for _, status := range active {
		data, _ := os.ReadFile(status)
		var pid int
		if n, _ := fmt.Sscanf(string(data), "pid %d", &pid); n == 1 && pid > 1 && !strings.Contains(string(data), "exit") {
			_ = exec.Command("pkill", "-KILL", "-s", fmt.Sprint(pid)).Run()
		}
	}
}

// outcome is a line of the ledger, as far as the tests look at it.
type outcome struct {
	Job     string
	Run     string
	Instant time.Time
	First   time.Time
	Count   int
	Outcome string
	Attempt int
	Reason  string
	Exit    *int
}

// id is that of the attempt which the line is about.
func (o outcome) id() string {
	if o.Attempt > 1 {
		return fmt.Sprintf("%s.%d", o.Run, o.Attempt)
	}
	return o.Run
}

func (s *stage) ledger() []outcome { return s.ledgerIn("var") }

func (s *stage) ledgerIn(varDir string) []outcome {
	var all []outcome
	files, _ := filepath.Glob(filepath.Join(s.dir, varDir, "*/ledger/*.jsonl"))
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			s.t.Fatal(err)
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var o outcome
			if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
				s.t.Errorf("the ledger has a line that is none: %q", lines.Text())
			}
			all = append(all, o)
		}
		_ = f.Close()
	}
	return all
}

// event is one call of the handler.
type event struct{ id, name, data string }

func (s *stage) events() []event {
	var all []event
	for _, line := range s.lines("events") {
		line, whole := strings.CutSuffix(line, "\tend")
		parts := strings.SplitN(line, "\t", 3)
		if !whole || len(parts) != 3 {
			continue // the handler was killed while it wrote this
		}
		data := strings.NewReplacer(`\\`, `\`, `\n`, "\n").Replace(parts[2])
		all = append(all, event{parts[0], parts[1], data})
	}
	return all
}

// check compares the books with what must always hold; kills is how many
// shifts were killed, each of which may have had an event told twice.
func (s *stage) check(kills int) {
	s.t.Helper()
	s.checkStarts()
	s.checkLedger()
	s.checkEvents(kills)
	for _, pattern := range []string{"var/*/active/*", "var/*/active/.*", "var/*/trash/*", "var/*/corrupt/*", "var/*/*.new"} {
		if left, _ := filepath.Glob(filepath.Join(s.dir, pattern)); len(left) > 0 {
			s.t.Errorf("left over: %v", left)
		}
	}
	if s.t.Failed() {
		s.t.Logf("starts:\n%s\nledger:\n%s\nevents:\n%s\nlog:\n%s", s.read("starts"), s.dump(), s.read("events"), s.read("log"))
	}
}

func (s *stage) dump() string {
	var b strings.Builder
	for _, o := range s.ledger() {
		fmt.Fprintf(&b, "%s %s %s %d %s\n", o.Job, o.id(), o.Outcome, o.Count, o.Reason)
	}
	return b.String()
}

// checkStarts: no attempt of an instant of a job started twice.
func (s *stage) checkStarts() {
	seen := map[string]bool{}
	for _, line := range s.lines("starts") {
		if seen[line] {
			s.t.Errorf("started twice: %s", line)
		}
		seen[line] = true
	}
}

// checkLedger: each instant, and each attempt, has one outcome; what the ledger says was started,
// was, and the other way round.
func (s *stage) checkLedger() {
	seen := map[string]string{}
	ran := map[string]bool{}
	hit := map[string]bool{} // may have been ended before its first word
	for _, o := range s.ledger() {
		id := o.id()
		if before, twice := seen[id]; twice {
			s.t.Errorf("%s has two outcomes: %s and %s", id, before, o.Outcome)
		}
		seen[id] = o.Outcome
		hit[id] = o.Reason == "timeout"
		ran[id] = o.Outcome == "succeeded" || o.Outcome == "failed" || o.Outcome == "retrying"
	}
	started := map[string]bool{}
	for _, line := range s.lines("starts") {
		run := line[strings.LastIndexByte(line, ' ')+1:]
		started[run] = true
		if !ran[run] {
			s.t.Errorf("%s was started, its outcome is %q", run, seen[run])
		}
	}
	for run, did := range ran {
		if did && !started[run] && !hit[run] {
			s.t.Errorf("%s was not started, its outcome is %s", run, seen[run])
		}
	}
}

// checkEvents: each run that was started has its start and its end told, and
// between them every byte of its output, in order; told twice only where a
// shift was killed in the handler.
func (s *stage) checkEvents(kills int) {
	byRun := map[string][]event{}
	seen := map[string]event{}
	twice := 0
	for _, e := range s.events() {
		if before, again := seen[e.id]; again {
			twice++
			if before != e {
				s.t.Errorf("%s was told as %q and as %q", e.id, before.data, e.data)
			}
			continue
		}
		seen[e.id] = e
		if run, _, ok := strings.Cut(e.id, "/"); ok {
			byRun[run] = append(byRun[run], e)
		}
	}
	if twice > kills {
		s.t.Errorf("%d events were told twice, though only %d shifts were killed", twice, kills)
	}
	for _, line := range s.lines("starts") {
		run := line[strings.LastIndexByte(line, ' ')+1:]
		s.checkRun(run, byRun[run])
	}
}

func (s *stage) checkRun(run string, events []event) {
	last := ""
	if len(events) > 0 {
		last = strings.TrimPrefix(events[len(events)-1].id, run)
	}
	if len(events) < 2 || events[0].id != run+"/started" || last != "/finished" && last != "/retrying" && last != "/recovered" {
		s.t.Errorf("run %s: its events are %v", run, names(events))
		return
	}
	var out strings.Builder
	for _, e := range events {
		if strings.Contains(e.id, "/stdout/") {
			if want := fmt.Sprintf("%s/stdout/%d", run, out.Len()); e.id != want {
				s.t.Errorf("run %s: %s follows on %d bytes", run, e.id, out.Len())
			}
			out.WriteString(e.data)
		}
	}
	if said := s.read("said." + run); said != out.String() {
		s.t.Errorf("run %s said %q and %q was told", run, said, out.String())
	}
}

func names(events []event) (all []string) {
	for _, e := range events {
		all = append(all, e.id)
	}
	return all
}
