package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"slavedriver/schedule"
)

// refused are expressions that other crons misread, or take and never start.
var refused = []struct{ expr, message, hint string }{
	{"", "it is empty", "minute, hour"},
	{" \t", "it is empty", "minute, hour"},
	{"* * * *", "it has 4 of the five fields", "minute, hour"},
	{"0 30 2 * * *", `six fields are ambiguous: the last one would be the year, and "*" is none`,
		"if the first is the second, write 30 2 * * *; if the last is the year, write it with four digits"},
	{"*/5 4 2 * * *", `ambiguous`, "if the first is the second, write */5 4 2 * * * *; if the last is the year, write */5 4 2 * *"},
	{"0 0 12 * * MON", `ambiguous`, "if the first is the second, write 0 12 * * mon; if the last is the year, write it with four digits"},
	{"0 0 12 ? * 1", `ambiguous`, "write 0 12 ? * 1;"},
	{"30 2 * * * 27", `ambiguous`, "if the first is the second, write a seventh for the year, or *; if the last is the year, write it with four digits"},
	{"0 0 1 1 * 1969", "year 1969 is out of range", "1970 to 2099"},
	{"0 0 1 1 * 20270", `"20270" is not a year`, "1970 to 2099"},
	{"0 0 1 1 * 2030-2027", "reversed", "write 2027-2030"},
	{"0 0 30 2 * * 2027", "hour 30 is out of range", "0 to 23"},
	{"60 0 0 * * * *", "second 60 is out of range", "seconds go from 0 to 59"},
	{"50-10 * * * * * *", "the second range 50-10 is reversed", "write 50-59,0-10"},
	{"*/0 * * * * * *", "the step in the second field is 0", "*/2"},
	{"*/90 * * * * * *", "the step 90 is longer than the second field", "60"},
	{"0 0 2 * * * mon", `"mon" is not a year`, "1970 to 2099"},
	{"0 0 0 29 2 * 2027", "never comes", "L"},
	{"0 0 1 1 * 2027 x y", "it has 8 fields, and there are seven at most", "minute, hour"},
	{"22-2 * * * *", "the minute range 22-2 is reversed", "write 22-59,0-2"},
	{"50-10 * * * *", "reversed", "write 50-59,0-10"},
	{"0 22-2 * * *", "the hour range 22-2 is reversed", "write 22-23,0-2"},
	{"0 0 25-5 * *", "reversed", "write 25-31,1-5"},
	{"0 0 1 nov-feb *", "reversed", "write nov-12,1-feb"},
	{"0 0 * * fri-mon", "reversed", "write fri-7,1-mon"},
	{"0 0 * * 5-0", "reversed", "write 5-7"},
	{"0 0 * * 7-2", "reversed", "write 0-2"},
	{"*/0 * * * *", "the step in the minute field is 0", "*/2"},
	{"0-30/0 * * * *", "the step in the minute field is 0", "*/2"},
	{"*/x * * * *", `"x" in the minute field is not a step`, "*/2"},
	{"/5 * * * *", `"" is not a minute`, "*/2"},
	{"*/ * * * *", `"" in the minute field is not a step`, "*/2"},
	{"*/90 * * * *", "the step 90 is longer than the minute field", "60"},
	{"0 */25 * * *", "the step 25 is longer than the hour field", "24"},
	{"5, * * * *", "the list in the minute field has an empty item", "commas"},
	{"1,,2 * * * *", "empty item", "commas"},
	{"0 0 , * *", "the list in the day of month field has an empty item", "commas"},
	{"60 * * * *", "minute 60 is out of range", "minutes go from 0 to 59"},
	{"0 24 * * *", "hour 24 is out of range", "hours go from 0 to 23"},
	{"0 0 0 * *", "day of month 0 is out of range", "from 1 to 31"},
	{"0 0 32 * *", "day of month 32 is out of range", "from 1 to 31"},
	{"0 0 1 0 *", "month 0 is out of range", "from jan to dec"},
	{"0 0 1 13 *", "month 13 is out of range", "from 1 to 12"},
	{"0 0 * * 8", "day of week 8 is out of range", "from sun to sat"},
	{"-5 * * * *", "the minute range -5 has no begin", "write 0-5, or */5 if a step is meant"},
	{"0 -1 * * *", "the hour range -1 has no begin", "write 0-1"},
	{"0 0 -2 * *", "the day of month range -2 has no begin", "write 1-2, or */2 if a step is meant"},
	{"0 0 * * -fri", "the day of week range -fri has no begin", "write 0-fri"},
	{"0 0 * * -9", "the day of week range -9 has no begin", "write a range such as 0-6"},
	{"+5 * * * *", `"+5" is not a minute`, "0 to 59"},
	{"1-2-3 * * * *", `"2-3" is not a minute`, "0 to 59"},
	{"5- * * * *", "the minute range 5- has no end", "write 5-59"},
	{"- * * * *", "the minute range - has no begin", "write a range such as 0-59"},
	{"99999999999999999999 * * * *", "is not a minute", "0 to 59"},
	{"0 0 * * tues", `"tues" is not a day of week`, "sun to sat"},
	{"0 0 1 sept *", `"sept" is not a month`, "jan to dec"},
	{"mon * * * *", `"mon" is not a minute`, "0 to 59"},
	{"0~30 * * * *", `"0~30" is not a minute`, "random"},
	{"?/2 * * * *", `"?" is not a minute`, "0 to 59"},
	{"L * * * *", `"l" is not a minute`, "0 to 59"},
	{"0 0 L-3 * *", `"l" is not a day of month`, "alone"},
	{"0 0 W * *", `"w" is not a day of month`, "1 to 31"},
	{"0 0 32W * *", `"32w" is not a day of month`, "1 to 31"},
	{"0 0 * * L", `"l" is not a day of week`, "5L"},
	{"0 0 * * 5#6", `"5#6" is not a day of week`, "after # comes which one of the month it is, 1 to 5: 5#2 is the second Friday"},
	{"0 0 * * fri#0", `"fri#0" is not a day of week`, "after # comes which one of the month it is, 1 to 5"},
	{"0 0 * * 9#2", `"9#2" is not a day of week`, "sun to sat"},
	{"CRON_TZ=Asia/Tokyo 0 0 * * *", `a time zone stands before the fields`, `write timezone = "Asia/Tokyo", schedule = "0 0 * * *"`},
	{"TZ=Europe/Berlin @daily", `a time zone stands before the fields`, `write timezone = "Europe/Berlin", schedule = "@daily"`},
	{"CRON_TZ=Asia/Tokyo", `a time zone stands before the fields`, `write timezone = "Asia/Tokyo"`},
	{"*/5 * * * * curl http://x/", "it goes on", `write schedule = "*/5 * * * *", command = "curl http://x/"`},
	{"0 4 * * * rsync -a /srv /backup", "it goes on", `write schedule = "0 4 * * *", command = "rsync -a /srv /backup"`},
	{"@daily curl https://x/", "nothing can follow a macro", `write schedule = "@daily", command = "curl https://x/"`},
	{"0 0 * * 8L", `"8l" is not a day of week`, "sun to sat"},
	{"0 0 * L *", `"l" is not a month`, "jan to dec"},
	{"0 0 31 2 *", "it names a date that never comes", "L"},
	{"0 0 30 feb *", "never comes", "L"},
	{"0 0 31 4,6,9,11 *", "never comes", "L"},
	{"0 0 29 2 * 2027", "never comes", "L"},
	{"0 0 */30 * 1#3", "never comes", ""},
	{"@reboot", "@reboot is not a time", "systemd"},
	{"@REBOOT", "@reboot is not a time", "systemd"},
	{"@every", "@every needs one duration, and here are 0", "@every 5m"},
	{"@every 1h 30m", "@every needs one duration, and here are 2", "@every 1h30m"},
	{"@every 300", `"300" has no unit`, "write @every 300s"},
	{"@every 5min", `"5min" is not a duration`, "@every 5m"},
	{"@every 30m1h", `"30m1h" is not a duration`, "@every 1h30m"},
	{"@every 1m1m", "is not a duration", "@every 1h30m"},
	{"@every -5m", `"-5m" is not a duration`, "@every 5m"},
	{"@every m", `"m" is not a duration`, "@every 5m"},
	{"@every 1.2.3m", `"1.2.3m" is not a duration`, "@every 5m"},
	{"@every 1e3s", "is not a duration", "@every 5m"},
	{"@every 0s", `"0s" is less than a second`, "@every 1s"},
	{"@every 0.5s", `"0.5s" is less than a second`, "@every 1s"},
	{"@every 1.5s", `"1.5s" is not a whole number of seconds`, "whole seconds"},
	{"@every 24h1s", `"24h1s" is more than a day`, "0 0 * * 1"},
	{"@every 7d", `"7d" is more than a day`, "0 0 * * 1"},
	{"@every 99999999999999999999d", "is more than a day", "0 0 * * 1"},
	{"@dayly", `there is no macro "@dayly"`, "did you mean @daily?"},
	{"@minutely", `there is no macro "@minutely"`, "there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually and @every"},
	{"*/5 * * * * root", `the sixth field would be the year, and "root" is none`, `/etc/crontab has a user there: user = "root" is an option of the job`},
	{"0 2 * * * www-data", `"www-data" is none`, `user = "www-data"`},
	// a whole line of a crontab
	{"0 4 * * 1-5 root bin/Clean", "it goes on after the five fields of a crontab's line",
		`write schedule = "0 4 * * 1-5", command = "bin/Clean", and user = "root" if it is of /etc/crontab; else "root" is the begin of the command`},
	{"0 4 * * *\tbin/clean", "it goes on", `write schedule = "0 4 * * *", command = "bin/clean"`},
	{"*/5 * * * mon-fri cd /srv && make -j 5", "it goes on", `write schedule = "*/5 * * * mon-fri", command = "cd /srv && make -j 5"`},
	{"@daily /opt/bin/Clean --all", "nothing can follow a macro", `write schedule = "@daily", command = "/opt/bin/Clean --all"`},
	{"0 25 * * * bin/clean", "ambiguous", ""},
	{"0 0 2 * * mun *", `"mun" is not a day of week`, ""},
	{"0 0 12 * * tues", `ambiguous`, "if the first is the second"},
	{"0 0 12 * * L", `ambiguous`, "if the first is the second"},
	{"0 0 12 * * mon,tue", `ambiguous`, "if the first is the second"},
	{"0 0 12 * * mon-fri", `ambiguous`, "if the first is the second"},
	{"@", `there is no macro "@"`, "@daily"},
	{"@daily 5", `nothing can follow a macro, and here "5" does`, "alone"},
	{"0 0 * * @daily", "not a day of week", "sun to sat"},
	{"0 0 * * *\x00", "not a day of week", "sun to sat"},
	{strings.Repeat("1,", 600) + "1 * * * *", "longer than 1000 characters", "several"},
}

func TestRefused(t *testing.T) {
	for _, c := range refused {
		s, err := schedule.Parse(c.expr, time.UTC)
		var e *schedule.Error
		if !errors.As(err, &e) {
			t.Errorf("%q: got %v, %v", c.expr, s, err)
			continue
		}
		if s != nil || e.Text != c.expr {
			t.Errorf("%q: got schedule %v, expression %q", c.expr, s, e.Text)
		}
		if !strings.Contains(e.Message, c.message) || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%q: got %q, hint %q", c.expr, e.Message, e.Hint)
		}
		if len(e.Error()) > 300 || !strings.Contains(e.Error(), e.Message) {
			t.Errorf("%q: got %q", c.expr, e.Error())
		}
	}
}

func TestErrorIsOneSentence(t *testing.T) {
	_, err := schedule.Parse("0 22-2 * * *", time.UTC)
	if got, want := err.Error(), `invalid schedule "0 22-2 * * *": the hour range 22-2 is reversed`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What a hint says to write is right.
func TestHintsCanBeWritten(t *testing.T) {
	for _, expr := range []string{"@every 300s", "@every 90s", "@every 5m", "@every 1h30m", "@every 1s", "0 0 * * 1", "0 0 1 * *",
		"30 2 * * *", "*/5 4 2 * * * *", "*/5 4 2 * *", "0 12 * * mon"} {
		mustParse(t, expr, time.UTC)
	}
	for _, c := range refused {
		_, err := schedule.Parse(c.expr, time.UTC)
		var e *schedule.Error
		if !errors.As(err, &e) || !strings.Contains(e.Message, "reversed") {
			continue
		}
		fields := strings.Fields(strings.ToLower(c.expr))
		for i, f := range fields {
			if strings.Contains(f, "-") {
				fields[i] = strings.TrimPrefix(e.Hint, "write ")
			}
		}
		if _, err := schedule.Parse(strings.Join(fields, " "), time.UTC); err != nil {
			t.Errorf("%q: %v", c.expr, err)
		}
	}
}
