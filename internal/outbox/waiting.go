package outbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"slavedriver/engine"
	"slavedriver/internal/durable"
)

// patient is how long letters wait before people are told: a server that restarts is
// no reason to wake anybody, and after that nobody should believe that alerts go out.
const patient = 10 * time.Minute

// waitingFile is the name of the file that says that people were told. It is there from
// then on until no letter waits, so that of all shifts one tells.
const waitingFile = "waiting"

// waiting is what people were told.
type waiting struct {
	Since time.Time `json:"since"` // the oldest letter was put; zero: nothing is to be told
}

// next is what is known once all that is due was tried, and what that tells people:
// level "" is nothing. It holds until the outbox is empty: letters that come and
// go meanwhile are the same trouble. lost are those that were given up since then.
func (w waiting) next(slips []*slip, lost int, now time.Time) (after waiting, level engine.Level, message string) {
	told := !w.Since.IsZero()
	switch {
	case told && len(slips) == 0 && lost > 0:
		return waiting{}, engine.Warning, fmt.Sprintf("nothing waits in the outbox any more, but of the messages that did since %s, %s given up",
			w.Since.Local().Format("2006-01-02 15:04"), were(lost))
	case told && len(slips) == 0:
		return waiting{}, engine.Notice, "nothing waits in the outbox any more; messages did since " + w.Since.Local().Format("2006-01-02 15:04")
	case told || len(slips) == 0:
		return w, "", ""
	}
	sorted := oldestFirst(slips)
	since := sorted[0].created
	if now.Sub(since) < patient {
		return w, "", ""
	}
	return waiting{since}, engine.Error, sentence(sorted)
}

func were(n int) string {
	if n == 1 {
		return "1 was"
	}
	return fmt.Sprintf("%d were", n)
}

// sentence says what waits, the oldest first. Those to a server that rests were
// not tried themselves.
func sentence(slips []*slip) string {
	what, they := fmt.Sprintf("%d messages wait", len(slips)), "they are"
	if len(slips) == 1 {
		what, they = "1 message waits", "it is"
	}
	tried := slips[0]
	for _, s := range slips {
		if s.why != "" {
			tried = s
			break
		}
	}
	return fmt.Sprintf("%s in the outbox since %s: %s could not be sent: %s; %s tried for a day",
		what, slips[0].created.Local().Format("2006-01-02 15:04"), tried.about, tried.why, they)
}

// reason is why the letter was not sent, without the server, which its About has.
func (s *slip) reason(err error) string {
	_, rest, found := strings.Cut(err.Error(), s.to)
	why, colon := strings.CutPrefix(rest, ": ")
	switch {
	case s.to == "" || !found:
		return err.Error()
	case colon:
		return why
	case strings.HasPrefix(rest, " "):
		return "the server" + rest
	}
	return err.Error()
}

// tellWaiting tells before it is noted: a shift that dies in between lets the next
// one tell again. b.mu must not be held.
func (b *Box) tellWaiting() {
	b.mu.Lock()
	var slips []*slip
	for _, s := range b.slips {
		known := *s
		slips = append(slips, &known)
	}
	before := b.told
	lost := 0
	if len(slips) == 0 && !before.Since.IsZero() {
		lost = b.shelf.givenUpSince(before.Since)
	}
	after, level, message := before.next(slips, lost, b.o.Clock.Now())
	b.told = after
	b.mu.Unlock()
	if level == "" {
		return
	}
	if lost > 0 {
		message += " and kept in " + b.shelf.path(givenUp)
	}
	b.o.Log.Log(level, message, nil)
	if err := b.shelf.noteWaiting(after); err != nil {
		b.o.Log.Log(engine.Warning, fmt.Sprintf("it cannot be noted what was said of the outbox: %v", err), nil)
	}
}

// noteWaiting keeps what people were told.
func (f shelf) noteWaiting(w waiting) error {
	if w.Since.IsZero() {
		err := os.Remove(f.path(waitingFile))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	data, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return durable.WriteFile(f.path(waitingFile), data, "outbox.waiting")
}

// waiting is what people were told; nothing where that cannot be read.
func (f shelf) waiting() (w waiting) {
	data, err := os.ReadFile(f.path(waitingFile))
	if err != nil || json.Unmarshal(data, &w) != nil {
		return waiting{}
	}
	return w
}

// givenUpSince counts the letters, put since then, that were given up and are kept.
func (f shelf) givenUpSince(since time.Time) (n int) {
	kept := shelf(f.path(givenUp))
	entries, _ := os.ReadDir(string(kept))
	for _, entry := range entries {
		id, ok := strings.CutSuffix(entry.Name(), letterSuffix)
		if s, err := kept.slip(id); ok && err == nil && !s.created.Before(since) {
			n++
		}
	}
	return n
}
