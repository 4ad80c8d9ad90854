package engine

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestIsToCome(t *testing.T) {
	day := func(clock string) time.Time {
		at, err := time.Parse(time.RFC3339, "2026-11-23T"+clock+"Z")
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		fileKnown: `{"jobs":{"Old":{"since":"2026-11-20T10:00:00Z","print":"p"},"New":{"since":"2026-11-23T10:19:00Z","print":"p"},"Changed":{"since":"2026-11-20T10:00:00Z","print":"q"}}}`,
		fileAgenda: `{"evaluated":"2026-11-23T10:19:59.999999999Z","intents":[` +
			`{"run":"old-20261123T101000Z","job":"Old","instant":"2026-11-23T10:10:00Z","notBefore":"2026-11-23T10:40:31Z"},` +
			`{"run":"old-20261123T100500Z.2","job":"Old","instant":"2026-11-23T10:05:00Z"},` +
			`{"run":"old-20261123T100700Z-at-ABCDEF","job":"Old","instant":"2026-11-23T10:07:00Z"}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		job, instant, now string
		want              bool
	}{
		{"Old", "10:10:00", "10:19:30", true},  // its jitter puts it off
		{"Old", "10:11:00", "10:19:30", false}, // decided, and nothing of it waits
		{"Old", "10:05:00", "10:19:30", false}, // a next attempt is no start
		{"Old", "10:07:00", "10:19:30", false}, // nor is what was asked for
		{"Old", "10:20:00", "10:19:30", true},
		{"Old", "10:20:00", "10:25:30", true}, // the next shift decides, late
		{"New", "10:10:00", "10:19:30", false},
		{"New", "10:20:00", "10:25:30", true},
		{"Changed", "10:20:00", "10:25:30", false}, // it begins with the shift that sees it
		{"Changed", "10:25:00", "10:25:30", true},
		{"Unseen", "10:24:00", "10:25:30", false},
	} {
		now := day(c.now)
		coming, err := ReadComing(dir, now)
		if err != nil {
			t.Fatal(err)
		}
		job := &Job{Name: c.job, Enabled: true, ScheduleText: []string{"p"}}
		if got := coming.IsToCome(job, "test1", day(c.instant), now); got != c.want {
			t.Errorf("%s of %s at %s: %v", c.instant, c.job, c.now, got)
		}
	}
	coming, err := ReadComing(dir, day("10:19:30"))
	if err != nil {
		t.Fatal(err)
	}
	if w := coming.Retry("Old"); w == nil || w.Run != "old-20261123T100500Z" || w.Attempt != 2 || coming.Retry("New") != nil {
		t.Errorf("%+v", w)
	}
	none, err := ReadComing(filepath.Join(dir, "nowhere"), day("10:19:30"))
	if err != nil || !none.IsToCome(&Job{Name: "Old"}, "test1", day("10:19:00"), day("10:19:30")) || none.Retry("Old") != nil {
		t.Error(none, err)
	}
}
