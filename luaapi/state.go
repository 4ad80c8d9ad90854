package luaapi

import (
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// State is where slavedriver.state keeps small values that last. Values are
// strings, float64, bool, nil, []any and map[string]any of these.
type State interface {
	// Get returns the value of a key, and whether there is one.
	Get(key string) (any, bool, error)
	// Set replaces the value of a key; nil takes it away.
	Set(key string, value any) error
	// Increment adds to a number, or to 0 where there is none, and returns the
	// sum.
	Increment(key string, by float64) (float64, error)
}

// UseState says what slavedriver.state uses from now on. Before, while the
// entry file loads, its methods are errors that say so.
func (s *Script) UseState(state State) { s.state = state }

// stateObject is slavedriver.state.
type stateObject struct{}

// stateClass declares the methods of slavedriver.state.
var stateClass = sync.OnceValue(func() *class[stateObject] {
	return &class[stateObject]{
		name: "state", fields: newFields[stateObject]("field"),
		methods: []method[stateObject]{
			{"get", "key", "returns the value of a key, or nil", func(at site, _ *stateObject) int {
				state, key := at.state("get")
				v, _, err := state.Get(key)
				at.check("get", err)
				return at.give(toLua(at.L, v))
			}},
			{"set", "key, value", "keeps a value; nil takes it away", func(at site, _ *stateObject) int {
				state, key := at.state("set")
				v, err := toGo(at.L.Get(3))
				if err != nil {
					err = about("the value", err)
				} else {
					err = state.Set(key, v)
				}
				at.check("set", err)
				return 0
			}},
			{"increment", "key [, by]", "adds to a number and returns the sum", func(at site, _ *stateObject) int {
				state, key := at.state("increment")
				by, err := 1.0, error(nil)
				if v := at.L.Get(3); v != lua.LNil {
					by, err = number.decode(at, v)
				}
				if err != nil {
					at.check("increment", about("the second argument", err))
				}
				sum, err := state.Increment(key, by)
				at.check("increment", err)
				return at.give(lua.LNumber(sum))
			}},
		},
	}
})

// state is the store and the key of a call.
func (at site) state(method string) (State, string) {
	if at.s.state == nil {
		at.raise(wrong("slavedriver.state cannot be used while the entry file loads").
			hinting("use it in handlers: the entry file is loaded every minute, on `check` and `list` too"))
	}
	key, err := line.decode(at, at.L.Get(2))
	if err != nil {
		at.check(method, about("the key", err))
	}
	return at.s.state, key
}

// check throws an error of a state method.
func (at site) check(method string, err error) {
	if err != nil {
		at.raise(about("state:"+method+":", err))
	}
}
