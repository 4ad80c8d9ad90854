package engine

import (
	"bytes"
	"fmt"
	"time"

	"slavedriver/internal/runfile"
)

// tellOutput tells the next piece of a stream, if there is one whose time has
// come: whole lines while the run goes on, an unfinished one after five
// seconds, all that is left after its end. A whole piece is followed at once by
// the next one; for less the monitoring interval counts.
func (v *voice) tellOutput(t *telling, s runfile.Stream) bool {
	now := v.d.Clock.Boot()
	if !t.wants[s] || v.d.Clock.Boot() < t.retryAt {
		return false
	}
	// The shift's looks are an interval apart; a little less is one too.
	if t.lookedAt == 0 || now-t.lookedAt >= v.d.Plan.MonitorInterval*9/10 {
		t.lookedAt = now
		t.looking = [2]bool{true, true}
	}
	if t.ending == nil && !t.looking[s] {
		return false
	}
	piece, err := t.run.file.Read(s, t.told.Offset[s], v.modeOf(t, s, now), v.piece[:])
	if err != nil {
		v.cannotNote(t, err)
		return false
	}
	v.sayOdd(t, s, piece)
	if len(piece.Data) == 0 {
		t.looking[s] = false
		v.waitForLine(t, s, now)
		return false
	}
	t.partial[s] = 0
	return v.tellData(t, s, piece)
}

func (v *voice) modeOf(t *telling, s runfile.Stream, now time.Duration) runfile.ReadMode {
	switch {
	case t.ending != nil:
		return runfile.All
	case t.partial[s] != 0 && now-t.partial[s] >= partialAfter:
		return runfile.Partial
	}
	return runfile.WholeLines
}

// waitForLine notes since when an unfinished line waits for its end.
func (v *voice) waitForLine(t *telling, s runfile.Stream, now time.Duration) {
	size, err := t.run.file.Size(s)
	switch {
	case err != nil || size <= t.told.Offset[s]:
		t.partial[s] = 0
	case t.partial[s] == 0:
		t.partial[s] = now
	}
}

// sayOdd says what is unusual about a piece, and goes on behind it.
func (v *voice) sayOdd(t *telling, s runfile.Stream, piece runfile.Piece) {
	if piece.Truncated {
		v.d.log(Notice, t.run.job, fmt.Sprintf("truncated its %s; what it writes now is read from the beginning", streamName(s)))
	}
	if piece.Truncated || piece.Dropped > 0 {
		told := t.told
		told.Offset[s] = piece.Offset
		t.note(told)
	}
}

// tellPiece tells the same piece again that a shift died with.
func (v *voice) tellPiece(t *telling, s runfile.Stream, end int64) bool {
	piece, err := t.run.file.ReadAgain(s, t.told.Offset[s], end, v.piece[:])
	if err != nil {
		return v.cannotNote(t, err)
	}
	if len(piece.Data) == 0 { // dropped, or truncated by the job
		told := t.told
		told.Offset[s] = piece.Next
		return v.noteDone(t, told)
	}
	return v.tellData(t, s, piece)
}

// tellData calls the handlers with a piece of output.
func (v *voice) tellData(t *telling, s runfile.Stream, piece runfile.Piece) bool {
	kind, name, param := tellStdout, EventJobStdout, "stdOut"
	if s == runfile.Stderr {
		kind, name, param = tellStderr, EventJobStderr, "stdErr"
	}
	if !v.noteCall(t, kind, piece.Next) {
		return false
	}
	if v.d.Plan.ForwardOutput {
		v.forward(t, s, piece.Data)
	}
	if v.d.Script.Wants(name, t.run.job) {
		defer v.calls(calling{what: "a handler", note: t.diedIn})()
		v.call(&Event{
			Name: name, ID: fmt.Sprintf("%s/%s/%d", t.run.intent.ID, streamName(s), piece.Offset), Time: v.d.now(),
			Job: t.run.job, Run: v.runInfo(t), Depth: t.run.intent.Depth,
			Params: map[string]any{param: string(piece.Data), "partial": piece.Partial},
		})
	}
	told := t.told
	told.Offset[s] = piece.Next
	return v.noteDone(t, told)
}

// runInfo is what handlers may know of a run.
func (v *voice) runInfo(t *telling) *RunInfo {
	in := t.run.intent
	info := &RunInfo{
		ID: in.RunID(), Attempt: in.Attempt, ScheduledAt: in.Instant, StartedAt: in.StartedAt,
		Slave: in.Slave, Fence: in.Fence, Output: t.output,
	}
	if look, err := t.run.file.Look(); err == nil {
		info.PID = look.PID
	}
	return info
}

// output reads what is kept of the run's output.
func (t *telling) output(stream string, lines int, most int64) (string, error) {
	return tailOfRun(t.run.file, stream, lines, most)
}

// tailOfRun is the end of a run's output: see RunInfo.Output.
func tailOfRun(file RunFile, stream string, lines int, most int64) (string, error) {
	if most <= 0 {
		most = pieceSize
	}
	switch stream {
	case "stdout":
		return file.Tail(runfile.Stdout, lines, most)
	case "stderr":
		return file.Tail(runfile.Stderr, lines, most)
	}
	out, err := file.Tail(runfile.Stdout, lines, most)
	if err != nil {
		return "", err
	}
	more, err := file.Tail(runfile.Stderr, lines, most)
	return out + more, err
}

// withName puts a job's name in front of each line.
func withName(name string, data []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(data) {
		fmt.Fprintf(&out, "[%s] ", name)
		out.Write(bytes.TrimSuffix(line, []byte{'\n'}))
		out.WriteByte('\n')
	}
	return out.Bytes()
}
