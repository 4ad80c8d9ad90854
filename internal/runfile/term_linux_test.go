package runfile

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestMissed(t *testing.T) {
	const since = 100
	job, child := process{10, 90}, process{12, since}
	before, after := process{11, since - 1}, process{13, since + 1}
	for name, test := range map[string]struct {
		since  int64
		sent   []process
		heeded bool
		living []process
		want   []process
	}{
		"none was sent yet":               {0, nil, false, []process{before, child}, nil},
		"all died of it":                  {since, []process{job}, false, []process{before, child, after}, []process{before, child, after}},
		"one is about to":                 {since, []process{job}, false, []process{job, before, child, after}, []process{before}},
		"a handler may have started some": {since, []process{job}, true, []process{before, child, after}, []process{before}},
		"and its process lives":           {since, []process{job}, true, []process{job, before, child, after}, []process{before}},
		"nobody gets two":                 {since, []process{before, after}, true, []process{before, after}, nil},
		"a number that is used again":     {since, []process{{11, 50}}, true, []process{before}, []process{before}},
		"nobody is left":                  {since, []process{job}, false, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			terms := terms{since: test.since, sent: map[process]bool{}, heeded: test.heeded}
			for _, p := range test.sent {
				terms.sent[p] = true
			}
			got := slices.SortedFunc(maps.Keys(terms.missed(test.living)), func(a, b process) int { return a.pid - b.pid })
			if !slices.Equal(got, test.want) {
				t.Errorf("missed = %v, want %v", got, test.want)
			}
		})
	}
}

func TestOutlives(t *testing.T) {
	const none, all, term = "0000000000000000", "fffffffe7ffbfeff", "0000000000004000"
	for _, test := range []struct {
		state, blocked, ignored, caught string
		want, wantOfSeveral             bool
	}{
		{"S (sleeping)", none, none, none, false, false},
		{"R (running)", none, none, "0000000180000002", false, false},
		{"S (sleeping)", none, none, term, true, true},
		{"S (sleeping)", none, term, none, true, true},
		{"S (sleeping)", term, none, none, true, true}, // signalfd
		{"T (stopped)", all, none, none, true, true},
		{"R (running)", all, none, none, false, true},    // in fork
		{"D (disk sleep)", all, none, none, false, true}, // in vfork
		{"D (disk sleep)", all, none, all, true, true},
		{"S (sleeping)", none, none, "", true, true},
	} {
		status := fmt.Sprintf("Name:\tx\nState:\t%s\nSigBlk:\t%s\nSigIgn:\t%s\nSigCgt:\t%s\nx:\t1\n", test.state, test.blocked, test.ignored, test.caught)
		if got, ofSeveral := outlives([]byte(status), true), outlives([]byte(status), false); got != test.want || ofSeveral != test.wantOfSeveral {
			t.Errorf("%v, of several threads %v:\n%s", got, ofSeveral, status)
		}
	}
}

func TestOutlivesTermAsksTheProcess(t *testing.T) {
	for command, want := range map[string]bool{
		"":                    false,
		"trap : TERM; ":       true,
		"trap '' TERM; ":      true,
		"trap : USR1 INT HUP": false,
	} {
		s := slowly(t, command+"\necho go; read x <\"$GATE\"; echo forked; read x <\"$LATER\"")
		if got := s.hunt.files.outlivesTerm(s.hunt.living()[0].pid); got != want {
			t.Errorf("%q: %v", command, got)
		}
	}
	if !new(procFiles).outlivesTerm(1 << 30) {
		t.Error("who cannot be asked counts as one that does")
	}
}

// Whoever waits for SIGTERM may do so in any thread, and shows only where it
// waits: what is waited for counts as not blocked meanwhile.
func TestOutlivesTermAsksEachThread(t *testing.T) {
	needProgram(t, "python3")
	const prelude = "import signal, threading, time\ndef block(): signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n" +
		"def wait(): print('go', flush=True); signal.sigwait([signal.SIGTERM])\n" +
		"def sleep(): print('go', flush=True); time.sleep(1000)\n" +
		"def spin():\n  while True: pass\n" +
		"def beside(f): threading.Thread(target=f, daemon=True).start()\n"
	for program, want := range map[string]bool{
		"block(); wait()":                            true,
		"block(); beside(wait); spin()":              true,
		"block(); beside(wait); time.sleep(1000)":    true,
		"beside(sleep); spin()":                      false,
		"beside(sleep); time.sleep(1000)":            false,
		"[beside(sleep) for i in range(70)]; spin()": true, // too many to ask
	} {
		t.Run(program, func(t *testing.T) {
			l := shell(`exec python3 -c "$PROGRAM"`)
			l.Env = append(l.Env, "PROGRAM="+prelude+program)
			r := start(t, l)
			untilOutput(t, r, "go")
			h := r.newHunt()
			t.Cleanup(h.close)
			if n, err := h.signal(0); n != 1 || err != nil {
				t.Fatalf("%d processes, %v", n, err)
			}
			if where, err := h.files.read(look(t, r).PID, "wchan"); (err != nil || string(where) == "0") && program == "block(); wait()" {
				t.Skip("this kernel does not say where a process waits")
			}
			until(t, fmt.Sprintf("outlivesTerm is %v", want), func() bool { return h.files.outlivesTerm(h.living()[0].pid) == want })
		})
	}
}

// Each look is behind such a job; the deadline of end is that of the grace.
func TestEndOvertakesAForkingJob(t *testing.T) {
	for range 10 {
		r := start(t, shell("echo go; while :; do sleep 1000 & done"))
		untilOutput(t, r, "go")
		end(t, r, patience)
		if got := wait(t, r); got.Exit != 128+15 {
			t.Errorf("%+v", got)
		}
	}
}

// A process that is forked when all have been found already, and none was
// signalled yet, must not live until the grace is over.
func TestEndFindsWhatIsJustBeingForked(t *testing.T) {
	const child = `sh -c 'echo forked; exec sleep 1000'; echo after`
	t.Run("an orphan", func(t *testing.T) {
		s := slowly(t, `echo go; read x <"$GATE"; `+child)
		s.sigterm()
		s.untilGone()
		if got := wait(t, s.run); got.Exit != 128+15 || content(t, s.run, Stdout) != "go\nforked\n" {
			t.Errorf("%+v, %q", got, content(t, s.run, Stdout))
		}
	})
	t.Run("a child of a shell that waits for it", func(t *testing.T) {
		s := slowly(t, `trap 'echo handled; exit 9' TERM; echo go; read x <"$GATE"; `+child)
		forked := tick(Boottime())
		until(t, "the next tick", func() bool { return tick(Boottime()) > forked })
		s.sigterm()
		s.untilGone()
		if got := wait(t, s.run); got.Exit != 9 || content(t, s.run, Stdout) != "go\nforked\nhandled\n" {
			t.Errorf("%+v, %q", got, content(t, s.run, Stdout))
		}
	})
}

// What a handler starts is left alone, also when it is an orphan that was
// started within the tick of the signal.
func TestEndLetsTheJobCleanUp(t *testing.T) {
	for name, handler := range map[string]string{
		"in the foreground": `sh -c "$CLEANUP"; exit 9`,
		"in the background": `sh -c "$CLEANUP" & exit 9`,
	} {
		t.Run(name, func(t *testing.T) {
			s := slowly(t, `trap '`+handler+`' TERM; echo go; read x <"$GATE"; echo forked; while :; do sleep 0.01; done`)
			s.sigterm()
			untilOutput(t, s.run, "cleaning")
			for range 5 {
				if left, err := s.press(); !left || err != nil {
					t.Fatalf("left %v, %v", left, err)
				}
			}
			s.open("LATER")
			s.untilGone()
			if got := wait(t, s.run); got.Exit != 9 || content(t, s.run, Stdout) != "go\nforked\ncleaning\ncleaned\n" {
				t.Errorf("%+v, %q", got, content(t, s.run, Stdout))
			}
		})
	}
}

// slow is a run that is ended in slow motion.
type slow struct {
	t    *testing.T
	run  *Run
	hunt *hunt
	dir  string
}

// slowly starts a job and finds its one process; then it opens the gate at
// which that waits, and returns when the job says that it has forked.
func slowly(t *testing.T, command string) slow {
	t.Helper()
	s := slow{t: t, dir: t.TempDir()}
	l := shell(command)
	l.Env = append(l.Env, `CLEANUP=trap 'echo term' TERM; echo cleaning; read x <"$LATER"; echo cleaned`)
	for _, name := range []string{"GATE", "LATER"} {
		if err := syscall.Mkfifo(filepath.Join(s.dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
		l.Env = append(l.Env, name+"="+filepath.Join(s.dir, name))
	}
	s.run = start(t, l)
	s.hunt = s.run.newHunt()
	t.Cleanup(s.hunt.close)
	untilOutput(t, s.run, "go")
	if n, err := s.hunt.signal(0); n != 1 || err != nil {
		t.Fatalf("%d processes, %v", n, err)
	}
	s.open("GATE")
	untilOutput(t, s.run, "forked")
	return s
}

// open lets a job go on that waits at one of its gates.
func (s slow) open(gate string) {
	s.t.Helper()
	until(s.t, "somebody at "+gate, func() bool {
		f, err := os.OpenFile(filepath.Join(s.dir, gate), os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return false
		}
		defer f.Close()
		_, err = f.WriteString("x\n")
		return err == nil
	})
}

// sigterm goes to the one process that was found.
func (s slow) sigterm() {
	s.t.Helper()
	if n, err := s.hunt.sendEach(syscall.SIGTERM); n != 1 || err != nil {
		s.t.Fatalf("%d were signalled, %v", n, err)
	}
	s.run.noteSignalled()
}

// press is one further look, long before the grace is over.
func (s slow) press() (bool, error) { return s.run.press(s.hunt, Boottime()+time.Hour) }

func (s slow) untilGone() {
	s.t.Helper()
	until(s.t, "the run ends, as nothing is killed", func() bool {
		left, err := s.press()
		return !left && err == nil
	})
}
