package engine

import (
	"fmt"
	"strings"
	"syscall"
	"time"
)

// ending is how a run ended.
type ending struct {
	Exit     int // -1: not known
	TimedOut bool
	Reason   string // why, where the exit status does not say
	Never    bool   // no process of it was ever started
	Unknown  bool   // it is not known whether it ran
	Stopped  bool   // somebody ended it on purpose; not its timeout
	Retried  bool   // another attempt follows, Delay after its end
	Delay    time.Duration
	Duration time.Duration
	Timed    bool // Duration is known
	CPU      time.Duration
	CPUKnown bool
	MaxRSS   int64 // bytes; 0: not known
	streak   streak
}

// endingOf is the ending of a run whose exit status is known.
func (d *duty) endingOf(r *run, s sight) ending {
	e := ending{Exit: s.Exit, CPU: s.UserCPU + s.SystemCPU, CPUKnown: s.CPUKnown, MaxRSS: s.MaxRSS, Reason: s.Why}
	if s.Why != "" {
		e.Exit = -1
	}
	if strings.HasSuffix(s.Why, "working directory") {
		e.Reason += " " + r.job.WorkingDirectory + unentered(r.job)
	}
	if s.Stopping && !endedBefore(r.file) {
		e.Reason = d.stopReason(r)
		e.TimedOut = e.Reason == reasonTimeout
		e.Stopped = !e.TimedOut
	}
	e.Duration, e.Timed = d.elapsed(r), true
	if ended := r.file.EndedAt(); !ended.IsZero() {
		e.Duration = min(e.Duration, max(0, ended.Sub(r.intent.StartedAt)))
	}
	return e
}

// endedBefore says whether a run that somebody wanted to stop by hand had ended by
// itself before a signal was sent.
func endedBefore(file RunFile) bool {
	stop, err := file.Stopping()
	return err == nil && stop != nil && strings.HasPrefix(stop.Reason, ReasonByHand) && !file.Signalled()
}

// good says whether an ending is a success of its job. A run that was ended on
// purpose is none, whatever its exit status.
func (e ending) good(job *Job) bool {
	return e.Exit >= 0 && e.Reason == "" && job.Succeeded(e.Exit)
}

// signal is the signal that an exit status of 128 + n stands for; 0 for none.
func (e ending) signal() int {
	if e.Exit > 128 && e.Exit <= 128+64 {
		return e.Exit - 128
	}
	return 0
}

// String says how a run ended, for people.
func (e ending) String() string {
	switch {
	case e.TimedOut:
		return "ended, because its timeout was hit"
	case e.Reason != "":
		return e.Reason
	case e.signal() != 0:
		return fmt.Sprintf("exit code %d (signal %d, %s)", e.Exit, e.signal(), syscall.Signal(e.signal()))
	}
	return fmt.Sprintf("exit code %d", e.Exit)
}

// ExitWords is an exit status for people, with the signal that it stands for.
func ExitWords(code int) string { return ending{Exit: code}.String() }

// event is the event of a run's end.
func (e ending) event(job *Job, attempt int) (name string, params map[string]any) {
	params = map[string]any{"attempt": attempt}
	if e.Timed {
		params["duration"] = e.Duration.Seconds()
	}
	if e.CPUKnown {
		params["cpuTime"] = e.CPU.Seconds()
	}
	if e.MaxRSS > 0 {
		params["maxRss"] = e.MaxRSS
	}
	if e.Retried && !e.good(job) {
		return EventJobRetrying, e.retryParams(attempt)
	}
	params["consecutiveFailures"] = e.streak.Failures
	if e.good(job) {
		return EventJobSuccess, params
	}
	params["timedOut"] = e.TimedOut
	if e.Exit >= 0 {
		params["exitCode"] = e.Exit
	}
	if signal := e.signal(); signal != 0 {
		params["signal"] = signal
	}
	if e.Reason != "" {
		params["reason"] = e.Reason
	}
	return EventJobError, params
}

// recoveredParams are those of the event that a job recovered.
func (e ending) recoveredParams() map[string]any {
	return map[string]any{"failures": e.streak.Ended, "since": e.streak.Since.Unix()}
}

// retryParams are those of the event that another attempt follows.
func (e ending) retryParams(attempt int) map[string]any {
	params := map[string]any{"attempt": attempt, "delay": e.Delay.Seconds(), "timedOut": e.TimedOut}
	if e.Exit >= 0 {
		params["exitCode"] = e.Exit
	}
	if e.Reason != "" {
		params["reason"] = e.Reason
	}
	return params
}
