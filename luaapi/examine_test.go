package luaapi

import (
	"slices"
	"strings"
	"testing"

	"github.com/yuin/gopher-lua/parse"
)

func TestAfterRun(t *testing.T) {
	for source, want := range map[string]int{
		"local s = require('slavedriver')\ns:run()\n\nx = 1":                    4,
		"local a, s = 1, require 'slavedriver'\ns:run()\nx = 1":                 3,
		"slavedriver:run() -- the global\nlocal function f() end":               2,
		"local s = require('slavedriver')\ns:run()\n-- the end":                 0,
		"local s = require('slavedriver')\nif s then s:run() end\nf()":          0,
		"local s = require('other')\ns:run()\nf()":                              0,
		"local s = require('slavedriver')\nlocal function f() s:run() end\nf()": 0,
		"slavedriver:run(1)\nf()":                                               0,
		"slavedriver.run()\nf()":                                                0,
		"slavedriver:addJob({})\nreturn":                                        0,
		"slavedriver:run()\nreturn 5":                                           0,
		"":                                                                      0,
	} {
		chunk, err := parse.Parse(strings.NewReader(source), "x")
		if err != nil {
			t.Fatal(err)
		}
		if _, got := afterRun(chunk); got != want {
			t.Errorf("%s\ngot %d, want %d", source, got, want)
		}
	}
}

func TestLostEscapes(t *testing.T) {
	for source, want := range map[string][]lostEscape{
		`x = "date +\%Y"`:                   {{1, "%"}},
		`x = "a" y = "\d" .. '\d \d \w'`:    {{1, "d"}, {1, "d"}, {1, "w"}},
		"x = 'a\\\n\\d'":                    {{2, "d"}},
		"x = [[\n\\d]] y = '\\.'":           {{2, "."}},
		`x = "\n\t\\d\"\'\065\a\b\f\r\v"`:   nil,
		`x = [[\d]] y = [==[ ]] \d]==]`:     nil,
		"-- '\\d'\n--[[ '\\d' ]] x = 1 --x": nil,
		`x = "it's -- no comment \\" -- \d`: nil,
		"x = '\\d":                          {{1, "d"}},
		`x = "\`:                            nil,
		"":                                  nil,
	} {
		if got := lostEscapes(source); !slices.Equal(got, want) {
			t.Errorf("%s\ngot %v, want %v", source, got, want)
		}
	}
}
