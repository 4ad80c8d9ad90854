package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"sync"
	"time"

	"slavedriver/internal/durable"
	"slavedriver/internal/faultpoint"
)

// noticeCursor is the file that says which notice is being told and which was
// told last: two slots of one record, written in turn and in place, so that
// neither a full disk nor a torn write loses both.
type noticeCursor struct {
	mu   sync.Mutex
	file *os.File
	err  error
	rec  noticeRecord
	// damaged says that what was told is not known any more.
	damaged bool
	odd     bool // something else stood in its place
}

type noticeRecord struct {
	Version uint64 // grows with each write
	Done    uint64 // the newest notice that was told
	Calling uint64 // the one in whose handlers the writer is, or 0
	Since   uint64 // CLOCK_BOOTTIME of that, nanoseconds
	Deaths  uint64 // of shifts in them; see deathsAllowed
}

const noticeSlot = 64 // bytes; each slot is far from a sector's edge

func openNoticeCursor(path string) *noticeCursor {
	c := &noticeCursor{}
	c.file, c.odd, c.err = openTold(path)
	if c.err == nil {
		c.err = c.reserve()
	}
	if c.err == nil {
		c.load()
	}
	return c
}

// openTold opens the file, or makes it; what is no file is put aside.
func openTold(path string) (file *os.File, odd bool, err error) {
	fd, err := durable.OpenRegular(path, os.O_RDWR)
	if err == nil {
		return os.NewFile(uintptr(fd), path), false, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, err
	}
	odd = errors.Is(err, durable.ErrOdd)
	file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return file, odd, err
}

// trouble says that what was told is not known any more, and why; or nothing.
func (c *noticeCursor) trouble() string {
	switch {
	case c.odd:
		return "was put aside: " + durable.ErrOdd.Error()
	case c.damaged:
		return "could not be understood"
	}
	return ""
}

// reserve takes the room on the disk while there is some.
func (c *noticeCursor) reserve() error {
	info, err := c.file.Stat()
	if err != nil || info.Size() >= 2*noticeSlot {
		return err
	}
	_, err = c.file.WriteAt(make([]byte, 2*noticeSlot), 0)
	return err
}

// load reads the newer of the two slots that are whole. Where there was
// something and neither is, that is damage, and all is told again.
func (c *noticeCursor) load() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		return
	}
	whole, written := false, false
	for i := range int64(2) {
		slot := make([]byte, noticeSlot)
		if _, err := c.file.ReadAt(slot, i*noticeSlot); err != nil {
			continue
		}
		written = written || len(bytes.Trim(slot, "\x00")) > 0
		rec, ok := decodeNotice(slot)
		whole = whole || ok
		if ok && rec.Version >= c.rec.Version {
			c.rec = rec
		}
	}
	c.damaged = written && !whole
}

func decodeNotice(slot []byte) (rec noticeRecord, ok bool) {
	if crc32.ChecksumIEEE(slot[:40]) != binary.LittleEndian.Uint32(slot[40:]) {
		return rec, false
	}
	_, err := binary.Decode(slot, binary.LittleEndian, &rec)
	return rec, err == nil && rec.Version > 0
}

func (c *noticeCursor) write(rec noticeRecord) error {
	if c.err != nil {
		return c.err
	}
	if err := faultpoint.Hit("notice.write"); err != nil {
		return err
	}
	rec.Version = c.rec.Version + 1
	slot := make([]byte, noticeSlot)
	if _, err := binary.Encode(slot, binary.LittleEndian, rec); err != nil {
		return err
	}
	binary.LittleEndian.PutUint32(slot[40:], crc32.ChecksumIEEE(slot[:40]))
	if _, err := c.file.WriteAt(slot, int64(rec.Version%2)*noticeSlot); err != nil {
		return err
	}
	c.rec = rec
	return faultpoint.Hit("notice.written")
}

// begin notes that the handlers of a notice are about to be called. Where that
// was noted before, a shift died in them; more is what that counts.
func (c *noticeCursor) begin(seq uint64, boot time.Duration, more func(since time.Duration) uint8) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	rec := c.rec
	switch {
	case rec.Calling != seq:
		rec.Deaths = 0
	case rec.Since > 0: // else it is counted already
		rec.Deaths += uint64(more(time.Duration(rec.Since)))
	}
	rec.Calling, rec.Since = seq, uint64(boot)
	return c.write(rec)
}

// diedIn notes that the shift ends in the handlers of the notice.
func (c *noticeCursor) diedIn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	rec := c.rec
	rec.Deaths, rec.Since = rec.Deaths+deathPastDeadline, 0
	_ = c.write(rec) // where it cannot be noted it counts as any death
}

// finish notes that they have returned.
func (c *noticeCursor) finish(seq uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	rec := c.rec
	rec.Done, rec.Calling, rec.Deaths = seq, 0, 0
	err := c.write(rec)
	if err != nil && !errors.Is(err, c.err) {
		c.rec.Done = seq // at least this shift does not tell it again
	}
	return err
}

func (c *noticeCursor) done() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rec.Done
}

func (c *noticeCursor) deaths() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rec.Deaths
}
