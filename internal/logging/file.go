package logging

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"slavedriver/engine"
)

// file appends to a log file: one write a message, so that the lines of several
// processes do not mix. It is opened anew by each shift, so a log rotation
// needs to tell nobody.
type file struct {
	path   string
	format format

	opened  bool // or could not be: either way once a shift
	file    *os.File
	cut     bool // the last line was written in part
	trouble once
	instead engine.Logger // takes over what cannot be written
}

func (f *file) write(at time.Time, level engine.Level, message string, fields map[string]any) {
	line := f.format(at, level, message, fields)
	f.open()
	if f.file == nil {
		f.instead.Log(level, message, fields)
		return
	}
	if f.cut {
		line = append([]byte{'\n'}, line...)
	}
	n, err := f.file.Write(line)
	f.cut = n > 0 && n < len(line) || n == 0 && f.cut
	if err != nil {
		f.trouble.trouble(fmt.Errorf("cannot write to the log: %w; its errors go to stderr", err))
		f.instead.Log(level, message, fields)
	}
}

func (f *file) open() {
	if f.opened {
		return
	}
	f.opened = true
	var err error
	f.file, err = os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o600) // a FIFO without a reader does not hold us
	if err != nil {
		f.file = nil
		f.trouble.trouble(fmt.Errorf("cannot open the log: %w; its errors go to stderr", err))
	}
}
