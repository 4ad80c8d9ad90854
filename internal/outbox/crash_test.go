package outbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// TestMain lets the test binary be a shift that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("OUTBOX_TEST_DIR"); dir != "" {
		playShift(dir)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// playShift puts letters, noting each when Put has returned, and sends, noting
// each just before it says that it was sent. Every third try fails.
func playShift(dir string) {
	note := func(file, id string) {
		f, err := os.OpenFile(filepath.Join(dir, file), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		_, _ = f.WriteString(id + "\n")
		_ = f.Close()
	}
	var tries atomic.Int64
	b := New(filepath.Join(dir, "outbox"), Options{Clock: eager{}, Log: newWorld(), Deliver: func(_ context.Context, l *Letter) error {
		if tries.Add(1)%3 == 0 {
			return refusal{permanent: true}
		}
		if string(l.Content) != "content of "+l.ID+"\nsecond line" {
			note("wrong", l.ID)
		}
		note("sent", l.ID)
		return nil
	}})
	idle := make(chan struct{}, 1)
	b.Start(context.Background(), func() {
		select {
		case idle <- struct{}{}:
		default:
		}
	})
	for i := range 10 {
		if os.Getenv("OUTBOX_TEST_PUT") == "" {
			break
		}
		id := fmt.Sprintf("p%d-%d", os.Getpid(), i)
		if err := b.Put(letter(id, "one server")); err != nil {
			panic(err)
		}
		note("put", id)
	}
	for !b.Idle() {
		<-idle
	}
	b.Finish()
}

// eager is a clock by which each shift begins an hour after the one before, so
// that all that is there is due.
type eager struct{}

func (eager) Now() time.Time {
	hours, _ := time.ParseDuration(os.Getenv("OUTBOX_TEST_HOURS") + "h")
	return noon.Add(hours)
}
func (eager) Boot() time.Duration { return 0 }

// kills is how many shifts are killed in a row.
const kills = 60

// TestRandomKills: of the letters whose Put returned, each is sent at least
// once, whatever is killed when; more often only as often as shifts were killed.
func TestRandomKills(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shift := func(n int, put string) *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "OUTBOX_TEST_DIR="+dir, "OUTBOX_TEST_PUT="+put, fmt.Sprintf("OUTBOX_TEST_HOURS=%d", n%20))
		return cmd
	}
	typical := time.Hour
	for range 3 {
		began := time.Now()
		if out, err := shift(0, "yes").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		typical = min(typical, time.Since(began))
	}
	killed := 0
	for n := range kills {
		cmd := shift(n, "yes")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(rand.N(typical), func() { _ = cmd.Process.Kill() })
		if cmd.Wait() != nil {
			killed++
		}
		timer.Stop()
	}
	for n := range 25 { // what is left; each third try fails
		if out, err := shift(n, "").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	put, sent := lines(t, dir, "put"), lines(t, dir, "sent")
	again := 0
	for id := range put {
		if sent[id] == 0 {
			t.Errorf("%s was lost", id)
		}
	}
	for _, n := range sent {
		again += n - 1
	}
	// Of one that was killed, all that it was sending may be sent again.
	if again > killed*mostToOne {
		t.Errorf("%d were sent again, though only %d shifts were killed", again, killed)
	}
	if killed < kills/8 || len(put) < kills/4 { // a busy machine is slow
		t.Errorf("only %d were killed, %d letters put: this tested little", killed, len(put))
	}
	if wrong := lines(t, dir, "wrong"); len(wrong) > 0 {
		t.Errorf("damaged: %v", wrong)
	}
	if waiting, _ := filepath.Glob(filepath.Join(dir, "outbox", "*"+letterSuffix)); len(waiting) > 0 {
		t.Errorf("not sent: %v", waiting)
	}
}

func lines(t *testing.T, dir, file string) map[string]int {
	t.Helper()
	all := map[string]int{}
	f, err := os.Open(filepath.Join(dir, file))
	if errors.Is(err, os.ErrNotExist) {
		return all
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for scan := bufio.NewScanner(f); scan.Scan(); {
		all[scan.Text()]++
	}
	return all
}
