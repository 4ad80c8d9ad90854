package luaapi

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"slavedriver/engine"
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
	m.hint = insteadOf(name)
	m.whole = true
	return m
}

// insteadOf is the hint for what others have and is done otherwise here, or "".
func insteadOf(name string) string {
	switch strings.ToLower(name) {
	case "mailto":
		return "cron mails errors if MAILTO stands in the crontab; slavedriver.alert sends mail too"
	case "dependson", "depends", "requires", "needs":
		return "a handler of " + engine.EventJobSuccess + " starts the next job: slavedriver:start(name)"
	}
	return ""
}

// optionOfJobs is the hint for who sets something of jobs, or the name, on slavedriver
// itself, by an assignment or a setter; "" where it is nothing of these.
func optionOfJobs(key string) string {
	option := key
	if rest, ok := strings.CutPrefix(key, "set"); ok && rest != "" {
		option = strings.ToLower(rest[:1]) + rest[1:]
	}
	switch _, ok := jobOptions().index[option]; {
	case option == "name":
		return "the name of this slave is set by slavedriver:setSlaveName(...)"
	case ok:
		return fmt.Sprintf("`%s` is an option of jobs: job:set%s(...), or slavedriver:setDefaults({ %s = ... }) for all that are added later",
			option, capital(option), option)
	}
	return ""
}

// elsewhere is what crontabs and other schedulers call otherwise, if it is one of
// the known names; "" if not.
func elsewhere(name string, known []string) string {
	meant := map[string]string{
		"cwd": "workingDirectory", "dir": "workingDirectory", "chdir": "workingDirectory", "cron": "schedule", "cmd": "command", "script": "command",
		"exec": "command", "memory": "addressSpace", "cpu": "cpuTime", "nofile": "openFiles", "nproc": "processes", "disabled": "enabled",
		"retry": "retries", "file": "path",
		"slavedriver.job.failed": engine.EventJobError, "job.failed": engine.EventJobError, "slavedriver.job.error": engine.EventJobError, "job.error": engine.EventJobError,
		"slavedriver.job.succeeded": engine.EventJobSuccess, "job.succeeded": engine.EventJobSuccess, "slavedriver.job.success": engine.EventJobSuccess, "job.success": engine.EventJobSuccess,
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
