package outbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLettersAreSent(t *testing.T) {
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		b := w.box(dir)
		var want []string
		shift(t, b, func() {
			for i := range 30 {
				l := letter(fmt.Sprintf("l-%02d", i), fmt.Sprint("server ", i%10))
				want = append(want, l.ID)
				put(t, b, l)
			}
		})
		if !slices.Equal(w.triedNow(), want) || w.sent["l-07"] != "content of l-07\nsecond line" {
			t.Errorf("sent %v", w.sent)
		}
		if w.most < 2 || w.most > mostAtOnce {
			t.Errorf("%d at once", w.most)
		}
		if got := left(t, dir); len(got) > 0 {
			t.Errorf("left over: %v", got)
		}
		w.said(t)
	})
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestAnOutboxWithoutLettersIsNothing: no folder, no goroutine.
func TestAnOutboxWithoutLettersIsNothing(t *testing.T) {
	dir := newDir(t)
	b := newWorld().box(dir)
	b.Start(t.Context(), func() { t.Error("idle was called") })
	if !b.Idle() {
		t.Error("it is not idle")
	}
	b.Finish()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}

// TestAServerThatIsDown: the shift does not stay for the next try; later shifts
// try again, more and more seldom, say so once, and give up after a day.
func TestAServerThatIsDown(t *testing.T) {
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fail["x"] = errors.New("connection refused")
		b, began := w.box(dir), time.Now()
		shift(t, b, func() { put(t, b, letter("a", "x")) })
		w.said(t, "warning letter a could not be sent from the outbox, and is tried again for a day: connection refused")
		for range 23 * 60 {
			time.Sleep(time.Minute)
			shift(t, w.box(dir), nil)
		}
		if n := len(w.triedNow()); n < 28 || n > 32 {
			t.Errorf("%d tries", n)
		}
		w.said(t, "error 1 message waits in the outbox since "+began.Local().Format("2006-01-02 15:04")+
			": letter a could not be sent: connection refused; it is tried for a day")
		for range 3 * 60 {
			time.Sleep(time.Minute)
			shift(t, w.box(dir), nil)
		}
		w.said(t, "error gave up sending letter a, put into the outbox at ", "warning nothing waits in the outbox any more, but of the messages that did since "+
			began.Local().Format("2006-01-02 15:04")+", 1 was given up and kept in "+filepath.Join(dir, givenUp))
		if got := left(t, dir); !slices.Equal(got, []string{givenUp}) {
			t.Errorf("left over: %v", got)
		}
		if data, err := os.ReadFile(filepath.Join(dir, givenUp, "a.letter")); err != nil || !strings.Contains(string(data), "content of a") {
			t.Errorf("%s, %v", data, err)
		}
	})
}

func TestAServerThatComesBack(t *testing.T) {
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fail["x"] = errors.New("connection refused")
		b := w.box(dir)
		shift(t, b, func() { put(t, b, letter("a", "x"), letter("b", "x"), letter("c", "x"), letter("d", "y")) })
		if w.sent["d"] == "" || w.sentNow() != 1 || slices.Contains(w.triedNow(), "c") {
			t.Errorf("tried %v, sent %v", w.triedNow(), w.sent)
		}
		w.with(func() { w.log = nil })
		w.with(func() { delete(w.fail, "x") })
		time.Sleep(time.Minute)
		shift(t, w.box(dir), nil)
		if w.sentNow() != 4 {
			t.Errorf("sent %v", w.sent)
		}
		w.with(func() { slices.Sort(w.log) })
		w.said(t, "notice letter a was sent at try 2", "notice letter b was sent at try 2")
	})
}

// TestAShiftOnDutySendsWhenItIsTime, without anybody's help.
func TestAShiftOnDutySendsWhenItIsTime(t *testing.T) {
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fail["x"] = errors.New("connection refused")
		b := w.box(dir)
		ctx, cancel := context.WithCancel(t.Context())
		b.Start(ctx, func() {})
		put(t, b, letter("a", "x"))
		time.Sleep(10 * time.Second)
		w.with(func() { delete(w.fail, "x") })
		time.Sleep(4 * time.Second)
		if w.sentNow() > 0 {
			t.Error("it was sent too early")
		}
		time.Sleep(2 * time.Second)
		if w.sentNow() != 1 {
			t.Errorf("tried %v", w.triedNow())
		}
		cancel()
		b.Finish()
	})
}

// refusal is an error that knows more.
type refusal struct {
	permanent bool
	after     time.Duration
}

func (r refusal) Error() string             { return "refused" }
func (r refusal) Permanent() bool           { return r.permanent }
func (r refusal) RetryAfter() time.Duration { return r.after }

func TestRefusals(t *testing.T) {
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		// One that is refused for good says nothing about the others, and is an
		// error in the log: somebody must do something.
		w.fail["x"] = fmt.Errorf("wrapped: %w", refusal{permanent: true})
		b := w.box(dir)
		shift(t, b, func() { put(t, b, letter("a", "x"), letter("b", "x"), letter("c", "x")) })
		if len(w.triedNow()) != 3 {
			t.Errorf("tried %v", w.triedNow())
		}
		w.said(t, "error letter ", "error letter ", "error letter ")
	})
	dir = newDir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fail["y"] = refusal{after: 10 * time.Minute}
		b := w.box(dir)
		shift(t, b, func() { put(t, b, letter("a", "y")) })
		for range 9 {
			time.Sleep(time.Minute)
			shift(t, w.box(dir), nil)
		}
		if len(w.triedNow()) != 1 {
			t.Errorf("tried %v", w.triedNow())
		}
		time.Sleep(2 * time.Minute)
		shift(t, w.box(dir), nil)
		if len(w.triedNow()) != 2 {
			t.Errorf("tried %v", w.triedNow())
		}
	})
}

// TestRelief: a shift that is relieved begins nothing more, finishes what it is
// sending, and cuts off what takes too long; only then the next one sends.
func TestRelief(t *testing.T) {
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.hang["x"] = true
		first := w.box(dir)
		ctx, relieve := context.WithCancel(t.Context())
		first.Start(ctx, func() {})
		put(t, first, letter("a", "x"), letter("b", "y"))
		time.Sleep(time.Second)
		relieve()
		put(t, first, letter("c", "y")) // by a handler that is still running
		began := time.Now()
		go first.Finish()
		w.with(func() { delete(w.hang, "x") })
		second := w.box(dir)
		shift(t, second, nil)
		if took := time.Since(began); took < grace || took > patience {
			t.Errorf("the second one was done after %v", took)
		}
		if want := []string{"a", "a", "b", "c"}; !slices.Equal(w.triedNow(), want) || w.sentNow() != 3 {
			t.Errorf("tried %v, sent %v", w.triedNow(), w.sent)
		}
		w.said(t) // a try that was cut off says nothing about the server
	})
}

// TestAStuckSenderIsNotWaitedFor for longer than patience.
func TestAStuckSenderIsNotWaitedFor(t *testing.T) {
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.hang["x"] = true
		first := w.box(dir)
		ctx, cancel := context.WithCancel(t.Context())
		first.Start(ctx, func() {})
		put(t, first, letter("a", "x"))
		time.Sleep(time.Second)
		began := time.Now()
		shift(t, w.box(dir), nil)
		if took := time.Since(began); took < patience || took > patience+time.Second {
			t.Errorf("it waited for %v", took)
		}
		if len(w.triedNow()) != 1 {
			t.Errorf("tried %v", w.triedNow())
		}
		cancel()
		first.Finish()
	})
}

// TestWhatHandlersOfFinishedPut is sent before the shift ends.
func TestWhatHandlersOfFinishedPut(t *testing.T) {
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		b := w.box(dir)
		b.Start(t.Context(), func() {})
		put(t, b, letter("a", "x"))
		b.Finish()
		if w.sentNow() != 1 {
			t.Errorf("sent %v", w.sent)
		}
	})
}

func TestTheSameLetterIsOne(t *testing.T) {
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		b := w.box(dir)
		put(t, b, letter("a", "x"), letter("a", "x"))
		shift(t, b, nil)
		if len(w.triedNow()) != 1 {
			t.Errorf("tried %v", w.triedNow())
		}
	})
}

func TestDamagedLettersArePutAside(t *testing.T) {
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		put(t, w.box(dir), letter("good", "x"), letter("noise", "x"), letter("other", "x"))
		for name, data := range map[string]string{
			"noise.letter": "\xa5\xa5\xa5", "empty.letter": "", "other.letter": `{"id":"another","kind":"test"}` + "\nx",
			"good.tries": "\xa5", "orphan.tries": "{}",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		shift(t, w.box(dir), nil)
		if w.sentNow() != 1 || w.sent["good"] == "" {
			t.Errorf("sent %v", w.sent)
		}
		w.said(t, "error a letter in the outbox is damaged and not sent; it is kept as", "damaged", "damaged")
		if got := left(t, dir); !slices.Equal(got, []string{givenUp}) {
			t.Errorf("left over: %v", got)
		}
	})
}

func TestTheOutboxIsBounded(t *testing.T) {
	dir := newDir(t)
	b := newWorld().box(dir)
	put(t, b, letter("first", "x"))
	for i := range mostLetters - 1 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i, letterSuffix)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Put(letter("last", "x")); err == nil || !strings.Contains(err.Error(), "10000 letters wait there already") {
		t.Errorf("%v", err)
	}
	for _, id := range []string{"", "a/b", "..", "A"} {
		if b.Put(letter(id, "x")) == nil {
			t.Errorf("a letter with the id %q", id)
		}
	}
}

// TestAFullDisk: what cannot be kept is an error, and leaves nothing.
func TestAFullDisk(t *testing.T) {
	if os.Geteuid() == 0 {
		dir := newDir(t)
		if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the folder should be
			t.Fatal(err)
		}
		if err := newWorld().box(dir).Put(letter("a", "x")); err == nil || !strings.Contains(err.Error(), "cannot put it into the outbox "+dir) {
			t.Errorf("%v", err)
		}
		return
	}
	above := t.TempDir()
	if err := os.Chmod(above, 0o500); err != nil {
		t.Fatal(err)
	}
	if err := newWorld().box(filepath.Join(above, "outbox")).Put(letter("a", "x")); err == nil {
		t.Error("it was kept")
	}
}

func TestFewGivenUpLettersStay(t *testing.T) {
	f := shelf(newDir(t))
	for i := range mostGivenUp + 5 {
		l := letter(fmt.Sprintf("l-%03d", i), "x")
		if err := f.put(l); err != nil {
			t.Fatal(err)
		}
		at := noon.Add(time.Duration(i) * time.Second)
		if err := os.Chtimes(f.path(l.ID+letterSuffix), at, at); err != nil {
			t.Fatal(err)
		}
		if _, err := f.giveUp(l.ID); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(f.path(givenUp))
	if err != nil || len(entries) != mostGivenUp || entries[0].Name() != "l-005.letter" {
		t.Errorf("%d, the first %v, %v", len(entries), entries[0], err)
	}
}

func TestAbandonedFilesAreSwept(t *testing.T) {
	f := shelf(newDir(t))
	if err := f.put(letter("a", "x")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"old.letter.new", "young.letter.new"} {
		if err := os.WriteFile(f.path(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-2 * abandoned)
	if err := os.Chtimes(f.path("old.letter.new"), old, old); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.list(); err != nil {
		t.Fatal(err)
	}
	if got := left(t, string(f)); !slices.Equal(got, []string{"a.letter", "young.letter.new"}) {
		t.Errorf("%v", got)
	}
}
