package engine

import "testing"

// TestLeaves: a start that was made stays in the agenda until its folder was seen
// whole, or its end is in the ledger.
func TestLeaves(t *testing.T) {
	going, over := &run{}, &run{recorded: true}
	for name, c := range map[string]struct {
		in   intent
		run  *run
		want bool
	}{
		"not made":                      {intent{}, nil, false},
		"given up":                      {intent{settled: true}, nil, true},
		"made, its folder not seen yet": {intent{settled: true, madeAt: 1}, going, false},
		"its folder was seen":           {intent{settled: true}, going, true},
		"its end is recorded":           {intent{settled: true, madeAt: 1}, over, true},
		"put away":                      {intent{settled: true, madeAt: 1}, nil, true},
		"to be made anew":               {intent{settled: true, lost: true}, nil, false},
	} {
		d := &duty{runs: map[string]*run{}}
		if c.run != nil {
			d.runs[""] = c.run
		}
		if got := d.leaves(&c.in); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
