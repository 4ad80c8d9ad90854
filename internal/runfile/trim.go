package runfile

import (
	"errors"
	"fmt"

	"slavedriver/internal/faultpoint"
)

// ErrNoHoles says that the file system cannot give back the beginning of a
// file that is being written.
var ErrNoHoles = errors.New("the file system cannot free the beginning of a file: output is kept whole until the run is removed")

const (
	// trimStep is what must have come together to be worth the disk's while.
	trimStep = 4 << 20
	// trimUnit is what file systems allocate in.
	trimUnit = 4096
)

// Trim frees the disk of output: of what was delivered (delivered is how far)
// all but the last KeepOutput bytes, and of what was not all but the last
// MaxBacklog (0: no bound); lost is how many bytes of the latter went now. It
// works in steps of 4 MiB, before which it costs next to nothing. Once a run
// it says ErrNoHoles where this cannot be done, and never anything again.
func (r *Run) Trim(delivered [2]int64) (lost [2]int64, err error) {
	return r.trim(delivered, trimStep)
}

// TrimLast is Trim to the last page, for a run that is put away.
func (r *Run) TrimLast(delivered [2]int64) (lost [2]int64, err error) {
	return r.trim(delivered, trimUnit)
}

func (r *Run) trim(delivered [2]int64, step int64) (lost [2]int64, err error) {
	r.output.mu.Lock()
	defer r.output.mu.Unlock()
	if r.output.noHoles {
		return lost, nil
	}
	kept, err := r.keptOrNothing()
	if err != nil {
		return lost, err
	}
	for s := range Stderr + 1 {
		_, size, err := r.openOutput(s)
		if err != nil {
			return lost, r.cannotRead(s, err)
		}
		mark := kept.Dropped[s]
		if mark > size {
			mark = 0 // of what was there before the job truncated it
		}
		target := r.Intent.trimTarget(size, delivered[s])
		if target-mark < step {
			continue
		}
		if err := r.drop(s, target); err != nil {
			return lost, fmt.Errorf("cannot trim the %s of run %s: %w", s, r.Intent.ID, err)
		}
		lost[s] = max(0, target-max(delivered[s], mark))
	}
	return lost, nil
}

// trimTarget is how far a stream may go.
func (in *Intent) trimTarget(size, delivered int64) int64 {
	if delivered > size {
		delivered = 0 // it was truncated, and the reader does not know yet
	}
	target := min(delivered, size-in.KeepOutput)
	if in.MaxBacklog > 0 {
		target = max(target, size-in.MaxBacklog)
	}
	return target / trimUnit * trimUnit
}

// drop notes the mark first: a reader who finds nothing below it knows why.
func (r *Run) drop(s Stream, target int64) error {
	kept, err := r.keptOrNothing()
	if err != nil {
		return err
	}
	before := kept.Dropped
	kept.Dropped[s] = target
	if err := r.noteDropped(kept.Dropped); err != nil {
		return err
	}
	if err := faultpoint.Hit("runfile.punch"); err != nil {
		return err
	}
	err = punch(r.path(s.String()), target)
	if errors.Is(err, ErrNoHoles) {
		r.output.noHoles = true
		return errors.Join(err, r.noteDropped(before))
	}
	return err
}
