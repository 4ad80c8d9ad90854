package world

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"slavedriver/engine"
)

// line is one thing that happened, for people.
type line struct {
	text string
	// ordinary is what happens all the time: a job that starts, or ends well.
	ordinary bool
}

// Story is what happened so far, a line for each thing.
func (w *World) Story() (all []string) {
	for _, l := range some(w, w.story, nil) {
		all = append(all, l.text)
	}
	return all
}

// Digest is what happened so far, in most lines or little more.
func (w *World) Digest(most int) []string { return digest(some(w, w.story, nil), most) }

// digest leaves out what is ordinary, and then what is oldest, where there are
// more than most lines; it says so, which takes the line of one.
func digest(story []line, most int) (all []string) {
	if len(story) > most+1 {
		grave := slices.DeleteFunc(slices.Clone(story), func(l line) bool { return l.ordinary })
		if n := len(story) - len(grave); n > 1 {
			all, story = append(all, fmt.Sprintf("(starts and successes that are left out: %d)", n)), grave
		}
	}
	if more := len(story) - most; more > 1 {
		all = append(all, fmt.Sprintf("(lines before that are left out: %d)", more))
		story = story[more:]
	}
	for _, l := range story {
		all = append(all, l.text)
	}
	return all
}

// note adds a line to the story; w.mu is held.
func (w *World) note(slave, text string) { w.add(slave, text, false) }

func (w *World) add(slave, text string, ordinary bool) {
	when := strings.TrimSpace(time.Now().Format(time.DateTime) + " " + slave)
	w.story = append(w.story, line{when + " " + text, ordinary})
}

// noteEvent adds an event to the story; w.mu is held.
func (w *World) noteEvent(slave string, e *engine.Event) {
	w.add(slave, lineOf(e), e.Name == engine.EventJobStarted || e.Name == engine.EventJobSuccess)
}

// tell adds a line to the story.
func (w *World) tell(slave, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(slave, text)
}

// lineOf is an event for people.
func lineOf(e *engine.Event) string {
	line := e.Name
	if e.Job != nil {
		line += fmt.Sprintf(" %q", e.Job.Name)
	}
	for _, key := range slices.Sorted(maps.Keys(e.Params)) {
		switch v := e.Params[key].(type) {
		case nil:
		case bool:
			if v {
				line += " " + key
			}
		default:
			line += fmt.Sprintf(" %s=%v", key, v)
		}
	}
	return line
}
