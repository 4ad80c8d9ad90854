package schedule_test

import (
	"archive/zip"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"slavedriver/schedule"
)

func TestZone(t *testing.T) {
	for _, name := range []string{"Europe/London", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT-2", "CET"} {
		loc, err := schedule.Zone(name)
		if err != nil || loc.String() != name {
			t.Errorf("%s: got %v, %v", name, loc, err)
		}
		if again, _ := schedule.Zone(name); again != loc {
			t.Errorf("%s: got another one the second time", name)
		}
	}
}

func TestZoneRefused(t *testing.T) {
	for _, c := range []struct{ name, message, hint string }{
		{"Europe/Londn", "there is no such zone", `did you mean "Europe/London"?`},
		{"Amerika/New_York", "there is no such zone", `did you mean "America/New_York"?`},
		{"New York", "there is no such zone", `did you mean "America/New_York"?`},
		{"Berlin", "there is no such zone", `did you mean "Europe/Berlin"?`},
		{"rome", "there is no such zone", `did you mean "Europe/Rome"?`},
		{" Asia/Tokyo", "there is no such zone", `did you mean "Asia/Tokyo"?`},
		{"europe/london", "capitals count", `did you mean "Europe/London"?`},
		{"EUROPE/LONDON", "capitals count", `did you mean "Europe/London"?`},
		{"utc", "capitals count", `did you mean "UTC"?`},
		{"", "it is empty", "Europe/London"},
		{"Local", "it names no zone", "leave the zone out"},
		{"local", "it names no zone", "leave the zone out"},
		{"PST", "there is no such zone", "write a place"},
		{"UTC+2", "there is no such zone", "write a place"},
		{"+02:00", "there is no such zone", "write a place"},
		{"Middle-earth/Minas_Tirith", "there is no such zone", "write a place"},
		{"../../etc/passwd", "there is no such zone", "write a place"},
		{"/usr/share/zoneinfo/Europe/London", "there is no such zone", "write a place"},
		{"Europe/London\nUTC", "there is no such zone", ""},
		{"Europe", "there is no such zone", ""},
		{strings.Repeat("Europe/", 1000), "there is no such zone", "write a place"},
	} {
		loc, err := schedule.Zone(c.name)
		var e *schedule.Error
		if !errors.As(err, &e) || loc != nil {
			t.Errorf("%q: got %v, %v", c.name, loc, err)
			continue
		}
		if e.Text != c.name || !strings.Contains(e.Message, c.message) || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%q: got %q, hint %q", c.name, e.Message, e.Hint)
		}
		if text := e.Error(); len(text) > 200 || !strings.HasPrefix(text, `invalid time zone "`) {
			t.Errorf("%q: got %s", c.name, text)
		}
	}
}

// The names that are built in are for hints alone: an old list does no harm,
// but a wrong one does.
func TestZoneNames(t *testing.T) {
	names := zoneNames(t)
	if !slices.IsSorted(names) {
		t.Error("zones.txt is not sorted")
	}
	for _, name := range names {
		if _, err := schedule.Zone(name); err != nil {
			t.Error(err)
		}
	}
	var missing []string
	for _, name := range zonesOfGo(t) {
		if !slices.Contains(names, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 10 {
		t.Errorf("zones.txt has grown old, add: %s", strings.Join(missing, ", "))
	}
}

// zonesOfGo are those that come with the Go that runs the test.
func zonesOfGo(t *testing.T) (names []string) {
	//nolint:staticcheck // deprecated since it may not be where the binary runs; then this is skipped
	archive, err := zip.OpenReader(filepath.Join(runtime.GOROOT(), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skip("Go's own zones are not here:", err)
	}
	defer archive.Close()
	for _, f := range archive.File {
		if f.Name != "Factory" && !strings.HasSuffix(f.Name, "/") {
			names = append(names, f.Name)
		}
	}
	return names
}
