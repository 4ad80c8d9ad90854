package lockstore

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// alive is a connection on which each read and each write must make progress
// within patience. The client's own limits are for all replies of a batch: by
// those alone a server that is busy with the batches of a thousand slaves would
// lose all of them at once, and be asked everything again.
type alive struct {
	net.Conn
	patience      func() time.Duration
	silent        func(error) // is told when patience ends
	reads, writes time.Time   // the client's deadlines; zero: none
	dead          error       // patience has ended once: nothing is waited for twice
}

// SetDeadline is net.Conn's.
func (c *alive) SetDeadline(t time.Time) error {
	c.reads, c.writes = t, t
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline is net.Conn's.
func (c *alive) SetReadDeadline(t time.Time) error {
	c.reads = t
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline is net.Conn's.
func (c *alive) SetWriteDeadline(t time.Time) error {
	c.writes = t
	return c.Conn.SetWriteDeadline(t)
}

func (c *alive) Read(b []byte) (int, error) {
	return c.within(c.reads, c.Conn.SetReadDeadline, c.Conn.Read, b)
}

func (c *alive) Write(b []byte) (int, error) {
	return c.within(c.writes, c.Conn.SetWriteDeadline, c.Conn.Write, b)
}

// within does one read or write, by the end of patience or by the client's
// deadline when that comes first. Only the former says something about the
// server: the client looks for what may have come with very short ones.
func (c *alive) within(deadline time.Time, set func(time.Time) error, do func([]byte) (int, error), b []byte) (int, error) {
	if c.dead != nil {
		return 0, c.dead
	}
	end := time.Now().Add(c.patience())
	patient := deadline.IsZero() || deadline.After(end)
	if patient {
		deadline = end
	}
	if err := set(deadline); err != nil {
		return 0, err
	}
	n, err := do(b)
	if patient && errors.Is(err, os.ErrDeadlineExceeded) {
		c.dead = err
		c.silent(err)
	}
	return n, err
}

// SyscallConn lets the client see whether a connection that it kept was closed.
func (c *alive) SyscallConn() (syscall.RawConn, error) {
	if conn, ok := c.Conn.(syscall.Conn); ok {
		return conn.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
