package runfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"slavedriver/internal/durable"
	"slavedriver/internal/faultpoint"
)

// Told is what was delivered of a run. Only who has the right to speak to the
// handlers writes it. The meaning of Call and of the bits is the caller's.
type Told struct {
	Call     uint8    // the kind of event whose handlers are being called; 0: none
	Deaths   uint8    // how often that call did not come back
	Done     uint32   // events that were delivered, as bits
	Offset   [2]int64 // how far each stream was delivered
	CallEnd  int64    // where the output of the call ends
	CallBoot time.Duration
}

// Kept is what the shift on duty notes of a run.
type Kept struct {
	// Dropped says for each stream that output below it may be gone. Trim
	// alone sets it.
	Dropped  [2]int64
	Recorded bool   // the end is in the ledger
	Flags    uint32 // the caller's
	// Stop is the request to end the run, where stop.json could not be
	// written. RequestStop alone sets it.
	Stop keptStop
}

// keptStop is a Stop of fixed size: Reason ends at the first zero and may be
// cut off.
type keptStop struct {
	Reason [32]byte
	Boot   time.Duration
}

// The cursor is a file of fixed size, written in place, so that noting needs
// no room on the disk. Each record has two slots, written in turn: a slot that
// is torn leaves the other. The records have different writers, which share no
// slot, and each slot a sector of its own.
const (
	slotSize    = 512
	payloadSize = 64
	toldAt      = 0
	keptAt      = 2 * slotSize
	cursorSize  = 4 * slotSize
)

type cursor struct {
	mu sync.Mutex
	fd int // -1: not open
}

// create makes the cursor, with nothing noted. Writing all of it now shows a
// full disk now.
func (c *cursor) create(path string) (err error) {
	c.fd, err = newCursor(path, make([]byte, cursorSize))
	return err
}

// moveTo makes the cursor that is missing at path, of what is still open of the
// old one. With nothing open it is left to whoever reads it (see openCursor).
func (c *cursor) moveTo(path string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd < 0 {
		return nil
	}
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	content := make([]byte, cursorSize)
	if _, err := syscall.Pread(c.fd, content, 0); err != nil {
		return err
	}
	fd, err := newCursor(path, content)
	if err != nil {
		return err
	}
	_ = syscall.Close(c.fd)
	c.fd = fd
	return nil
}

func newCursor(path string, content []byte) (int, error) {
	fd, err := openFile(path, syscall.O_RDWR|syscall.O_CREAT|syscall.O_EXCL)
	if err != nil {
		return -1, err
	}
	if err := writeAt(fd, content, 0, path); err != nil {
		_ = syscall.Close(fd)
		return -1, errors.Join(err, os.Remove(path))
	}
	return fd, nil
}

func (c *cursor) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd >= 0 {
		_ = syscall.Close(c.fd)
		c.fd = -1
	}
}

// ReadTold reads what was delivered; the zero value when nothing was. An error
// that is ErrCorrupt means that both copies are damaged.
func (r *Run) ReadTold() (Told, error) {
	var t Told
	err := r.readRecord(toldAt, &t)
	return t, err
}

// NoteTold writes what was delivered. It does not wait for the disk: what a
// power cut takes is delivered again.
func (r *Run) NoteTold(t Told) error {
	if err := faultpoint.Hit("runfile.told.write"); err != nil {
		return fmt.Errorf("cannot note what was told of run %s: %w", r.Intent.ID, err)
	}
	return r.writeRecord(toldAt, &t, false)
}

// ReadKept reads what the shift on duty noted, like ReadTold.
func (r *Run) ReadKept() (Kept, error) {
	var k Kept
	err := r.readRecord(keptAt, &k)
	return k, err
}

// keptOrNothing is ReadKept, but for a damaged record: that is as good as none.
func (r *Run) keptOrNothing() (Kept, error) {
	k, err := r.ReadKept()
	if errors.Is(err, ErrCorrupt) {
		return Kept{}, nil
	}
	return k, err
}

// NoteKept writes all of k but Dropped and Stop, which stay as they are on disk.
func (r *Run) NoteKept(k Kept) error {
	if err := faultpoint.Hit("runfile.kept.write"); err != nil {
		return fmt.Errorf("cannot note the state of run %s: %w", r.Intent.ID, err)
	}
	before, _ := r.ReadKept() // a damaged one is written anew
	k.Dropped, k.Stop = before.Dropped, before.Stop
	return r.writeRecord(keptAt, &k, false)
}

// noteStop writes down a request to end the run.
func (r *Run) noteStop(s Stop) error {
	k, _ := r.ReadKept()
	k.Stop = keptStop{Boot: s.Boot}
	copy(k.Stop.Reason[:], s.Reason)
	return r.writeRecord(keptAt, &k, false)
}

// noteDropped writes the marks, and waits for the disk.
func (r *Run) noteDropped(dropped [2]int64) error {
	if err := faultpoint.Hit("runfile.dropped.write"); err != nil {
		return err
	}
	k, _ := r.ReadKept()
	k.Dropped = dropped
	return r.writeRecord(keptAt, &k, true)
}

func (r *Run) readRecord(at int64, record any) error {
	r.cursor.mu.Lock()
	defer r.cursor.mu.Unlock()
	payload, _, err := r.newestSlot(at)
	if err == nil {
		_, err = binary.Decode(payload, binary.LittleEndian, record)
	}
	if err != nil {
		return fmt.Errorf("cannot read the cursor of run %s: %w", r.Intent.ID, err)
	}
	return nil
}

// writeRecord writes over the older of a record's slots; one that is damaged
// is the older.
func (r *Run) writeRecord(at int64, record any, sync bool) error {
	r.cursor.mu.Lock()
	defer r.cursor.mu.Unlock()
	_, sequence, err := r.newestSlot(at)
	if err != nil && r.cursor.fd < 0 {
		return fmt.Errorf("cannot write the cursor of run %s: %w", r.Intent.ID, err)
	}
	sequence++
	slot := at + int64(sequence%2)*slotSize
	err = writeAt(r.cursor.fd, encodeSlot(at, sequence, record), slot, "cursor")
	if err == nil && sync {
		err = syncData(r.cursor.fd)
	}
	if err != nil {
		return fmt.Errorf("cannot write the cursor of run %s: %w", r.Intent.ID, err)
	}
	return nil
}

// newestSlot reads a record's payload and sequence number: 0 when nothing was
// written yet, and when both slots are damaged, which is ErrCorrupt. The file
// is always read: another shift may have written since.
func (r *Run) newestSlot(at int64) ([]byte, uint64, error) {
	if err := r.openCursor(); err != nil {
		return nil, 0, err
	}
	both := make([]byte, 2*slotSize)
	n, err := syscall.Pread(r.cursor.fd, both, at)
	if err != nil {
		return nil, 0, err
	}
	if n < len(both) {
		return nil, 0, fmt.Errorf("it is too short: %w", ErrCorrupt)
	}
	payload, sequence, ok := decodeSlot(at, both[:slotSize])
	odd, oddSequence, oddOK := decodeSlot(at, both[slotSize:])
	if oddOK && (!ok || oddSequence > sequence) {
		payload, sequence, ok = odd, oddSequence, true
	}
	if !ok {
		return nil, 0, ErrCorrupt
	}
	return payload, sequence, nil
}

// openCursor opens the cursor, once. One that is missing is made anew, with
// damaged records: what was delivered is not known any more.
func (r *Run) openCursor() error {
	if r.cursor.fd >= 0 {
		return nil
	}
	path := r.path("cursor")
	fd, err := durable.OpenRegular(path, syscall.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		fd, err = newCursor(path, bytes.Repeat([]byte{0xff}, cursorSize))
	}
	if err == nil {
		r.cursor.fd = fd
	}
	return err
}

// encodeSlot is sequence number, payload, checksum. Where the record is goes
// into the checksum, so that one is never taken for the other.
func encodeSlot(at int64, sequence uint64, record any) []byte {
	slot := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+payloadSize+4), sequence)
	slot = slot[:8+payloadSize]
	_, _ = binary.Encode(slot[8:], binary.LittleEndian, record) // of fixed size, and it fits
	return binary.LittleEndian.AppendUint32(slot, checksum(at, slot))
}

// decodeSlot says whether a slot is whole; one that was never written is, with
// sequence number 0.
func decodeSlot(at int64, slot []byte) (payload []byte, sequence uint64, ok bool) {
	end := 8 + payloadSize
	sum := binary.LittleEndian.Uint32(slot[end:])
	sequence = binary.LittleEndian.Uint64(slot)
	if sequence == 0 && sum == 0 && len(bytes.Trim(slot, "\x00")) == 0 {
		return slot[8:end], 0, true
	}
	return slot[8:end], sequence, sequence > 0 && sum == checksum(at, slot[:end])
}

func checksum(at int64, data []byte) uint32 {
	return crc32.Update(uint32(at)+1, crc32.IEEETable, data)
}

func writeAt(fd int, data []byte, at int64, name string) error {
	n, err := syscall.Pwrite(fd, data, at)
	if err == nil && n < len(data) {
		err = syscall.ENOSPC
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", name, err)
	}
	return nil
}
