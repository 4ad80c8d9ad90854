package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"sync"
	"time"

	"slavedriver/internal/faultpoint"
)

// notice is an event that has no run folder to keep what was told of it: it is
// part of the agenda until it was told.
type notice struct {
	Seq    uint64         `json:"seq"`
	Name   string         `json:"name"`
	ID     string         `json:"id"`
	Time   time.Time      `json:"time"`
	Job    string         `json:"job,omitempty"`
	Params map[string]any `json:"params,omitempty"`
}

// notify puts an event into the agenda, if any handler wants it. It is told
// once the agenda is committed.
func (d *duty) notify(name, job, id string, params map[string]any) {
	if !d.Script.Wants(name, d.jobNamed(job)) {
		return
	}
	d.agenda.Seq++
	d.agenda.Notices = append(d.agenda.Notices, notice{
		Seq: d.agenda.Seq, Name: name, ID: id, Time: d.now(), Job: job, Params: params,
	})
	d.dirty = true
}

// jobNamed is the job of that name, made up if the entry file has it no more;
// nil for the empty name.
func (d *duty) jobNamed(name string) *Job {
	if name == "" {
		return nil
	}
	if job, ok := d.jobs[name]; ok {
		return job
	}
	return rebuild(name, nil)
}

// hear takes the committed notices that are new; it is called by the shift.
func (v *voice) hear(notices []notice) {
	var fresh []notice
	for _, n := range notices {
		if n.Seq > v.heard {
			fresh = append(fresh, n)
			v.heard = n.Seq
		}
	}
	if len(fresh) == 0 {
		return
	}
	v.mu.Lock()
	v.busy += len(fresh)
	v.mu.Unlock()
	v.post(func() { v.notices = append(v.notices, fresh...) })
}

// untold are those notices that were not told yet; it is called by the shift.
func (v *voice) untold(notices []notice) []notice {
	done := v.told.done()
	var rest []notice
	for _, n := range notices {
		if n.Seq > done {
			rest = append(rest, n)
		}
	}
	return rest
}

// skipTold drops what the shift before told after this one began.
func (v *voice) skipTold() {
	done := v.told.done()
	for len(v.notices) > 0 && v.notices[0].Seq <= done {
		v.notices = v.notices[1:]
		v.done(1)
	}
}

// sayNotice tells the first notice; like an event of a run it is noted before
// and after, and not told if it cannot be.
func (v *voice) sayNotice() bool {
	v.skipTold()
	if len(v.notices) == 0 {
		return true
	}
	n := v.notices[0]
	if err := v.told.begin(n.Seq, v.d.Clock.Boot(), v.d.Script.LongestDeadline()); err != nil {
		v.d.send(func() {
			v.d.sayOnce("told", Error, fmt.Sprintf("cannot note what was told: %v; handlers wait", err))
		})
		return false
	}
	if v.told.deaths() < deathsAllowed {
		v.call(&Event{Name: n.Name, ID: n.ID, Time: n.Time, Job: v.d.jobNamed(n.Job), Params: n.Params})
	} else {
		message := fmt.Sprintf("the event %s was set aside: %d shifts ended in its handlers", n.ID, deathsAllowed)
		v.d.Log.Log(Error, message, nil)
		v.call(&Event{
			Name: EventHandlerError, ID: n.ID + "/set-aside", Time: v.d.now(), Job: v.d.jobNamed(n.Job),
			Params: map[string]any{"event": n.Name, "error": message},
		})
	}
	v.notices = v.notices[1:]
	err := v.told.finish(n.Seq)
	v.done(1)
	if err != nil {
		v.d.Log.Log(Error, fmt.Sprintf("cannot note that %s was told: %v", n.ID, err), nil)
	}
	return true
}

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
}

type noticeRecord struct {
	Version uint64 // grows with each write
	Done    uint64 // the newest notice that was told
	Calling uint64 // the one in whose handlers the writer is, or 0
	Since   uint64 // CLOCK_BOOTTIME of that, nanoseconds
	Deaths  uint64 // how many shifts died in them past the deadline
}

const noticeSlot = 64 // bytes; each slot is far from a sector's edge

func openNoticeCursor(path string) *noticeCursor {
	c := &noticeCursor{}
	c.file, c.err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if c.err == nil {
		c.err = c.reserve()
	}
	if c.err == nil {
		c.load()
	}
	return c
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

// begin notes that the handlers of a notice are about to be called.
func (c *noticeCursor) begin(seq uint64, boot, deadline time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	rec := c.rec
	if rec.Calling == seq && boot-time.Duration(rec.Since) > deadline {
		rec.Deaths++
	}
	if rec.Calling != seq {
		rec.Deaths = 0
	}
	rec.Calling, rec.Since = seq, uint64(boot)
	return c.write(rec)
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
