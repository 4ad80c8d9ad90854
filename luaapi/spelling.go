package luaapi

import (
	"slices"
	"strings"

	"slavedriver/internal/spelling"
)

// unknown says that a name is not one of those known, and which was probably
// meant.
func unknown(what, name string, known []string) *mistake {
	m := wrong("unknown %s `%s`", what, name)
	if meant := begunWith(name, known); len(meant) > 0 && len(meant) <= 3 {
		m.message += ", did you mean `" + strings.Join(meant, "` or `") + "`?"
	} else if near := spelling.Nearest(name, known); near != "" {
		m.message += ", did you mean `" + near + "`?"
	}
	m.whole = true
	return m
}

// begunWith are the known names that go on where name ends, with the next word.
func begunWith(name string, known []string) (all []string) {
	for _, candidate := range known {
		rest, ok := strings.CutPrefix(candidate, name)
		if ok && name != "" && (strings.HasPrefix(rest, "_") || strings.HasPrefix(rest, ".")) && !slices.Contains(all, candidate) {
			all = append(all, candidate)
		}
	}
	return all
}

// article puts "a" or "an" in front of a noun.
func article(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}
