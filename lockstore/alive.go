package lockstore

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// alive is a connection on which each read and each write must make progress
// within patience. The client's own limits are for all replies of a batch: by
// those alone a server that is busy with the batches of a thousand slaves would
// lose all of them at once, and be asked everything again.
type alive struct {
	net.Conn
	reads, writes time.Time // the client's deadlines; zero: none
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
	if err := c.Conn.SetReadDeadline(sooner(c.reads)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *alive) Write(b []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(sooner(c.writes)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// SyscallConn lets the client see whether a connection that it kept was closed.
func (c *alive) SyscallConn() (syscall.RawConn, error) {
	if conn, ok := c.Conn.(syscall.Conn); ok {
		return conn.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// sooner is the end of patience, or the deadline when that comes first.
func sooner(deadline time.Time) time.Time {
	end := time.Now().Add(patience)
	if !deadline.IsZero() && deadline.Before(end) {
		return deadline
	}
	return end
}
