package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"slavedriver/internal/durable"
)

const (
	// ledgerPiece is how much of the ledger is read at a time, from its end.
	ledgerPiece = 1 << 20
	// ledgerSearched bounds the search for the last outcomes: of 10,000 jobs
	// that start every minute it is some ten minutes, of a hundred a day.
	ledgerSearched = 32 << 20
)

// LastOutcomes finds what became of each job last, by the job's name, in the
// newest 32 MiB of the ledger in the var dir; jobs of which nothing is there are
// left out. Instants that others were started for do not count (merged). It
// takes no lock, and a var dir that is not there holds nothing.
func LastOutcomes(dir string, jobs []*Job) (map[string]Outcome, error) {
	missing := make(map[string]bool, len(jobs))
	for _, job := range jobs {
		missing[job.Name] = true
	}
	last := make(map[string]Outcome, len(jobs))
	names, err := filepath.Glob(filepath.Join(dir, folderLedger, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var read int64
	slices.Reverse(names) // Glob sorts
	for _, name := range names {
		n, err := linesBackwards(name, ledgerSearched-read, func(line []byte) bool {
			if o, ok := lastOf(line, missing); ok {
				last[o.Job] = o
				delete(missing, o.Job)
			}
			return len(missing) > 0
		})
		if err != nil && !errors.Is(err, durable.ErrOdd) && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("cannot read the ledger: %w", err)
		}
		if read += n; read >= ledgerSearched || len(missing) == 0 {
			break
		}
	}
	return last, nil
}

// lastOf reads a line, if it is about one of these jobs.
func lastOf(line []byte, missing map[string]bool) (Outcome, bool) {
	var o Outcome
	// Decoding each line of a job that was found already would take longest.
	if name, ok := jobOfLine(line); ok && !missing[name] {
		return o, false
	}
	err := json.Unmarshal(line, &o)
	return o, err == nil && missing[o.Job] && o.Outcome != OutcomeMerged
}

// jobOfLine is the name of a line's job, where that stands there plainly.
func jobOfLine(line []byte) (name string, ok bool) {
	_, rest, ok := bytes.Cut(line, []byte(`,"job":"`))
	if !ok {
		return "", false
	}
	end := bytes.IndexAny(rest, `"\`)
	if end < 0 || rest[end] == '\\' {
		return "", false
	}
	return string(rest[:end]), true
}

// linesBackwards gives the lines of a file, the last one first, until take says
// that it is enough or most bytes were read. It returns how many were.
func linesBackwards(path string, most int64, take func(line []byte) bool) (read int64, err error) {
	f, err := durable.Peek(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	var rest []byte // the end of a line whose beginning was not read yet
	for end > 0 && read < most {
		piece := make([]byte, min(ledgerPiece, end))
		if _, err := f.ReadAt(piece, end-int64(len(piece))); err != nil {
			return read, err
		}
		read += int64(len(piece))
		end -= int64(len(piece))
		lines := bytes.Split(slices.Concat(piece, rest), []byte{'\n'})
		rest = lines[0]
		for _, line := range slices.Backward(lines[1:]) {
			if !take(line) {
				return read, nil
			}
		}
	}
	if end == 0 {
		take(rest)
	}
	return read, nil
}
