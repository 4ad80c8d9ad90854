package vardir

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Why a shift could not go on duty; each comes inside a sentence that says more.
var (
	// ErrOther: the one on duty is no earlier shift of ours.
	ErrOther = errors.New("another entry file or slave is on duty in this var dir")
	// ErrStuck: the one on duty could not be ended.
	ErrStuck = errors.New("the shift on duty cannot be relieved")
	// ErrWaiting: other shifts are waiting to relieve it already.
	ErrWaiting = errors.New("another shift is already waiting to go on duty")
)

// Holder is who is on duty, as it stands in duty.lock.
type Holder struct {
	PID       int // as it sees itself, in its own PID namespace
	EntryFile string
	Slave     string
	Version   string
	Since     time.Time
	Deadline  time.Duration // its longest handler deadline
}

// Duty is the hold on duty.lock: while a process has it, no other shift starts,
// evaluates or watches anything in this var dir.
type Duty struct {
	lock     *recordLock
	relieved *relieved // nil when nobody was on duty
}

// relieved is the process that was told to go.
type relieved struct {
	process  *process
	toldAt   time.Time
	deadline time.Duration // its longest handler deadline
}

// mostExchanges is how often a lock file may be exchanged under us before we
// give up: once is a cleaner, three times is somebody at work.
const mostExchanges = 3

// GoOnDuty takes the duty, from an earlier shift of the same entry file and
// slave if one has it: that one is told to go (SIGTERM) and, if it does not
// give the duty up, killed. It returns within some ten seconds. The caller must
// run Reap in a goroutine and Release when it is relieved itself.
func (d *Dir) GoOnDuty(ctx context.Context, me Holder) (*Duty, error) {
	record, err := me.encode()
	if err != nil {
		return nil, err
	}
	queue, err := d.waitForTurn(ctx)
	if err != nil {
		return nil, err
	}
	defer queue.unlock()
	for range mostExchanges {
		lock, err := openRecordLock(d.Path("duty.lock"))
		if err != nil {
			return nil, err
		}
		was, err := takeDuty(ctx, lock, me)
		if err != nil {
			return nil, err
		}
		if lock.isAtPath() {
			return settle(lock, record, was)
		}
		lock.unlock()
	}
	return nil, fmt.Errorf("%s is being exchanged again and again: %w", d.Path("duty.lock"), ErrStuck)
}

// settle notes who is on duty now, before the next one can ask: relief.lock is
// still held.
func settle(lock *recordLock, record []byte, was *relieved) (*Duty, error) {
	if err := lock.write(record); err != nil {
		lock.unlock()
		return nil, fmt.Errorf("cannot note who is on duty: %w", err)
	}
	return &Duty{lock: lock, relieved: was}, nil
}

// Release gives the duty up at once, so that the next shift can take it; a
// second call does nothing.
func (du *Duty) Release() { du.lock.unlock() }

// reapAfter is how much longer than its longest handler a relieved shift may
// live: it has nothing else to finish.
const reapAfter = 5 * time.Second

// Reap waits until the shift that was relieved is gone, and kills it when its
// handler overran. It returns at once when nobody was relieved, and without
// killing when ctx ends: then it is for our own successor to do. Where there are
// no pidfds it never kills: the pid alone might be somebody else's by now.
func (du *Duty) Reap(ctx context.Context) {
	was := du.relieved
	if was == nil {
		return
	}
	du.relieved = nil
	defer was.process.close()
	killAt := was.toldAt.Add(was.deadline + reapAfter)
	for pause := newBackoff(); !was.process.isGone(); {
		if time.Now().After(killAt) {
			_ = was.process.signal(unix.SIGKILL)
			return
		}
		if !pause.wait(ctx) {
			return
		}
	}
}

// recordSize holds any path that the system allows, and is written whole each
// time: what is there is on the disk already, also when that is full.
const recordSize = 8192

func (h Holder) encode() ([]byte, error) {
	line, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("cannot encode who is on duty: %w", err)
	}
	if len(line) >= recordSize {
		return nil, fmt.Errorf("cannot note who is on duty: the path of %s is too long", h.EntryFile)
	}
	record := bytes.Repeat([]byte{' '}, recordSize)
	copy(record, line)
	record[recordSize-1] = '\n'
	return record, nil
}

// readHolder is who noted itself last: what can be understood of it, which may
// be nothing.
func readHolder(lock *recordLock) (Holder, error) {
	record := make([]byte, recordSize)
	n, err := lock.read(record)
	if err != nil {
		return Holder{}, fmt.Errorf("cannot read who is on duty: %w", err)
	}
	var h Holder
	_ = json.Unmarshal(record[:n], &h) // see above
	return h, nil
}
