package luaapi

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slavedriver/engine"
)

// starterOfDocs records what is started.
type starterOfDocs struct{ started []string }

func (s *starterOfDocs) RequestStart(e *engine.Event, job *engine.Job) (string, error) {
	s.started = append(s.started, job.Name+" because of "+e.ID)
	return "a run", nil
}

// loadWithSenders loads an entry file that has the senders of the examples beside it.
func loadWithSenders(t *testing.T, source string, change ...func(*Options)) (*Script, *worldOfDocs, *strings.Builder) {
	t.Helper()
	all := map[string]string{"slavedriver.lua": source}
	paths, err := filepath.Glob("../examples/senders/*.lua")
	if err != nil || len(paths) != 5 {
		t.Fatalf("the senders are %v (%v)", paths, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all["senders/"+filepath.Base(path)] = string(data)
	}
	s, out, err := loadIn(t, files(t, all), append(change, hooksInEnvironment)...)
	if err != nil {
		t.Fatal(err)
	}
	w := &worldOfDocs{}
	s.UseSender(w)
	s.UseOutbox(w)
	s.UseState(mapState{values: map[string]any{}})
	s.UseLog(w)
	return s, w, out
}

// failAndRecover tells that a job failed three times and then recovered.
func failAndRecover(t *testing.T, s *Script, job *engine.Job) {
	t.Helper()
	run := &engine.RunInfo{ID: "r1", Slave: "db1", Attempt: 1, Output: func(string, int, int64) (string, error) { return "no room\n", nil }}
	for n := range 3 {
		e := failure(job, n+1)
		e.Run = run
		fire(t, s, e)
	}
	for _, e := range []*engine.Event{
		{Name: engine.EventJobSuccess, Params: map[string]any{"consecutiveFailures": 0}},
		{Name: engine.EventJobRecovered, Params: map[string]any{"failures": 3}},
	} {
		e.ID, e.Job, e.Run, e.Since, e.Time = e.Name, job, run, noonOfDocs, noonOfDocs
		fire(t, s, e)
	}
}

func (w *worldOfDocs) abouts() string {
	var all []string
	for _, l := range w.all {
		all = append(all, l.About)
	}
	return strings.Join(all, "; ")
}

func TestExamplesOfTheAlertsPage(t *testing.T) {
	all := examplesOf(t, "../docs/alerts.md")
	backup := &engine.Job{Name: "Backup", Slug: "backup", Tags: []string{"critical"}}
	for heading, check := range map[string]func(t *testing.T, source string){
		"Alerts": func(t *testing.T, source string) {
			s, w, out := loadWithSenders(t, source)
			failAndRecover(t, s, backup)
			equal(t, "letters", w.abouts(), "POST https://hooks.example; POST https://hooks.example")
			equal(t, "printed", out.String(), "Backup failed: exit code 1\nno room\n\nBackup recovered after 3 failures\nno room\n\n")
		},
		"Ready senders": func(t *testing.T, source string) {
			s, w, _ := loadWithSenders(t, source)
			failAndRecover(t, s, backup)
			const ping, page = "POST https://hooks.example; ", "POST https://events.pagerduty.com"
			equal(t, "letters", w.abouts(), `mail "[host] Backup failed: exit code 1" through smtp.example.com:587; `+ping+ping+page+"; "+ping+ping+
				page+`; mail "[host] Backup recovered after 3 failures" through smtp.example.com:587`)
		},
		"Chains": func(t *testing.T, source string) {
			s, _, _ := loadWithSenders(t, source)
			starter := &starterOfDocs{}
			s.UseStarter(starter)
			for _, job := range s.Plan().Jobs {
				fire(t, s, &engine.Event{Name: engine.EventJobSuccess, ID: job.Slug, Job: job, Run: &engine.RunInfo{}})
			}
			equal(t, "started", strings.Join(starter.started, "; "), "Upload because of dump")
		},
		"Jobs in Lua": func(t *testing.T, source string) {
			s, w, _ := loadWithSenders(t, source, func(o *Options) { o.ForFunction = true })
			status, message, err := s.RunFunction(context.Background(), "Rates", &engine.RunInfo{ID: "r1"})
			if status != 1 || message != "no rates for run r1: oops" || err != nil || len(w.sent) != 1 {
				t.Errorf("status %d, message %q, error %v, sent %v", status, message, err, w.sent)
			}
		},
	} {
		t.Run(heading, func(t *testing.T) {
			if all[heading] == "" {
				t.Fatal("there is no such example")
			}
			check(t, all[heading])
			delete(all, heading)
		})
	}
	for heading := range all {
		t.Errorf("the example of %s is not run", heading)
	}
}

// TestTheAlertsPageIsWhole: it names each option of an alert and all that an alert brings.
func TestTheAlertsPageIsWhole(t *testing.T) {
	data, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	names := alertFields().names()
	for _, f := range alertContents() {
		names = append(names, f.name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if !strings.Contains(string(data), "`"+name+"`") {
			t.Errorf("it does not name %s", name)
		}
	}
}
