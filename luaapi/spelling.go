package luaapi

import (
	"cmp"
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
	} else if near := cmp.Or(elsewhere(name, known), spelling.Nearest(name, known)); near != "" {
		m.message += ", did you mean `" + near + "`?"
	} else if n := len(known) - 1; n > 0 && n < 8 {
		m.message += "; there are `" + strings.Join(known[:n], "`, `") + "` and `" + known[n] + "`"
	}
	if strings.EqualFold(name, "mailto") {
		m.hint = "cron mails errors if MAILTO stands in the crontab; slavedriver.alert sends mail too"
	}
	m.whole = true
	return m
}

// elsewhere is what crontabs and other schedulers call otherwise, if it is one of
// the known names; "" if not.
func elsewhere(name string, known []string) string {
	meant := map[string]string{
		"cwd": "workingDirectory", "dir": "workingDirectory", "chdir": "workingDirectory", "cron": "schedule", "cmd": "command", "script": "command",
		"exec": "command", "memory": "addressSpace", "cpu": "cpuTime", "nofile": "openFiles", "nproc": "processes", "disabled": "enabled",
		"hosts": "slaves", "host": "slaves", "tz": "timezone", "environment": "env", "splay": "jitter", "randomdelay": "jitter",
	}[strings.ToLower(name)]
	if slices.Contains(known, meant) {
		return meant
	}
	return ""
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
