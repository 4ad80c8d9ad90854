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

// asOptions is how a job has a line of a crontab whose first so many words are
// the schedule.
func asOptions(words []string, fields int) string {
	schedule, command := strings.Join(words[:fields], " "), words[fields:]
	if user := command[0]; len(command) > 1 && isUser(user) {
		return fmt.Sprintf("write schedule = %q, command = %q, and user = %q if it is of /etc/crontab; else %q is the begin of the command",
			schedule, strings.Join(command[1:], " "), user, user)
	}
	return fmt.Sprintf("write schedule = %q, command = %q", schedule, strings.Join(command, " "))
}
