// Package logging writes the log messages of a shift to where the entry file
// wants them. A logger never fails the shift: what it cannot write is dropped,
// and said on stderr once per shift.
package logging

import (
	"fmt"
	"io"
	"sync"

	"slavedriver/engine"
)

// Function hands a message to logger function number index of the script.
type Function func(index int, level engine.Level, message string, fields map[string]any)

// New makes one Logger of all destinations; of none, it is errors to stderr. It
// opens nothing: a file or the connection to syslog is opened by the first
// message for it. Loggers may be called from any goroutine.
func New(cfgs []engine.LoggerConfig, stderr io.Writer, call Function) engine.Logger {
	if len(cfgs) == 0 {
		cfgs = []engine.LoggerConfig{{Kind: "stderr", Level: string(engine.Error)}}
	}
	say := &terminal{out: stderr}
	var all multi
	for _, cfg := range cfgs {
		all = append(all, leveled{least: engine.Level(cfg.Level), to: destination(cfg, say, call)})
	}
	return all
}

func destination(cfg engine.LoggerConfig, say *terminal, call Function) engine.Logger {
	switch cfg.Kind {
	case "file":
		return &file{path: cfg.Path, format: lineFormat(cfg.Format), trouble: once{say: say},
			instead: leveled{least: engine.Error, to: say}}
	case "syslog":
		return newSyslog(cfg.Tag, once{say: say})
	case "function":
		return function{index: cfg.Index, call: call}
	}
	return say
}

// multi hands each message to all of its loggers.
type multi []engine.Logger

func (m multi) Log(level engine.Level, message string, fields map[string]any) {
	for _, logger := range m {
		logger.Log(level, message, fields)
	}
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
type terminal struct {
	mu  sync.Mutex
	out io.Writer
}

func (t *terminal) Log(level engine.Level, message string, _ map[string]any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// Where stderr cannot be written to, there is nobody left to tell.
	_, _ = fmt.Fprintf(t.out, "slavedriver: %s: %s\n", level, Escape(message))
}

// once says the first of a logger's troubles; the rest is most likely the same.
type once struct {
	say  *terminal
	said bool
}

func (o *once) trouble(err error) {
	if err != nil && !o.said {
		o.said = true
		o.say.Log(engine.Warning, err.Error(), nil)
	}
}
