package engine

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"slavedriver/internal/runfile"
)

// log writes a message about a job, as the original words it.
func (d *duty) log(level Level, job *Job, message string) {
	fields := map[string]any(nil)
	name := ""
	if job != nil {
		name = job.Name
		fields = map[string]any{"job": job.Name}
	}
	d.Log.Log(level, fmt.Sprintf("Slavedriver [%s] - %s", name, message), fields)
}

// logEnding writes a message about the end of a run, with what programs that
// read logs want to know of it.
func (d *duty) logEnding(level Level, r *run, message string) {
	e := r.ending
	fields := map[string]any{
		"job": r.job.Name, "run": r.intent.RunID(), "slave": r.intent.Slave, "attempt": r.intent.Attempt,
		"output": filepath.Join(d.endedFolder(r.job.Slug), r.intent.ID),
	}
	if e.Exit >= 0 {
		fields["exitCode"] = e.Exit
	}
	if e.Timed {
		fields["duration"] = e.Duration.Round(time.Millisecond).Seconds()
	}
	if e.Reason != "" {
		fields["reason"] = e.Reason
	}
	d.Log.Log(level, fmt.Sprintf("Slavedriver [%s] - %s", r.job.Name, message), fields)
}

// moment is a time in a sentence, on the host's clock: to the second where that is
// not zero. Commands write times so too.
func moment(t time.Time) string { return inWords(t.Local()) }

// longestWords is how much of a job's last line goes into a message, in bytes.
const longestWords = 200

// lastWords is the last line that a run wrote to stderr, for the message about
// its failure; "" where there is none.
func lastWords(r *run) string {
	text, err := r.file.Tail(runfile.Stderr, 0, longestWords)
	if err != nil {
		return ""
	}
	return lastLine(text)
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}

// sayOnce logs something about a thing once a shift, however often it happens.
func (d *duty) sayOnce(thing string, level Level, message string) {
	if !d.saidOnce[thing] {
		d.saidOnce[thing] = true
		d.Log.Log(level, message, nil)
	}
}

// say prints a line for a person who watches.
func (d *duty) say(format string, args ...any) {
	if d.Say != nil {
		d.Say(format, args...)
	}
}

// shiftID names this shift in the ids of its own events.
func (d *duty) shiftID() string {
	return strconv.FormatInt(d.began.UnixNano(), 36)
}

// scriptLog brings messages for loggers that are functions of the script to
// the goroutine that owns the script. What is logged before there is one waits.
type scriptLog struct {
	mu    sync.Mutex
	voice *voice
	early []func()
}

func (l *scriptLog) connect(v *voice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.voice = v
	for _, act := range l.early {
		v.post(act)
	}
	l.early = nil
}

// ScriptLog hands a message to the script's logger function of that index, in
// the script's own goroutine. It may be called from any goroutine, before Run too.
func (s *Shift) ScriptLog(index int, level Level, message string, fields map[string]any) {
	act := func() { s.Script.Log(index, level, message, fields) }
	l := &s.scriptLog
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.voice == nil {
		l.early = append(l.early, act)
		return
	}
	l.voice.post(act)
}

// shortestTook is the shortest time that a run is said to take: none takes none, but
// the clock of files may be coarser than what it took.
const shortestTook = 10 * time.Millisecond

// Took is how long a run took, for people: "0.01 s", "1.5 s", "12 s", "3m20s".
func Took(d time.Duration) string {
	switch {
	case d < time.Second:
		d = max(shortestTook, d.Round(shortestTook))
	case d < 10*time.Second:
		d = d.Round(100 * time.Millisecond)
	default:
		d = d.Round(time.Second)
	}
	if d < time.Minute {
		return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
	}
	out := ""
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := d / unit.size; n > 0 {
			out += fmt.Sprintf("%d%s", n, unit.name)
		}
		d %= unit.size
	}
	return out
}

// words is a duration as the original writes it: "1 hour, 2 minutes, 3 seconds".
func words(t time.Duration) string {
	if t < time.Second {
		return fmt.Sprintf("%.2g seconds", t.Seconds())
	}
	out := ""
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}} {
		n := t / unit.size
		t %= unit.size
		if n == 0 {
			continue
		}
		if out != "" {
			out += ", "
		}
		out += fmt.Sprintf("%d %s", n, unit.name)
		if n > 1 {
			out += "s"
		}
	}
	return out
}
