package logging

import (
	"errors"
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
	instead   engine.Logger // takes over where syslog takes nothing
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

func newSyslog(tag string, say engine.Logger) *system {
	if tag == "" {
		tag = "slavedriver"
	}
	return &system{tag: tag, trouble: once{say: say}, instead: leveled{least: engine.Error, to: say}, connect: func(tag string) (priorities, error) {
		w, err := syslog.New(syslog.LOG_DAEMON|syslog.LOG_INFO, tag)
		if err != nil {
			return nil, err
		}
		return w, nil
	}}
}

func (s *system) write(_ time.Time, level engine.Level, message string, fields map[string]any) {
	if err := s.try(level, withFields(message, fields)); err != nil {
		s.trouble.trouble(fmt.Errorf("%w; its errors go to stderr", err))
		s.instead.Log(level, message, fields)
	}
}

var errNoSyslog = errors.New("there is no connection to syslog")

func (s *system) try(level engine.Level, line string) (err error) {
	if !s.connected {
		s.connected = true
		if s.to, err = s.connect(s.tag); err != nil {
			s.to = nil
			return fmt.Errorf("cannot connect to syslog: %w", err)
		}
	}
	if s.to == nil {
		return errNoSyslog
	}
	if err := send(s.to, level, line); err != nil {
		return fmt.Errorf("cannot write to syslog: %w", err)
	}
	return nil
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
