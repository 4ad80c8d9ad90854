package world

import (
	"slices"
	"testing"
)

func TestDigest(t *testing.T) {
	started, failed, ended := line{"started", true}, line{"failed", false}, line{"ended", false}
	for _, c := range []struct {
		story []line
		want  []string
	}{
		{nil, nil},
		{[]line{started, failed}, []string{"started", "failed"}},
		{[]line{started, started, failed}, []string{"started", "started", "failed"}}, // to say that one is left out takes a line too
		{[]line{started, started, started, failed}, []string{"(starts and successes that are left out: 3)", "failed"}},
		{[]line{failed, started, ended}, []string{"failed", "started", "ended"}},
		{[]line{failed, failed, started, started, ended}, []string{"(starts and successes that are left out: 2)", "failed", "failed", "ended"}},
		{[]line{failed, failed, failed, started, started, ended}, []string{"(starts and successes that are left out: 2)", "(lines before that are left out: 2)", "failed", "ended"}},
	} {
		if got := digest(c.story, 2); !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, want %q", c.story, got, c.want)
		}
	}
}
