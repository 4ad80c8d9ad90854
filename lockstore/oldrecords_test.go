package lockstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"slavedriver/engine"
	"slavedriver/lockstore"
)

// What versions wrote that kept only the newest instant is no obstacle, and says
// nothing but which instants were started.

// checkOldRecords asks a store that has one instant that was started, and one that was left out.
func checkOldRecords(t *testing.T, s engine.Store, started, leftOut time.Time) {
	t.Helper()
	ask := func(until time.Time, token string) engine.Grant {
		grants, err := s.Miss(t.Context(), []engine.Claim{{
			Key: "job", Instant: until, After: until.Add(-5 * time.Minute), Token: token, Holder: "b", Remember: time.Hour,
		}})
		if err != nil {
			t.Fatal(err)
		}
		return grants[0]
	}
	want := func(g engine.Grant, after, to time.Time) {
		t.Helper()
		if g.Answer != engine.Granted || len(g.Untold) != 1 || !g.Untold[0].After.Equal(after) || !g.Untold[0].To.Equal(to) {
			t.Errorf("answered %+v, want from %s to %s", g, after, to)
		}
	}
	want(ask(started, "t1"), started.Add(-5*time.Minute), started.Add(-time.Second))
	want(ask(leftOut, "t2"), leftOut.Add(-5*time.Minute), leftOut)
	if g := ask(leftOut, "t3"); g.Answer != engine.Used {
		t.Errorf("another one is answered %+v", g)
	}
	next := engine.Claim{Key: "job", Instant: time.Now().Truncate(time.Second).Add(time.Minute), Token: "t4", Holder: "b", Remember: time.Hour}
	for _, do := range []func(context.Context, []engine.Claim) ([]engine.Grant, error){s.Acquire, s.Confirm} {
		if grants, err := do(t.Context(), []engine.Claim{next}); err != nil || grants[0].Answer != engine.Granted {
			t.Errorf("a start is answered %+v, %v", grants, err)
		}
	}
}

func TestOldRecordsInRedis(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	s := open(t, "redis://"+server.Addr())
	started := time.Now().Truncate(time.Minute).Add(-20 * time.Minute)
	leftOut := started.Add(10 * time.Minute)
	set := func(instant time.Time, value string) {
		if err := server.Set(lockstore.KeysOf(s, engine.Claim{Key: "job", Instant: instant})[2], value); err != nil {
			t.Fatal(err)
		}
	}
	set(started, "5 t-olda")
	set(leftOut, "0 a")
	lease := lockstore.KeysOf(s, engine.Claim{Key: "job"})[1]
	for field, value := range map[string]any{
		"last": leftOut.Unix(), "told": leftOut.Unix(), "teller": "t-old", "before": started.Unix(), "token": "", "until": 0, "fence": 7, "released": "t-old",
	} {
		server.HSet(lease, field, fmt.Sprint(value))
	}
	checkOldRecords(t, s, started, leftOut)
}

func TestOldRecordsInAFolder(t *testing.T) {
	t.Parallel()
	s, err := lockstore.Open(engine.LockStore{URL: "file://" + t.TempDir()}, lockstore.Options{Namespace: "n"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.(lockstore.Preparer).Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	started := time.Now().Truncate(time.Minute).Add(-20 * time.Minute)
	leftOut := started.Add(10 * time.Minute)
	now := time.Now().UnixMilli()
	old, err := json.Marshal(map[string]any{
		"Key": "job", "Born": now - 1, "Seen": now, "Fence": 7, "Last": leftOut.Unix(), "Told": leftOut.Unix(), "Teller": "t-old", "Before": started.Unix(),
		"Used": []any{
			map[string]any{"Instant": started.Unix(), "Token": "t-old", "Holder": "a", "Until": now + 3_600_000},
			map[string]any{"Instant": leftOut.Unix(), "Holder": "a", "Until": now + 3_600_000},
		},
	})
	if err == nil {
		err = os.WriteFile(lockstore.FileOf(s, "job"), old, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	checkOldRecords(t, s, started, leftOut)
}
