package schedule

import (
	"fmt"
	"strings"
)

// isCrontabLine says whether five fields are followed by what can only be a
// command, or the user and the command of /etc/crontab. One word alone, or two,
// may as well be misspelt fields.
func isCrontabLine(words []string) bool {
	if len(words) < 6 || !isForeign(words[5]) {
		return false
	}
	switch len(words) {
	case 6:
		if !strings.Contains(words[5], "/") {
			return false
		}
	case 7:
		if !isForeign(words[6]) {
			return false
		}
	}
	_, err := parse(strings.Join(words[:5], " "))
	return err == nil
}

// isForeign says whether a word, in lower case, can be no day of week and no year.
func isForeign(word string) bool {
	_, err := daysOfWeek.parse(word, func(int) {})
	return err != nil && strings.Trim(word, "0123456789*,-/?lw#") != ""
}

// isArgument says whether a word can only be what a command is given, and so the one
// before it is the command, and no user.
func isArgument(word string) bool {
	return strings.HasPrefix(word, "-") || strings.Contains(word, "://") || strings.ContainsAny(word[:1], `'"$<>|&;`)
}

// zoneBefore is the error about a zone that stands before the fields, as some crons
// take it, or nil: words are in lower case, text is as it was given.
func zoneBefore(words []string, text string) *Error {
	name, _, assigned := strings.Cut(words[0], "=")
	if !assigned || name != "cron_tz" && name != "tz" {
		return nil
	}
	given := strings.Fields(text)
	_, zone, _ := strings.Cut(given[0], "=")
	hint := fmt.Sprintf("write timezone = %q", zone)
	if len(given) > 1 {
		hint += fmt.Sprintf(", schedule = %q", strings.Join(given[1:], " "))
	}
	return refuse(hint, "a time zone stands before the fields, and is an option of the job")
}

// asOptions is how a job has a line of a crontab whose first so many words are
// the schedule.
func asOptions(words []string, fields int) string {
	schedule, command := strings.Join(words[:fields], " "), words[fields:]
	if user := command[0]; len(command) > 1 && isUser(user) && !isArgument(command[1]) {
		return fmt.Sprintf("write schedule = %q, command = %q, and user = %q if it is of /etc/crontab; else %q is the begin of the command",
			schedule, strings.Join(command[1:], " "), user, user)
	}
	return fmt.Sprintf("write schedule = %q, command = %q", schedule, strings.Join(command, " "))
}
