package engine

import (
	"slices"
	"testing"
	"time"
)

func TestTrouble(t *testing.T) {
	at := func(minutes float64) time.Time {
		return clock("12:00:02").Add(time.Duration(minutes * float64(time.Minute)))
	}
	none, a := trouble{}, trouble{Since: at(0), Same: "a", Said: at(0)}
	for _, c := range []struct {
		name   string
		before trouble
		same   string
		now    time.Time
		want   trouble
		news   news
	}{
		{"none, as before", none, "", at(0), none, newsNone},
		{"it begins", none, "a", at(0), a, newsOfIt},
		{"it lasts", a, "a", at(1), a, newsNone},
		{"it lasts, nearly an hour", a, "a", at(59), a, newsNone},
		{"it lasts for an hour, told a little sooner in its minute", a, "a", at(59.9), trouble{at(0), "a", at(59.9)}, newsAgain},
		{"it becomes another", a, "b", at(1), trouble{at(0), "b", at(1)}, newsOfIt},
		{"it ends", a, "", at(1), none, newsIsOver},
		{"the clock went back", a, "a", at(-5), trouble{at(0), "a", at(-5)}, newsAgain},
	} {
		if got, news := c.before.next(c.same, c.now); got != c.want || news != c.news {
			t.Errorf("%s: %+v, %d", c.name, got, news)
		}
	}
}

func TestDifference(t *testing.T) {
	added, removed, changed := difference(
		map[string]string{"gone": "1", "same": "1", "other": "1", "also gone": "1"},
		map[string]string{"same": "1", "other": "2", "new": "1", "also new": "1"})
	for what, pair := range map[string][2][]any{
		"added":   {added, {"also new", "new"}},
		"removed": {removed, {"also gone", "gone"}},
		"changed": {changed, {"other"}},
	} {
		if !slices.Equal(pair[0], pair[1]) {
			t.Errorf("%s: %v", what, pair[0])
		}
	}
}

// TestBefore is what the jobs of now are compared to, also when a shift died
// between the two files that it writes.
func TestBefore(t *testing.T) {
	one, two := map[string]string{"a": "1"}, map[string]string{"a": "2"}
	for _, c := range []struct {
		name   string
		file   knownFile
		agenda string
		want   map[string]string
	}{
		{"the first shift there is", knownFile{}, "", nil},
		{"as the last shift left it", knownFile{Of: "2", Definitions: two, Before: one}, "2", two},
		{"a shift died before its agenda", knownFile{Of: "2", Definitions: two, Before: one}, "1", one},
		{"the first one did", knownFile{Of: "1", Definitions: one}, "", one},
		{"the agenda was lost", knownFile{Of: "2", Definitions: two, Before: one}, "", two},
		{"jobs.json was lost", knownFile{}, "2", nil},
		{"it was lost, and then a shift died", knownFile{Of: "2", Definitions: two}, "1", nil},
	} {
		got := c.file.before(c.agenda)
		if (got == nil) != (c.want == nil) || got["a"] != c.want["a"] {
			t.Errorf("%s: %v, not %v", c.name, got, c.want)
		}
	}
}
