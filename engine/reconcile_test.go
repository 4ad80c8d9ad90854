package engine

import (
	"path/filepath"
	"testing"
)

// A start that was made leaves the agenda with the next commit. Where that did
// not come to be, and the run has ended and its job has left the entry file
// since, nothing is said about it any more.
func TestAnIntentThatWasCarriedOut(t *testing.T) {
	job := newJob(t, "job", "0 12 * * *")
	virtually(t, []*Job{job}, func(m *machine) {
		m.until("12:00:30")
		m.running()
		path := filepath.Join(m.dir, fileAgenda)
		a, _, err := loadAgenda(path)
		if err != nil {
			t.Fatal(err)
		}
		a.Intents = append(a.Intents, &intent{Run: runID(job, bubbleNoon), Job: "job", Instant: bubbleNoon, Until: bubbleNoon, Starting: true})
		if err := a.save(path); err != nil {
			t.Fatal(err)
		}
		m.plan.Jobs = nil
		m.until("12:01:30")
		m.same("events", m.told(), "started job 12:00:00", "finished.success job 12:00:00 attempt=1", "config.changed")
		m.same("ledger", m.ledger(), "succeeded job 12:00:00")
	})
}
