package imagined

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"slavedriver/internal/runfile"
)

// begin starts the one run of a machine.
func begin(t *testing.T, a Act) (*Processes, *Run) {
	t.Helper()
	began := time.Now()
	p := New(func() time.Duration { return time.Since(began) }, time.Now, func(runfile.Intent) Act { return a })
	t.Cleanup(p.Close)
	r, err := p.Create(t.TempDir(), runfile.Intent{ID: "job", World: p.World()})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(runfile.Launch{}); err != nil {
		t.Fatal(err)
	}
	return p, r
}

func TestTail(t *testing.T) {
	for _, c := range []struct {
		lines int
		most  int64
		want  string
	}{
		{0, 0, "one\ntwo\nthree\n"}, {1, 0, "three\n"}, {2, 0, "two\nthree\n"}, {9, 0, "one\ntwo\nthree\n"}, {0, 6, "three\n"}, {1, 3, "ee\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, r := begin(t, Act{Says: []Saying{{Text: "one\ntwo\nthree\n"}}})
			if got, _ := r.Tail(runfile.Stdout, c.lines, c.most); got != c.want {
				t.Errorf("the last %d lines, %d bytes at most: %q, want %q", c.lines, c.most, got, c.want)
			}
		})
	}
}

// What is said after the end is not printed; pieces are as large as the buffer.
func TestOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, r := begin(t, Act{Lasts: time.Minute, Says: []Saying{
			{0, runfile.Stdout, "a\nb"}, {30 * time.Second, runfile.Stdout, "c\n"}, {time.Minute, runfile.Stderr, "end\n"}, {time.Hour, runfile.Stdout, "never\n"},
		}})
		first, _ := r.Read(runfile.Stdout, 0, runfile.WholeLines, make([]byte, 10))
		if string(first.Data) != "a\n" || first.Next != 2 {
			t.Errorf("at first: %q", first.Data)
		}
		if piece, _ := r.Read(runfile.Stdout, 0, runfile.WholeLines, make([]byte, 1)); string(piece.Data) != "a" {
			t.Errorf("a line longer than the buffer: %q", piece.Data)
		}
		time.Sleep(2 * time.Hour)
		if piece, _ := r.Read(runfile.Stdout, 2, runfile.All, make([]byte, 10)); string(piece.Data) != "bc\n" {
			t.Errorf("at the end: %q", piece.Data)
		}
		if text, _ := r.Tail(runfile.Stderr, 0, 0); text != "end\n" {
			t.Errorf("with its end: %q", text)
		}
	})
}

func TestEnd(t *testing.T) {
	for _, c := range []struct {
		deaf bool
		exit int
		took time.Duration
	}{{false, 143, 0}, {true, 137, 10 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			_, r := begin(t, Act{Lasts: time.Hour, Deaf: c.deaf})
			began := time.Now()
			if err := r.End(t.Context(), 10*time.Second); err != nil {
				t.Fatal(err)
			}
			if look, _ := r.Look(); look.Exit != c.exit || look.Held || time.Since(began) != c.took {
				t.Errorf("deaf %v: %+v after %s", c.deaf, look, time.Since(began))
			}
			if err := r.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// After a power cut nothing lives, and no status tells how it ended.
func TestReboot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, r := begin(t, Act{Lasts: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it is over before its time: %v", err)
		}
		p.Reboot()
		look, _ := r.Look()
		if look.Held || look.Exited || look.SameWorld || look.PID == 0 {
			t.Errorf("after the reboot: %+v", look)
		}
		if a := p.Attempts(); len(a) != 1 || a[0].Exited || a[0].EndedAt.IsZero() {
			t.Errorf("attempts: %+v", a)
		}
	})
}
