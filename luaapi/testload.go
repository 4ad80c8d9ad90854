package luaapi

import (
	"context"
	"io"

	"slavedriver/internal/world"
)

// connected is a Script as worlds want it.
type connected struct{ *Script }

// Connect says what the script acts on.
func (c connected) Connect(to world.Connections) {
	c.UseState(to.State)
	c.UseSender(to.Sender)
	c.UseOutbox(to.Outbox)
	c.UseLog(to.Log)
	if to.Shift != nil {
		c.UseStarter(to.Shift)
	}
}

// loader loads the entry file of a world, anew for each shift.
func (s *Script) loader(o *worldOptions) world.Loader {
	t := s.o.tests
	return func(slave string, out io.Writer, quietly bool, execute func(string) (int, string, error)) (world.Script, error) {
		script, err := Load(context.Background(), s.display(o.file), Options{
			Slave: slave, Getenv: func(name string) string { return o.env[name] },
			Hostname: func() (string, error) { return "slave1", nil },
			Stdout:   out, Stderr: out, CheckStore: t.o.CheckStore, WorkingDirectory: s.o.WorkingDirectory, Root: true, Quietly: quietly,
			Execute: execute, Stopwatch: t.o.Stopwatch, compiled: &t.compiled, memory: t.memory,
		})
		if err != nil {
			return nil, err
		}
		return connected{script}, nil
	}
}
