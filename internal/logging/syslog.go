package logging

import (
	"fmt"
	"log/syslog"
	"time"

	"slavedriver/engine"
)

// system writes to the host's syslog, connecting with the first message.
type system struct {
	tag     string
	connect func(tag string) (priorities, error)

	connected bool // or could not: either way once a shift
	to        priorities
	trouble   once
}

// priorities is the part of syslog.Writer that is used.
type priorities interface {
	Debug(string) error
	Info(string) error
	Notice(string) error
	Warning(string) error
	Err(string) error
	Crit(string) error
	Alert(string) error
}

func newSyslog(tag string, trouble once) *system {
	if tag == "" {
		tag = "slavedriver"
	}
	return &system{tag: tag, trouble: trouble, connect: func(tag string) (priorities, error) {
		return syslog.New(syslog.LOG_DAEMON|syslog.LOG_INFO, tag)
	}}
}

func (s *system) write(_ time.Time, level engine.Level, message string, fields map[string]any) {
	if !s.connected {
		s.connected = true
		to, err := s.connect(s.tag)
		if err != nil {
			s.trouble.trouble(fmt.Errorf("cannot connect to syslog: %w; its messages are dropped", err))
			return
		}
		s.to = to
	}
	if s.to == nil {
		return
	}
	if err := send(s.to, level, withFields(message, fields)); err != nil {
		s.trouble.trouble(fmt.Errorf("cannot write to syslog: %w", err))
	}
}

func send(to priorities, level engine.Level, line string) error {
	switch level {
	case engine.Debug:
		return to.Debug(line)
	case engine.Info:
		return to.Info(line)
	case engine.Notice:
		return to.Notice(line)
	case engine.Warning:
		return to.Warning(line)
	case engine.Critical:
		return to.Crit(line)
	case engine.Alert:
		return to.Alert(line)
	default: // Error
		return to.Err(line)
	}
}
