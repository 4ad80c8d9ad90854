package luaapi

import (
	"strings"

	"slavedriver/internal/spelling"
)

// unknown says that a name is not one of those known, and which was probably
// meant.
func unknown(what, name string, known []string) *mistake {
	m := wrong("unknown %s `%s`", what, name)
	if near := spelling.Nearest(name, known); near != "" {
		m.message += ", did you mean `" + near + "`?"
	}
	m.whole = true
	return m
}

// article puts "a" or "an" in front of a noun.
func article(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}
