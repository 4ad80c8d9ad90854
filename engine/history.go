package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
)

// History is the end of the ledger in the var dir, of one job unless its name is
// "", oldest first and so many lines at the most. What other slaves started is
// left out. It takes no lock, and a var dir that is not there holds nothing; lines
// that cannot be understood are passed over.
func History(dir, job string, most int) ([]Outcome, error) {
	return HistoryOf(dir, job, "", most)
}

// HistoryOf is History with the lines of one slave alone, unless its name is "": a host
// that got another name has those of both.
func HistoryOf(dir, job, slave string, most int) ([]Outcome, error) {
	names, err := filepath.Glob(filepath.Join(dir, folderLedger, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var all []Outcome
	slices.Reverse(names) // Glob sorts
	for _, name := range names {
		_, err := linesBackwards(name, historySearched, func(line []byte) bool {
			if o, ok := historyLine(line, job); ok && len(all) < most && (slave == "" || o.Slave == slave) {
				all = append(all, o)
			}
			return len(all) < most
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("cannot read the ledger: %w", err)
		}
		if len(all) >= most {
			break
		}
	}
	slices.Reverse(all)
	return all, nil
}

// historySearched bounds how much of one day is searched: all of it.
const historySearched = 1 << 40

func historyLine(line []byte, job string) (o Outcome, ok bool) {
	// Decoding each line of other jobs would take longest.
	if name, plain := jobOfLine(line); plain && job != "" && name != job {
		return o, false
	}
	err := json.Unmarshal(line, &o)
	return o, err == nil && o.Outcome != OutcomeElsewhere && (job == "" || o.Job == job)
}
