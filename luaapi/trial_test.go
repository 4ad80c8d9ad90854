package luaapi

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"slavedriver/engine"
)

func TestShares(t *testing.T) {
	nobody := turn{ran: []int{-1}}
	for name, c := range map[string]struct {
		turns []turn
		want  []evidence
	}{
		"nobody ran":             {[]turn{nobody}, []evidence{{}, {}, {}}},
		"one grew":               {[]turn{nobody, {0, []int{0}}, {70, []int{1}}}, []evidence{{}, {70, 4}, {}}},
		"both grew":              {[]turn{nobody, {30, []int{0}}, {70, []int{1}}}, []evidence{{30, 4}, {70, 4}, {}}},
		"one in a builtin grew":  {[]turn{{50, []int{-1, 2}}, {50, []int{0, 2}}, {100, []int{1, 2}}}, []evidence{{}, {}, {50, 4}}},
		"one in a builtin waits": {[]turn{{0, []int{-1, 2}}, {50, []int{0, 2}}, {0, []int{1, 2}}}, []evidence{{50, 1}, {}, {}}},
		"its builtin ended":      {[]turn{{50, []int{-1, 2}}, {10, []int{0}}}, []evidence{{10, 4}, {}, {50, 4}}},
		"two in builtins":        {[]turn{{50, []int{-1, 1, 2}}, {50, []int{0, 1, 2}}}, []evidence{{}, {50, 4}, {50, 4}}},
	} {
		if got := shares(3, c.turns); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		charges []charge
		want    []int
	}{
		"below the limit":               {[]charge{{since: 639}}, nil},
		"alone":                         {[]charge{{since: 640}}, []int{0}},
		"alone, and cut off already":    {[]charge{{since: 700, out: true}}, nil},
		"beside others, nothing found":  {[]charge{{since: 700, shared: true}, {since: 700, shared: true}}, nil},
		"beside others, too little":     {[]charge{{since: 700, shared: true, evidence: evidence{9, enough}}, {since: 700, shared: true}}, nil},
		"beside others, the one grew":   {[]charge{{since: 700, shared: true, evidence: evidence{5, enough}}, {since: 700, shared: true, evidence: evidence{40, enough}}}, []int{1}},
		"both grew: the worse":          {[]charge{{since: 700, shared: true, evidence: evidence{80, enough}}, {since: 700, shared: true, evidence: evidence{40, enough}}}, []int{0}},
		"the worse is cut off already":  {[]charge{{since: 700, shared: true, evidence: evidence{80, enough}, out: true}, {since: 700, shared: true, evidence: evidence{40, enough}}}, []int{1}},
		"beside others, in one trial":   {[]charge{{since: 700, shared: true, evidence: evidence{80, enough - 1}}, {since: 700, shared: true, evidence: evidence{40, enough}}}, []int{1}},
		"one that began later":          {[]charge{{since: 100, shared: true, evidence: evidence{80, enough}}, {since: 700, shared: true, evidence: evidence{40, enough}}}, []int{1}},
		"two that cannot be told apart": {[]charge{{since: 700, shared: true, evidence: evidence{80, enough}}, {since: 700, shared: true, evidence: evidence{80, enough}}}, []int{0, 1}},
		"one waited all the time":       {[]charge{{since: 700, shared: true}, {since: 700}}, []int{1}},
	} {
		if got := verdict(c.charges, 640); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

// someMemory is what a call may take in these tests.
const someMemory = 24 << 20

const (
	eats     = `local t = {} for i = 1, 1e9 do t[i] = { i } end`
	eatsText = `local t = {} for i = 1, 1e9 do t[i] = ("x"):rep(6e6) .. i end`
	// joins takes all within builtins.
	joins = `local t, kept = {}, {} for i = 1, 1000 do t[i] = ("x"):rep(3000) end for i = 1, 1e9 do kept[i] = table.concat(t) end`
	// atOnce takes all in one builtin, and goes on without more.
	atOnce = `local till = clock() + 0.2 while clock() < till do end local s = ("ab"):rep(25):gsub(".", ("x"):rep(8e5)) while true do end`
)

// busy computes for a while and makes garbage.
const busy = `local n, s = 0, "" local till = clock() + 0.8 while clock() < till do n = n + 0.5 s = "x" .. n end`

// beside calls the sources at the same time, each in a VM of its own, and
// returns how they failed, "" for well.
func beside(t *testing.T, sources ...string) []string {
	t.Helper()
	j := &judge{most: someMemory}
	scripts := make([]*Script, len(sources))
	for i, source := range sources {
		scripts[i], _ = mustLoad(t, oneJob+`local clock = os.clock slavedriver:attach("*", function() `+source+` end, { timeout = 15 })`, func(o *Options) { o.judge = j })
	}
	said := make([]string, len(sources))
	var all sync.WaitGroup
	for i, s := range scripts {
		all.Go(func() {
			for _, failure := range s.Call(t.Context(), started(s)) {
				said[i] += failure.Err.Error()
			}
		})
	}
	all.Wait()
	return said
}

func isGreedy(said string) bool { return strings.Contains(said, "took more than 24 MiB of memory") }

func TestWhoTakesMemoryIsCutOffAloneAndBesideOthers(t *testing.T) {
	waits := `os.execute("sleep 1")`
	reads := `local p = io.popen("sleep 1; echo x") if p:read() ~= "x" then error("no x") end`
	for name, c := range map[string]struct {
		sources []string
		cut     []bool
	}{
		"alone":                          {[]string{eats}, []bool{true}},
		"alone, in a builtin":            {[]string{atOnce}, []bool{true}},
		"beside one that computes":       {[]string{eats, busy}, []bool{true, false}},
		"the other way round":            {[]string{busy, eatsText}, []bool{false, true}},
		"within builtins":                {[]string{busy, joins}, []bool{false, true}},
		"within one":                     {[]string{busy, atOnce}, []bool{false, true}},
		"beside those that wait":         {[]string{waits, eats, reads}, []bool{false, true, false}},
		"text, beside those that wait":   {[]string{reads, waits, eatsText}, []bool{false, false, true}},
		"two of them":                    {[]string{eats, busy, eatsText}, []bool{true, false, true}},
		"beside many":                    {[]string{busy, busy, busy, eats, busy, waits}, []bool{false, false, false, true, false, false}},
		"in a coroutine, under a pcall":  {[]string{busy, `while true do pcall(coroutine.wrap(function() ` + eats + ` end)) end`}, []bool{false, true}},
		"in a comparison while it sorts": {[]string{busy, `local t = {} for i = 1, 1e5 do t[i] = -i end local k = {} table.sort(t, function(a, b) for i = 1, 9 do k[#k + 1] = { a } end return a < b end)`}, []bool{false, true}},
	} {
		t.Run(name, func(t *testing.T) {
			runtime.GC() // of the case before
			for i, said := range beside(t, c.sources...) {
				if c.cut[i] != isGreedy(said) || !c.cut[i] && said != "" {
					t.Errorf("%s: it failed with %q; to be cut off: %v", c.sources[i], said, c.cut[i])
				}
			}
		})
	}
}

// held is a call that is paused, in a VM that would compute for ever.
func held(ctx context.Context, t *testing.T, timeout string) (d *deadline, failures <-chan []engine.HandlerError) {
	t.Helper()
	j := &judge{most: 1 << 40}
	s, _ := mustLoad(t, oneJob+`slavedriver:attach("*", function() while true do end end, { timeout = `+timeout+` })`, func(o *Options) { o.judge = j })
	j.pause(true) // as a trial does: calls that begin are paused
	over := make(chan []engine.HandlerError, 1)
	go func() { over <- s.Call(ctx, started(s)) }()
	for {
		j.mu.Lock()
		calls := slices.Clone(j.calls)
		j.mu.Unlock()
		if len(calls) == 1 && calls[0].d.pause.waiting() {
			return calls[0].d, over
		}
		select {
		case failures := <-over:
			t.Fatalf("it ended before it was seen paused: %v", failures)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestAPausedCallEndsWhenItIsToEnd(t *testing.T) {
	for name, c := range map[string]struct {
		timeout, want string
		end           func(*deadline, context.CancelCauseFunc)
	}{
		"its deadline":   {"2", "did not finish within 2 s", func(*deadline, context.CancelCauseFunc) {}},
		"it is cut off":  {"60", "took more than 1 MiB of memory", func(d *deadline, _ context.CancelCauseFunc) { d.stop(&greedy{1 << 20}) }},
		"the shift ends": {"60", "relieved", func(_ *deadline, cancel context.CancelCauseFunc) { cancel(errors.New("relieved")) }},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			d, over := held(ctx, t, c.timeout)
			c.end(d, cancel)
			select {
			case failures := <-over:
				if got := fmt.Sprint(failures); !strings.Contains(got, c.want) {
					t.Errorf("it ended with %s, not with %q", got, c.want)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("it is still paused")
			}
		})
	}
}
