package luaapi

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
)

// memory is a State.
type memory map[string]any

func (m memory) Get(key string) (any, bool, error) {
	if key == "broken" {
		return nil, false, errors.New("the disk is full")
	}
	v, ok := m[key]
	return v, ok, nil
}

func (m memory) Set(key string, value any) error {
	m[key] = value
	return nil
}

func (m memory) Increment(key string, by float64) (float64, error) {
	n, ok := m[key].(float64)
	if m[key] != nil && !ok {
		return 0, fmt.Errorf("`%s` is not a number", key)
	}
	m[key] = n + by
	return n + by, nil
}

func TestState(t *testing.T) {
	s, out := mustLoad(t, oneJob+`slavedriver:attach("*", function()
		local state = slavedriver.state
		print(state:get("x"), state:increment("n"), state:increment("n", 2.5))
		state:set("x", { list = { 1, "b", { true } }, empty = {} })
		state:set("gone", nil)
		print(state:get("x").list[3][1], next(state:get("x").empty))
	end)`)
	m := memory{"gone": "y"}
	s.UseState(m)
	fire(t, s, started(s))
	equal(t, "printed", out.String(), "nil\t1\t3.5\ntrue\tnil\n")
	want := memory{"n": 3.5, "gone": nil, "x": map[string]any{"list": []any{1.0, "b", []any{true}}, "empty": map[string]any{}}}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got %v", m)
	}
}

func TestErrorsOfState(t *testing.T) {
	for call, want := range map[string]string{
		`state:get()`:                             "state:get: the key must be a string, not nil",
		`state:get("")`:                           "state:get: the key must not be empty",
		`state:get("broken")`:                     "state:get: the disk is full",
		`state:set("x", 0/0)`:                     "state:set: the value can only be made of strings, finite numbers, booleans and tables",
		`state:set("x", { 1, a = 2 })`:            "state:set: the value has a table that is neither a list nor has only strings as keys",
		`local t = {} t[1] = t state:set("x", t)`: "state:set: the value holds itself",
		`local t = {} for i = 1, 3e5 do t = { t } end state:set("x", t)`: "state:set: the value is nested more than 1000 deep",
		`state:increment("text")`:   "state:increment: `text` is not a number",
		`state:increment("n", "x")`: "state:increment: the second argument must be a number, not \"x\"",
		`state.get("x")`:            "`get` was called without its state",
		`state:inc("x")`:            "state: unknown method `inc`, did you mean `increment`?",
	} {
		s, out := mustLoad(t, oneJob+`slavedriver:attach("*", function() local state = slavedriver.state print(select(2, pcall(function() `+call+` end))) end)`)
		s.UseState(memory{"text": "x"})
		fire(t, s, started(s))
		equal(t, call, out.String(), "slavedriver.lua:4: "+want+"\n")
	}
}
