package outbox

import (
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestDelaysGrowToAnHour(t *testing.T) {
	want := []time.Duration{
		15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute,
		8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour,
	}
	sum, tries := time.Duration(0), 1
	for n, d := range want {
		if got := delayAfter(n + 1); got != d {
			t.Errorf("after try %d: %v, not %v", n+1, got, d)
		}
	}
	for ; sum < keepFor; tries++ {
		sum += delayAfter(tries)
	}
	if tries != 32 {
		t.Errorf("%d tries in a day", tries)
	}
	if delayAfter(1_000_000) != longestDelay || delayAfter(0) != firstDelay {
		t.Error("out of range")
	}
}

func TestDue(t *testing.T) {
	for name, test := range map[string]struct {
		next time.Time
		want bool
	}{
		"new":                          {time.Time{}, true},
		"its time has come":            {noon, true},
		"not yet":                      {noon.Add(time.Second), false},
		"at the longest delay":         {noon.Add(longestDelay), false},
		"noted by a clock that was on": {noon.Add(longestDelay + 1), true},
	} {
		if got := (&slip{next: test.next}).due(noon); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestChoose(t *testing.T) {
	fresh := func(id, to string) *slip { return &slip{id: id, to: to, created: noon} }
	old := func(s *slip) *slip {
		s.created = noon.Add(-keepFor)
		return s
	}
	later := func(s *slip, d time.Duration) *slip {
		s.next = noon.Add(d)
		return s
	}
	sending := func(s *slip) *slip {
		s.sending = true
		return s
	}
	many := func(n int, to string, change func(*slip) *slip) (all []*slip) {
		for i := range n {
			all = append(all, change(fresh(to+string(rune('a'+i)), to)))
		}
		return all
	}
	same := func(s *slip) *slip { return s }
	inOrder := func(s *slip) *slip {
		s.order = "o"
		return s
	}
	for name, test := range map[string]struct {
		slips        []*slip
		resting      map[string]time.Duration
		send, giveUp []string
		wait         time.Duration
	}{
		"nothing":                               {},
		"new ones, the oldest first":            {slips: []*slip{fresh("b", "x"), old(fresh("c", "x"))}, send: []string{"c", "b"}},
		"at the same moment, by id":             {slips: []*slip{fresh("b", "x"), fresh("a", "x")}, send: []string{"a", "b"}},
		"in order, one after the other":         {slips: []*slip{inOrder(fresh("a", "x")), inOrder(fresh("b", "x")), fresh("c", "x")}, send: []string{"a", "c"}},
		"in order, behind one that waits":       {slips: []*slip{later(inOrder(fresh("a", "x")), time.Minute), inOrder(fresh("b", "x"))}, wait: time.Minute},
		"in order, behind one that is sent":     {slips: []*slip{sending(inOrder(fresh("a", "x"))), inOrder(fresh("b", "x"))}},
		"in order, too old":                     {slips: []*slip{inOrder(old(fresh("a", "x"))), inOrder(fresh("b", "x"))}, resting: map[string]time.Duration{"x": time.Second}, giveUp: []string{"a"}},
		"one that waits":                        {slips: []*slip{later(fresh("a", "x"), time.Minute), later(fresh("b", "x"), time.Second)}, wait: time.Second},
		"few at once to one server":             {slips: many(5, "x", same), send: []string{"xa", "xb"}},
		"that are sent now count":               {slips: append(many(2, "x", sending), fresh("c", "x"), fresh("d", "y")), send: []string{"d"}},
		"few at once in all":                    {slips: slices.Concat(many(2, "1", sending), many(2, "2", sending), many(2, "3", sending), many(2, "4", same), many(2, "5", same)), send: []string{"4a", "4b"}},
		"a server that rests":                   {slips: []*slip{fresh("a", "x"), fresh("b", "y")}, resting: map[string]time.Duration{"x": 5 * time.Second}, send: []string{"b"}, wait: 5 * time.Second},
		"that rests, and a delay":               {slips: []*slip{later(fresh("a", "x"), time.Minute)}, resting: map[string]time.Duration{"x": 5 * time.Second}, wait: time.Minute},
		"a rest that is over":                   {slips: []*slip{fresh("a", "x")}, resting: map[string]time.Duration{"x": 0}, send: []string{"a"}},
		"too old, not tried lately":             {slips: []*slip{old(fresh("a", "x"))}, send: []string{"a"}},
		"too old, and the server does not work": {slips: []*slip{old(fresh("a", "x")), fresh("b", "x")}, resting: map[string]time.Duration{"x": time.Second}, giveUp: []string{"a"}, wait: time.Second},
		"too old, and being sent":               {slips: []*slip{sending(old(fresh("a", "x")))}, resting: map[string]time.Duration{"x": time.Second}},
	} {
		resting := map[string]time.Time{}
		for to, d := range test.resting {
			resting[to] = noon.Add(d)
		}
		p := choose(test.slips, resting, noon)
		if !slices.Equal(ids(p.send), test.send) || !slices.Equal(ids(p.giveUp), test.giveUp) || p.wait != test.wait {
			t.Errorf("%s: send %v, give up %v, wait %v", name, ids(p.send), ids(p.giveUp), p.wait)
		}
		if p.nothing() != (len(test.send)+len(test.giveUp) == 0) {
			t.Errorf("%s: nothing is %v", name, p.nothing())
		}
	}
}

func ids(slips []*slip) (all []string) {
	for _, s := range slips {
		all = append(all, s.id)
	}
	return all
}
