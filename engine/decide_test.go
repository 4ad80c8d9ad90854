package engine

import (
	"testing"

	"slavedriver/internal/runfile"
)

// TestDecide is the table of the status file, row by row, and for each row
// what stop.json changes about it.
func TestDecide(t *testing.T) {
	here := func(l runfile.Look) runfile.Look { l.SameWorld = true; return l }
	for _, c := range []struct {
		name string
		s    sight
		want action
	}{
		{"held, no pid: it is just being started", sight{Look: here(runfile.Look{Held: true})}, actWatch},
		{"held, pid: it runs", sight{Look: here(runfile.Look{Held: true, PID: 7})}, actWatch},
		{"held, pid and exit: it has ended, its wrapper not quite", sight{Look: here(runfile.Look{Held: true, PID: 7, Exited: true})}, actFinish},
		{"free, pid and exit", sight{Look: here(runfile.Look{PID: 7, Exited: true})}, actFinish},
		{"free, pid and exit, in another world", sight{Look: runfile.Look{PID: 7, Exited: true}}, actFinish},
		{"free, exit without a pid", sight{Look: here(runfile.Look{Exited: true})}, actFinish},
		{"free, nothing, same world: it was never started", sight{Look: here(runfile.Look{})}, actStart},
		{"free, nothing, other world: it may have run", sight{}, actMayRun},
		{"free, pid, no exit, something lives", sight{Look: here(runfile.Look{PID: 7}), Alive: 1}, actOrphans},
		{"free, pid, no exit, nothing lives", sight{Look: here(runfile.Look{PID: 7})}, actLost},
		{"free, pid, no exit, other world", sight{Look: runfile.Look{PID: 7}}, actLost},

		{"free, and what stands there is no status", sight{Look: here(runfile.Look{Damaged: true})}, actLost},
		{"the same, something lives", sight{Look: here(runfile.Look{Damaged: true}), Alive: 1}, actOrphans},
		{"the same, held", sight{Look: here(runfile.Look{Damaged: true, Held: true})}, actWatch},
		{"being ended: held", sight{Look: here(runfile.Look{Held: true, PID: 7}), Stopping: true}, actEnd},
		{"being ended: exited, but something lives", sight{Look: here(runfile.Look{PID: 7, Exited: true}), Stopping: true, Alive: 2}, actEnd},
		{"being ended: exited, and nothing lives", sight{Look: here(runfile.Look{PID: 7, Exited: true}), Stopping: true}, actFinish},
		{"being ended: lost, but something lives", sight{Look: here(runfile.Look{PID: 7}), Stopping: true, Alive: 1}, actEnd},
		{"being ended: lost, and nothing lives", sight{Look: here(runfile.Look{PID: 7}), Stopping: true}, actLost},
		{"being ended: never started", sight{Look: here(runfile.Look{}), Stopping: true}, actGiveUp},
		{"being ended: never started, in another world", sight{Stopping: true}, actGiveUp},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := decide(c.s); got != c.want {
				t.Errorf("decide = %d, want %d", got, c.want)
			}
		})
	}
}
