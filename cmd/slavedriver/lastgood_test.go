package main

import (
	"errors"
	"testing"

	"slavedriver/luaapi"
)

func TestSameError(t *testing.T) {
	at := func(file string, line int, message string) error {
		return &luaapi.Error{File: file, Line: line, Message: message}
	}
	for _, c := range []struct {
		name         string
		file1, file2 string
		a, b         error
		same         bool
	}{
		{"equal", "s.lua", "s.lua", at("s.lua", 3, "no idea"), at("s.lua", 3, "no idea"), true},
		{"other words", "s.lua", "s.lua", at("s.lua", 3, "no idea"), at("s.lua", 3, "no clue"), false},
		{"another line", "s.lua", "s.lua", at("s.lua", 3, "no idea"), at("s.lua", 4, "no idea"), false},
		{"another file", "s.lua", "s.lua", at("s.lua", 3, "no idea"), at("jobs/s.lua", 3, "no idea"), false},
		{"another time and table", "s.lua", "s.lua",
			at("s.lua", 3, "at 12:01 table: 0xc0001afe00 went"), at("s.lua", 3, "at 12:02 table: 0xc00beef is gone"), false},
		{"the same but for the time", "s.lua", "s.lua",
			at("s.lua", 3, "at 12:01 table: 0xc0001afe00 was bad"), at("s.lua", 3, "at 9:59 table: 0xc00beef was bad"), true},
		{"the file by another path", "s.lua", "/srv/shop/s.lua",
			at("s.lua", 3, "there is no lib/a.lua"), at("/srv/shop/s.lua", 3, "there is no /srv/shop/lib/a.lua"), true},
		{"an error without a place", "s.lua", "s.lua", errors.New("pid 17"), errors.New("pid 204"), true},
	} {
		if a, b := sameError(c.file1, c.a), sameError(c.file2, c.b); (a == b) != c.same {
			t.Errorf("%s: %q and %q", c.name, a, b)
		}
	}
}
