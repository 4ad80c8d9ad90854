package engine

import (
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// A clock that goes back while a shift is on duty must not stop what it does
// from time to time: telling output, renewing leases, bounding the disk.
func TestOutputIsToldWhileTheClockGoesBack(t *testing.T) {
	virtually(t, []*Job{newJob(t, "long", "0 12 * * *")}, func(m *machine) {
		m.play.act = func(runfile.Intent) act { return act{lasts: time.Hour, stdout: "hello\n", says: 2 * time.Second} }
		m.handler = func(e *Event) {
			if e.Name == EventJobStarted {
				m.set(-24 * time.Hour) // ntpd corrects the clock
			}
		}
		m.sleep(2 * time.Second)
		m.call()
		m.sleep(3 * time.Second)
		m.same("events", m.told(), "started long 12:00:00", "output.stdout long 12:00:00")
	})
}
