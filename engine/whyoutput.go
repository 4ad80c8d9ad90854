package engine

import (
	"os"
	"path/filepath"
	"unicode/utf8"

	"slavedriver/internal/durable"
)

// OutputFolder is the folder in a var dir with the files stdout and stderr of an
// attempt of a run, or "": it never had a process, or what it printed is no
// longer kept (keepRuns). It takes no lock.
func OutputFolder(dir, run string, attempt int) string {
	for _, folder := range keptIn(dir, AttemptID(run, attempt)) {
		if info, err := os.Lstat(filepath.Join(folder, "stdout")); err == nil && info.Mode().IsRegular() {
			return folder
		}
	}
	return ""
}

// longestLine is how much of a last line is looked at, in bytes.
const longestLine = 4096

// LastWords is the last line on stderr in such a folder, as in the message about a
// failure: the last 200 bytes of it, what is secret taken out before (half of a
// secret would not be known as one); "" where there is none.
func LastWords(folder string, redact func(string) string) string {
	f, err := durable.Peek(filepath.Join(folder, "stderr"))
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	text := make([]byte, min(longestLine, info.Size()))
	n, _ := f.ReadAt(text, info.Size()-int64(len(text)))
	return endOf(redact(lastLine(string(text[:n]))), longestWords)
}

// endOf is the end of a text, so many bytes at the most, without half a character
// at its front.
func endOf(text string, most int) string {
	if len(text) <= most {
		return text
	}
	text = text[len(text)-most:]
	for text != "" && !utf8.RuneStart(text[0]) {
		text = text[1:]
	}
	return text
}

// Failed says whether an attempt of the start failed, or the start did, a failure
// that a shift is still to record among them.
func (a Explanation) Failed() bool {
	return a.Verdict == OutcomeFailed || a.Verdict == OutcomeRetrying || a.failed
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
