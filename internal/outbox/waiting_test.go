package outbox

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"slavedriver/engine"
)

func TestWhenItIsToldThatLettersWait(t *testing.T) {
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	young := &slip{id: "b", about: "letter b", created: at(9)}
	old := &slip{id: "a", about: "letter a", created: at(0), why: "no network"}
	resting := &slip{id: "0", about: "letter 0", created: at(0)}
	when := noon.Local().Format("2006-01-02 15:04")
	for name, test := range map[string]struct {
		before  waiting
		slips   []*slip
		minutes int
		lost    int
		after   waiting
		level   engine.Level
		message string
	}{
		"nothing":                {},
		"not for long":           {slips: []*slip{young, old}, minutes: 9},
		"for ten minutes":        {waiting{}, []*slip{young, old}, 10, 0, waiting{noon}, engine.Error, "2 messages wait in the outbox since " + when + ": letter a could not be sent: no network; they are tried for a day"},
		"the oldest rests":       {waiting{}, []*slip{old, resting}, 10, 0, waiting{noon}, engine.Error, "2 messages wait in the outbox since " + when + ": letter a could not be sent: no network; they are tried for a day"},
		"that was told":          {before: waiting{noon}, slips: []*slip{old}, minutes: 900, after: waiting{noon}},
		"others wait by now":     {before: waiting{noon}, slips: []*slip{young}, minutes: 10, after: waiting{noon}},
		"it is over":             {before: waiting{noon}, minutes: 20, level: engine.Notice, message: "nothing waits in the outbox any more; messages did since " + when},
		"one was given up":       {before: waiting{noon}, minutes: 1500, lost: 1, level: engine.Warning, message: "nothing waits in the outbox any more, but of the messages that did since " + when + ", 1 was given up"},
		"two were given up":      {before: waiting{noon}, minutes: 1500, lost: 2, level: engine.Warning, message: "nothing waits in the outbox any more, but of the messages that did since " + when + ", 2 were given up"},
		"it was over in no time": {minutes: 20},
	} {
		after, level, message := test.before.next(test.slips, test.lost, at(test.minutes))
		if after != test.after || level != test.level || message != test.message {
			t.Errorf("%s: %v %q %q", name, after, level, message)
		}
	}
}

func TestTheServerIsNamedOnce(t *testing.T) {
	s := &slip{to: "http://x:8", about: "POST http://x:8"}
	for text, want := range map[string]string{
		"POST http://x:8: dial tcp: refused": "dial tcp: refused",
		"http://x:8 answered 403":            "the server answered 403",
		"http://x:80 is another":             "http://x:80 is another",
		"the disk is full":                   "the disk is full",
	} {
		if got := s.reason(errors.New(text)); got != want {
			t.Errorf("%q is told as %q, not %q", text, got, want)
		}
	}
}

// TestItIsToldOnceThatLettersWait, whichever shift notices, and once that none does.
func TestItIsToldOnceThatLettersWait(t *testing.T) {
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fail["x"] = errors.New("connection refused")
		b := w.box(dir)
		shift(t, b, func() { put(t, b, letter("a", "x"), letter("b", "x"), letter("c", "y")) })
		w.with(func() { w.log = nil })
		for range 30 {
			time.Sleep(time.Minute)
			shift(t, w.box(dir), nil)
		}
		var told []string
		w.with(func() {
			told = slices.DeleteFunc(w.log, func(s string) bool { return s[:5] != "error" })
			w.log = nil
		})
		if len(told) != 1 {
			t.Errorf("told %q", told)
		}
		w.with(func() { delete(w.fail, "x") })
		time.Sleep(time.Hour)
		shift(t, w.box(dir), nil)
		w.with(func() { slices.Sort(w.log) })
		w.said(t, "notice letter a was sent", "notice letter b was sent", "notice nothing waits")
		if got := left(t, dir); len(got) > 0 {
			t.Errorf("left over: %v", got)
		}
		// Who dies before he says so leaves that to the next one.
		if err := shelf(dir).noteWaiting(waiting{noon}); err != nil {
			t.Fatal(err)
		}
		shift(t, w.box(dir), nil)
		w.said(t, "notice nothing waits")
		shift(t, w.box(dir), nil)
		w.said(t)
	})
}
