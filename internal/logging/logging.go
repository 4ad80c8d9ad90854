// Package logging writes the log messages of a shift to where the entry file
// wants them. A logger never fails the shift and never holds it up: each
// destination has a queue of its own, what it cannot write is dropped, and that
// is said on stderr once per shift.
package logging

import (
	"fmt"
	"io"
	"time"

	"slavedriver/engine"
)

// Function hands a message to logger function number index of the script.
type Function func(index int, level engine.Level, message string, fields map[string]any)

// Log hands each message to all of its destinations.
type Log struct {
	to     []engine.Logger
	queues []*queue
}

// New makes one Log of all destinations; of none, it is errors to stderr. It
// opens nothing: a file or the connection to syslog is opened by the first
// message for it. It may be used from any goroutine.
func New(cfgs []engine.LoggerConfig, stderr io.Writer, call Function) *Log {
	if len(cfgs) == 0 {
		cfgs = []engine.LoggerConfig{{Kind: "stderr", Level: string(engine.Error)}}
	}
	l := &Log{}
	say := l.queued(&terminal{out: stderr})
	for _, cfg := range cfgs {
		l.to = append(l.to, leveled{least: engine.Level(cfg.Level), to: l.destination(cfg, say, call)})
	}
	return l
}

func (l *Log) destination(cfg engine.LoggerConfig, say engine.Logger, call Function) engine.Logger {
	switch cfg.Kind {
	case "file":
		return l.queued(&file{path: cfg.Path, format: lineFormat(cfg.Format), trouble: once{say: say},
			instead: leveled{least: engine.Error, to: say}})
	case "syslog":
		return l.queued(newSyslog(cfg.Tag, say))
	case "function":
		return function{index: cfg.Index, call: call}
	}
	return say
}

// queued puts a queue in front of a destination.
func (l *Log) queued(to destination) engine.Logger {
	q := newQueue(to)
	l.queues = append(l.queues, q)
	return q
}

// Log never waits.
func (l *Log) Log(level engine.Level, message string, fields map[string]any) {
	for _, to := range l.to {
		to.Log(level, message, fields)
	}
}

// Close writes what is queued, but waits for no destination longer than
// closePatience. Nothing may be logged afterwards.
func (l *Log) Close() {
	// That of stderr is the first, and the others may still have to say
	// something there.
	for i := len(l.queues) - 1; i >= 0; i-- {
		l.queues[i].close()
	}
}

// destination writes one message; it is called by one goroutine.
type destination interface {
	write(at time.Time, level engine.Level, message string, fields map[string]any)
}

// leveled drops what is below the least level.
type leveled struct {
	least engine.Level
	to    engine.Logger
}

func (l leveled) Log(level engine.Level, message string, fields map[string]any) {
	if level.AtLeast(l.least) {
		l.to.Log(level, message, fields)
	}
}

type function struct {
	index int
	call  Function
}

func (f function) Log(level engine.Level, message string, fields map[string]any) {
	f.call(f.index, level, message, fields)
}

// terminal writes lines for people: "slavedriver: error: MESSAGE". The fields
// are left out; what matters of them is in the message.
type terminal struct{ out io.Writer }

func (t *terminal) write(_ time.Time, level engine.Level, message string, _ map[string]any) {
	// Where stderr cannot be written to, there is nobody left to tell.
	_, _ = fmt.Fprintf(t.out, "slavedriver: %s: %s\n", level, Escape(message))
}

// once says the first of a logger's troubles; the rest is most likely the same.
type once struct {
	say  engine.Logger
	said bool
}

func (o *once) trouble(err error) {
	if err != nil && !o.said {
		o.said = true
		o.say.Log(engine.Warning, err.Error(), nil)
	}
}
