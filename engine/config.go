package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// LoadError tells a shift that its entry file does not load, so that its plan
// and script are those of the last good copy.
type LoadError struct {
	Message string // what is wrong, with file and line
	// Same is equal for two errors that are the same to a person, whatever in
	// the message differs from load to load. It is kept in the var dir.
	Same string
	Copy time.Time // when the copy was made
}

// trouble is something that lasts from shift to shift, and is told when it
// begins, when it becomes another, and now and then while it lasts.
type trouble struct {
	Since time.Time `json:"since"`
	Same  string    `json:"same"` // what it is; see LoadError.Same
	Said  time.Time `json:"said"` // when people were told last
}

// remindEvery is how often a trouble that lasts is said again in the log and on
// stderr: cron mails each time. It is an hour, less what the beginnings of two
// shifts may differ by.
const remindEvery = time.Hour - 30*time.Second

// news is what a shift has to tell about a trouble.
type news int

const (
	newsNone   news = iota // all that is to be said was said
	newsOfIt               // it began, or is another one than before
	newsAgain              // it lasts, and it is time to say so
	newsIsOver             // it ended
)

// next is the trouble as it is to be noted now, same being what it is ("":
// there is none), and what that tells people.
func (t trouble) next(same string, now time.Time) (trouble, news) {
	switch {
	case same == "" && t.Same == "":
		return t, newsNone
	case same == "":
		return trouble{}, newsIsOver
	case t.Same == "":
		return trouble{Since: now, Same: same, Said: now}, newsOfIt
	case t.Same != same:
		return trouble{Since: t.Since, Same: same, Said: now}, newsOfIt
	case now.Sub(t.Said) >= remindEvery || now.Before(t.Said): // the clock went back
		return trouble{Since: t.Since, Same: same, Said: now}, newsAgain
	}
	return t, newsNone
}

// tellLoad tells of an entry file that does not load: the handlers once for each
// error there is, whichever shift meets it; the log and stderr also now and then.
func (d *duty) tellLoad() {
	e := d.LoadError
	if e == nil {
		e = &LoadError{}
	}
	before := d.agenda.LoadTrouble
	t, news := before.next(e.Same, d.now())
	sentence := fmt.Sprintf("the entry file does not load: %s; its last good copy, of %s, runs since %s",
		e.Message, shortTime(e.Copy), shortTime(t.Since))
	switch news {
	case newsNone:
		if e.Same != "" {
			d.say("%s", sentence)
		}
		return
	case newsIsOver:
		d.Log.Log(Notice, "the entry file loads again; it did not since "+shortTime(before.Since), nil)
	case newsOfIt:
		d.aloud(d.Plan.Levels.InvalidConfig, sentence)
		d.notify(EventConfigError, "", fmt.Sprintf("config/%d/error", d.now().Unix()),
			map[string]any{"error": e.Message, "since": t.Since.Unix()})
	case newsAgain:
		d.aloud(d.Plan.Levels.InvalidConfig, sentence)
	}
	d.agenda.LoadTrouble = t
	d.dirty = true
}

// tellCopy tells that no copy of the entry file could be made: nothing is the
// worse for it today.
func (d *duty) tellCopy() {
	if d.LoadError != nil {
		return // none was to be made
	}
	same := ""
	if d.CopyError != nil {
		same = d.CopyError.Error()
	}
	t, news := d.agenda.CopyTrouble.next(same, d.now())
	switch news {
	case newsNone:
		return
	case newsOfIt, newsAgain:
		d.aloud(Warning, fmt.Sprintf("the last good copy of the entry file could not be made: %s; if the file breaks, an older one runs, or none", same))
	case newsIsOver:
		d.Log.Log(Notice, "the last good copy of the entry file is made again", nil)
	}
	d.agenda.CopyTrouble = t
	d.dirty = true
}

// tellSecrets tells of secrets that the entry file does not get, when that begins
// or others are missing: what needs them fails once it is used. It is not said
// again: the file may do without them.
func (d *duty) tellSecrets() {
	before := d.agenda.SecretTrouble
	t, news := before.next(strings.Join(d.Plan.MissingSecrets, "\n"), d.now())
	switch news {
	case newsNone, newsAgain:
		return
	case newsOfIt:
		for _, sentence := range d.Plan.MissingSecrets {
			d.Log.Log(Error, "a secret is missing: "+sentence, nil)
		}
	case newsIsOver:
		d.Log.Log(Notice, "no secret is missing any more; that was so since "+shortTime(before.Since), nil)
	}
	d.agenda.SecretTrouble = t
	d.dirty = true
}

// tellIdleness says that none of the jobs is to be started here, when that begins:
// the name of the slave may be wrong, and else nobody would ever know.
func (d *duty) tellIdleness() {
	if len(d.Plan.Jobs) == 0 {
		d.aloud(Warning, "there is no job in "+d.Plan.EntryFile+" any more")
		return
	}
	d.aloud(Warning, fmt.Sprintf("none of the %d jobs in %s is enabled and for this slave, %s", len(d.Plan.Jobs), d.Plan.EntryFile, d.Plan.Slave))
}

// aloud logs a message and says it on stderr, once.
func (d *duty) aloud(level Level, message string) {
	d.Log.Log(level, message, nil)
	if d.Aloud != nil {
		d.Aloud(level, message)
	}
}

// shortTime is a time for people, to the minute, as the host's clock shows it.
func shortTime(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

// tellChange tells which jobs are others than at the last shift, by their
// definitions; before is nil where those are not known.
func (d *duty) tellChange(before, now map[string]string) {
	if before == nil {
		return
	}
	added, removed, changed := difference(before, now)
	if len(added)+len(removed)+len(changed) == 0 {
		return
	}
	d.Log.Log(Notice, fmt.Sprintf("the jobs changed: %d added, %d removed, %d changed", len(added), len(removed), len(changed)), nil)
	d.notify(EventConfigChanged, "", fmt.Sprintf("config/%d/changed", d.now().Unix()),
		map[string]any{"added": added, "removed": removed, "changed": changed})
}

// difference lists the names that are in after alone, in before alone, and in
// both with other definitions, in the order of the alphabet. The lists are
// []any, as an event's params have them.
func difference(before, after map[string]string) (added, removed, changed []any) {
	added, removed, changed = []any{}, []any{}, []any{}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		switch old, known := before[name]; {
		case !known:
			added = append(added, name)
		case old != after[name]:
			changed = append(changed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, still := after[name]; !still {
			removed = append(removed, name)
		}
	}
	return added, removed, changed
}
