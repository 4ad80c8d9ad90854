package engine

import (
	"os"
	"path/filepath"

	"slavedriver/internal/durable"
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

// LastWords is the last line on stderr in such a folder, as in the message about a
// failure: at most 200 bytes of it; "" where there is none.
func LastWords(folder string) string {
	f, err := durable.Peek(filepath.Join(folder, "stderr"))
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	text := make([]byte, min(longestWords, info.Size()))
	n, _ := f.ReadAt(text, info.Size()-int64(len(text)))
	return lastLine(string(text[:n]))
}

// Failed says whether an attempt of the start failed, or the start did.
func (a Explanation) Failed() bool { return a.Verdict == OutcomeFailed || a.Verdict == OutcomeRetrying }

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
