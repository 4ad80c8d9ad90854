package vardir

import (
	"math"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
)

func TestStateKeepsValues(t *testing.T) {
	base := t.TempDir()
	state := open(t, base).State()
	values := map[string]any{
		"text": "äöü\x00\n", "number": 1.5, "yes": true,
		"list": []any{"a", 1.0}, "map": map[string]any{"x": map[string]any{}},
	}
	for key, value := range values {
		must(t, state.Set(key, value))
	}
	again := open(t, base).State()
	for key, want := range values {
		if got, ok, err := again.Get(key); !ok || err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, %v, %v", key, got, ok, err)
		}
	}
	must(t, state.Set("text", nil))
	if _, ok, err := again.Get("text"); ok || err != nil {
		t.Errorf("it is still there: %v", err)
	}
}

func TestStateIncrementLosesNothing(t *testing.T) {
	base := t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		state := open(t, base).State()
		wg.Go(func() {
			for range 10 {
				if _, err := state.Increment("n", 0.5); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if sum, err := open(t, base).State().Increment("n", 1); sum != 21 || err != nil {
		t.Errorf("%v, %v", sum, err)
	}
}

func TestStateRefusesWhatItCannotKeep(t *testing.T) {
	state := open(t, t.TempDir()).State()
	must(t, state.Set("text", "x"))
	must(t, state.Set("big", math.MaxFloat64))
	for name, change := range map[string]func() error{
		"an empty key":     func() error { return state.Set("", 1.0) },
		"a long key":       func() error { return state.Set(strings.Repeat("k", 257), 1.0) },
		"a binary key":     func() error { return state.Set("\xff", 1.0) },
		"a binary value":   func() error { return state.Set("k", []any{map[string]any{"x": "\xff"}}) },
		"NaN":              func() error { return state.Set("k", math.NaN()) },
		"a function":       func() error { return state.Set("k", func() {}) },
		"too much":         func() error { return state.Set("k", strings.Repeat("x", 1<<20)) },
		"a text's sum":     func() error { _, err := state.Increment("text", 1); return err },
		"an infinite sum":  func() error { _, err := state.Increment("big", math.MaxFloat64); return err },
		"an infinite step": func() error { _, err := state.Increment("k", math.Inf(1)); return err },
	} {
		if change() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if got, _, err := state.Get("text"); got != "x" || err != nil {
		t.Errorf("what was there is %v, %v", got, err)
	}
	if got, ok, _ := state.Get("k"); ok {
		t.Errorf("k is %v", got)
	}
}

func TestTornStateIsSetAsideAndSaidOnce(t *testing.T) {
	dir := open(t, t.TempDir())
	must(t, os.WriteFile(dir.Path("state.json"), []byte(`{"n": 1`), 0o600))
	state := dir.State()
	if _, _, err := state.Get("n"); err == nil || !strings.Contains(err.Error(), "state.json.corrupt-") {
		t.Errorf("it says: %v", err)
	}
	if _, ok, err := state.Get("n"); ok || err != nil {
		t.Errorf("the second time: %v, %v", ok, err)
	}
	must(t, state.Set("n", 2.0))
}

func TestAStateThatIsNoFileIsPutAsideAndSaidOnce(t *testing.T) {
	dir := open(t, t.TempDir())
	must(t, os.Mkdir(dir.Path("state.json"), 0o700))
	state := dir.State()
	if _, _, err := state.Get("n"); err == nil || !strings.Contains(err.Error(), "put aside") {
		t.Errorf("it says: %v", err)
	}
	must(t, state.Set("n", 2.0))
}
