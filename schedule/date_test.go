package schedule_test

import (
	"testing"

	"slavedriver/schedule"
)

func TestNoSuchTime(t *testing.T) {
	for text, want := range map[string]string{
		"2027-02-30 04:00":    "February 2027 has 28 days",
		"2028-02-30":          "February 2028 has 29 days",
		"2026-11-31T04:00:00": "November 2026 has 30 days",
		"2026-13-01":          "there is no month 13",
		"2026-01-00":          "there is no day 0",
		"2026-11-23 25:00":    "there is no hour 25",
		"24:00":               "there is no hour 24: midnight is 00:00",
		"12:60":               "there is no minute 60",
		"12:30:61":            "there is no second 61",
		"2026-3-29":           `its "3" wants two digits: 03`,
		"2026-03-29 02:3":     `its "3" wants two digits: 03`,
		"2026-03-29 02:30":    "",
		"2:30":                "",
		"2026-03-29 2:30":     "",
		"noon":                "",
		"":                    "",
		"23.11.2026":          "",
		"2026-02-300":         "",
	} {
		if got := schedule.NoSuchTime(text); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
}
