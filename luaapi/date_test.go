package luaapi

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Each directive means what date(1) makes of it, on every day of a week and
// around the turn of a year.
func TestDateMeansWhatDateDoes(t *testing.T) {
	if _, err := exec.LookPath("date"); err != nil {
		t.Skip("there is no date here")
	}
	layout := ""
	for _, c := range strings.Trim(directives, "%") {
		layout += string(c) + "=%" + string(c) + " "
	}
	layout += "100%% %-d %Ey %Od"
	for day := range 10 {
		at := time.Date(2026, 12, 27+day, 3*day%24, 4*day, 5, 0, time.UTC)
		cmd := exec.Command("date", "-u", "-d", at.Format(time.RFC3339), "+"+layout)
		cmd.Env = []string{"LC_ALL=C", "TZ=UTC"}
		want, err := cmd.Output()
		if err != nil {
			t.Skipf("this date cannot be asked: %v", err)
		}
		got, problem := formatDate(layout, at)
		if problem != "" || got != strings.TrimSuffix(string(want), "\n") {
			t.Errorf("%v, %q:\n%s\nnot\n%s", at, problem, got, want)
		}
	}
}

func TestDate(t *testing.T) {
	_, out := mustLoad(t, `
		print(os.date("!%a %x %T %%", 0))
		print(os.date("!*t", 86400).day)
		print(pcall(os.date, "%Q"))
		print(pcall(os.date, "%"))
		print(#os.date() > 10)
	`)
	want := "Thu 01/01/70 00:00:00 %\n2\nfalse\tslavedriver.lua:4: os.date: there is no directive `%Q`\n" +
		"false\tslavedriver.lua:5: os.date: there is no directive `%`\ntrue\n"
	equal(t, "dates", out.String(), want)
}
