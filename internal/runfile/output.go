package runfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"sync"
	"syscall"
	"unicode/utf8"

	"slavedriver/internal/durable"
)

// Stream is one of a job's two outputs.
type Stream int

// The streams; a [2]int64 in this package has one number for each.
const (
	Stdout Stream = iota
	Stderr
)

var streamNames = [2]string{"stdout", "stderr"}

// String is the stream's name, and its file's.
func (s Stream) String() string { return streamNames[s] }

// ReadMode says what Read gives of the last line while that is not finished.
type ReadMode int

const (
	// WholeLines gives nothing of it: the job may still be writing.
	WholeLines ReadMode = iota
	// Partial gives what there is of it, but of a UTF-8 character that is not
	// finished nothing.
	Partial
	// All gives everything: nobody writes any more.
	All
	// again gives a piece as it was cut before.
	again
)

// MaxPiece is the most that Read gives at a time, in bytes.
const MaxPiece = 64 << 10

// Piece is a part of a stream.
type Piece struct {
	Offset    int64  // where it begins
	Data      []byte // a part of the buffer; empty when there is nothing to give
	Next      int64  // where to read on
	Partial   bool   // its last line is not finished
	Dropped   int64  // bytes before Offset that are lost, see Trim
	Truncated bool   // the job shortened the file: it starts again at 0
}

// output is what is open for reading of the job's output. mu also keeps a
// reader from looking into a hole that is just being punched.
type output struct {
	mu      sync.Mutex
	files   [2]*os.File
	noHoles bool // see ErrNoHoles
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for s, f := range o.files {
		if f != nil {
			_ = f.Close()
			o.files[s] = nil
		}
	}
}

// Read gives what comes next in a stream from an offset that an earlier Read
// gave, or 0: whole lines, up to MaxPiece bytes. A line longer than that comes
// in several pieces, each Partial, cut between UTF-8 characters where it is
// UTF-8. buf is used when it has room for MaxPiece.
func (r *Run) Read(s Stream, from int64, mode ReadMode, buf []byte) (Piece, error) {
	return r.read(s, from, math.MaxInt64, mode, buf)
}

// ReadAgain gives the piece from an offset that an earlier Read gave up to its
// Next, as it was then, whatever the job wrote since. It is empty where the job
// truncated the stream.
func (r *Run) ReadAgain(s Stream, from, next int64, buf []byte) (Piece, error) {
	return r.read(s, from, next, again, buf)
}

// read gives what comes next in a stream, up to offset end at the most.
func (r *Run) read(s Stream, from, end int64, mode ReadMode, buf []byte) (Piece, error) {
	r.output.mu.Lock()
	defer r.output.mu.Unlock()
	f, size, err := r.openOutput(s)
	if err != nil {
		return Piece{}, r.cannotRead(s, err)
	}
	p, err := r.begin(s, f, from, size)
	if err != nil {
		return Piece{}, r.cannotRead(s, err)
	}
	end = min(end, size, p.Offset+MaxPiece)
	if p.Offset >= end || p.Truncated && mode == again {
		return p, nil
	}
	if cap(buf) < MaxPiece {
		buf = make([]byte, MaxPiece)
	}
	n, err := f.ReadAt(buf[:end-p.Offset], p.Offset)
	if err != nil && !errors.Is(err, io.EOF) { // it may have been truncated just now
		return Piece{}, r.cannotRead(s, err)
	}
	p.take(buf[:n], mode)
	return p, nil
}

func (r *Run) cannotRead(s Stream, err error) error {
	return fmt.Errorf("cannot read the %s of run %s: %w", s, r.Intent.ID, err)
}

// begin is the piece at an offset, still without data: it goes back to the
// start of a file that was truncated, and skips what was dropped.
func (r *Run) begin(s Stream, f *os.File, from, size int64) (Piece, error) {
	p := Piece{Offset: from, Next: from}
	if from > size {
		p = Piece{Truncated: true}
	}
	kept, err := r.keptOrNothing()
	if err != nil {
		return p, err
	}
	// The mark may be older than a truncation: what is there is not dropped.
	if mark := kept.Dropped[s]; mark > p.Offset && p.Offset < size {
		data, err := nextData(f, p.Offset, min(mark, size))
		if err != nil {
			return p, err
		}
		p.Dropped = data - p.Offset
		p.Offset, p.Next = data, data
	}
	return p, nil
}

// take makes the beginning of data, as much as may be given, the piece's.
func (p *Piece) take(data []byte, mode ReadMode) {
	if p.Dropped > 0 {
		skipped := runeRest(data)
		p.Offset += int64(skipped)
		p.Dropped += int64(skipped)
		data = data[skipped:]
	}
	p.Data = data[:cut(data, mode)]
	p.Next = p.Offset + int64(len(p.Data))
	p.Partial = len(p.Data) > 0 && p.Data[len(p.Data)-1] != '\n'
}

// cut is how much of data may be given: up to the end of a line, if there is
// one and that is asked for or data is only a part of what there is.
func cut(data []byte, mode ReadMode) int {
	full := len(data) >= MaxPiece-utf8.UTFMax // take may have skipped some
	end := bytes.LastIndexByte(data, '\n') + 1
	switch {
	case mode == again:
		return len(data)
	case end > 0 && (full || mode == WholeLines):
		return end
	case full || mode == Partial:
		return wholeRunes(data)
	case mode == WholeLines:
		return 0
	}
	return len(data)
}

// wholeRunes is the length of data without a UTF-8 character that begins at
// its end and would go on behind it.
func wholeRunes(data []byte) int {
	for i := len(data) - 1; i >= 0 && i > len(data)-utf8.UTFMax; i-- {
		if utf8.RuneStart(data[i]) {
			if utf8.FullRune(data[i:]) {
				break
			}
			return i
		}
	}
	return len(data)
}

// runeRest is how many bytes at the start of data belong to a UTF-8 character
// that began before it.
func runeRest(data []byte) int {
	for i := range min(len(data), utf8.UTFMax-1) {
		if utf8.RuneStart(data[i]) {
			return i
		}
	}
	return 0 // not UTF-8 at all
}

// openOutput opens a stream for reading, once, and says how long it is. One
// that is missing, because the job removed it, is made anew, empty: as good as
// truncated.
func (r *Run) openOutput(s Stream) (*os.File, int64, error) {
	if r.output.files[s] == nil {
		// The job owns the file, and could make an open wait (a file lease).
		fd, err := durable.OpenRegular(r.path(s.String()), os.O_RDONLY)
		if errors.Is(err, fs.ErrNotExist) {
			fd, err = openFile(r.path(s.String()), os.O_RDONLY|syscall.O_CREAT|syscall.O_EXCL)
		}
		if err != nil {
			return nil, 0, err
		}
		r.output.files[s] = os.NewFile(uintptr(fd), s.String())
	}
	info, err := r.output.files[s].Stat()
	if err != nil {
		return nil, 0, err
	}
	return r.output.files[s], info.Size(), nil
}

// Size is how long a stream is, in bytes, with what was dropped of it.
func (r *Run) Size(s Stream) (int64, error) {
	info, err := os.Stat(r.path(s.String()))
	if err != nil {
		return 0, fmt.Errorf("cannot measure the output of run %s: %w", r.Intent.ID, err)
	}
	return info.Size(), nil
}

// Tail gives the end of what is kept of a stream: its last lines (0: all that
// there are), of which the last may be unfinished, and at most maxBytes bytes
// of them (0: 64 KiB).
func (r *Run) Tail(s Stream, lines int, maxBytes int64) (string, error) {
	if maxBytes <= 0 {
		maxBytes = MaxPiece
	}
	data, err := r.lastBytes(s, maxBytes)
	if err != nil {
		return "", r.cannotRead(s, err)
	}
	return string(lastLines(data, lines)), nil
}

func (r *Run) lastBytes(s Stream, most int64) ([]byte, error) {
	r.output.mu.Lock()
	defer r.output.mu.Unlock()
	f, size, err := r.openOutput(s)
	if err != nil {
		return nil, err
	}
	p, err := r.begin(s, f, max(0, size-most), size)
	if err != nil {
		return nil, err
	}
	data := make([]byte, size-p.Offset)
	n, err := f.ReadAt(data, p.Offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	data = data[:n]
	if p.Offset > 0 {
		data = data[runeRest(data):]
	}
	return data, nil
}

// lastLines is the last n lines of data, all for 0.
func lastLines(data []byte, n int) []byte {
	end := len(bytes.TrimSuffix(data, []byte{'\n'}))
	for range n {
		end = bytes.LastIndexByte(data[:end], '\n')
		if end < 0 {
			return data
		}
	}
	if n == 0 {
		return data
	}
	return data[end+1:]
}
