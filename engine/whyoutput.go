package engine

import (
	"os"
	"path/filepath"
)

// OutputFolder is the folder in a var dir with the files stdout and stderr of an
// attempt of a run, or "": it never had a process, or what it printed is no
// longer kept (keepRuns). It takes no lock.
func OutputFolder(dir, run string, attempt int) string {
	id := AttemptID(run, attempt)
	// It goes from the one to the other: in this order it is not missed.
	for _, folder := range []string{
		filepath.Join(dir, folderActive, id), filepath.Join(dir, folderEnded, slugOfRun(run), id),
	} {
		if info, err := os.Lstat(filepath.Join(folder, "stdout")); err == nil && info.Mode().IsRegular() {
			return folder
		}
	}
	return ""
}

// lastAttempt is the last one that was started, as far as is known; 0: none.
func (s subject) lastAttempt() int {
	switch s.latest() {
	case latestOutcome:
		return max(1, s.outcome.Attempt)
	case latestRun:
		return s.active.Attempt
	case latestWaiting:
		return s.waiting.Attempt - 1
	}
	return 0
}
