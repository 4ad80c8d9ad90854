package engine

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"slavedriver/schedule"
)

// Job is one job of the entry file, checked and complete: each option has its
// value or its default. The engine never changes a Job after it is in a Plan.
// It is also stored with each run (as JSON), so that a later shift can watch
// the run and call the handlers when the job is gone from the entry file.
type Job struct {
	Name   string // unique in the plan
	Slug   string // Slug(Name): names files; unique in the plan
	Source string // where it was defined, "jobs/backup.lua:3"

	Command Command
	// Schedule is when the job is due; nil where ScheduleFunc is true.
	Schedule schedule.Schedule `json:"-"`
	// ScheduleText is the schedule as it was written, one line an expression;
	// the time in RFC 3339 for runAtDateTime; "function" for a function.
	ScheduleText []string
	// ScheduleFunc says that the script is asked each minute (Script.Due).
	ScheduleFunc bool
	// Timezone is the IANA name of the zone in which the job's schedule is
	// meant; "" means the host's. Location is that zone, never nil in a plan.
	Timezone string
	Location *time.Location `json:"-"`
	// Jitter spreads the starts over so long (JitterOf); 0: none.
	Jitter time.Duration
	// Condition says that the script is asked before an instant is started
	// (Script.Condition).
	Condition bool
	Enabled   bool
	Slaves    []string // names or patterns with *; empty means every slave

	// Retries is how often a failed run is tried again; RetryDelay is how long
	// that waits the first time, RetryBackoff (1 or more) by what factor the
	// wait grows.
	Retries      int
	RetryDelay   time.Duration
	RetryBackoff float64

	Timeout     time.Duration // 0: none
	WarnAfter   time.Duration // warnIfNotFinishedAfterSeconds; 0: none
	CatchUp     time.Duration // negative: the default, made from the schedule
	RunOn       RunOn
	OnOverlap   Overlap
	OnNoStore   OnStoreError // onLockStoreError
	OnLeaseLost OnLeaseLost
	KillGrace   time.Duration

	SuccessCodes     []int
	WorkingDirectory string            // absolute
	Env              map[string]string // added to what is inherited
	Shell            string            // "" means /bin/sh
	Umask            int               // -1: inherited
	Nice             int               // 0: inherited
	User, Group      string            // "": those of the shift
	Limits           Limits

	KeepRuns   int
	KeepOutput int64 // bytes of each stream
	MaxBacklog int64 // bytes of each stream

	Description string
	Tags        []string
	// CustomData is the job's customData as JSON, for the time when the job is
	// no longer in the entry file; what JSON cannot hold (functions) is left out.
	CustomData json.RawMessage `json:",omitempty"`
	// Removed says that the job was rebuilt from a run: it is no longer in the
	// entry file.
	Removed bool
}

// Command is what a job runs: exactly one of the fields is set.
type Command struct {
	Shell    string   `json:",omitempty"` // given to the job's shell
	Args     []string `json:",omitempty"` // run as it is, without a shell
	Function bool     `json:",omitempty"` // the script's, called in a process of its own (Shift.FunctionArgs)
}

// String is the command as one line for people.
func (c Command) String() string {
	switch {
	case c.Function:
		return "function"
	case len(c.Args) > 0:
		return strings.Join(c.Args, " ")
	}
	return c.Shell
}

// Limits are the resource limits of a job, named and meant as by ulimit; 0
// leaves one as it is inherited.
type Limits struct {
	AddressSpace int64         `json:",omitempty"` // bytes
	CPUTime      time.Duration `json:",omitempty"` // whole seconds
	OpenFiles    int64         `json:",omitempty"`
	Processes    int64         `json:",omitempty"`
	FileSize     int64         `json:",omitempty"` // bytes
}

// RunOn says on how many of its slaves a due instant starts.
type RunOn string

// The values of runOn.
const (
	RunOnEvery RunOn = "every"
	RunOnOne   RunOn = "one"
)

// Overlap says what happens to a due instant while the last run still runs.
type Overlap string

// The values of onOverlap.
const (
	OverlapSkip    Overlap = "skip"
	OverlapAllow   Overlap = "allow"
	OverlapReplace Overlap = "replace"
)

// OnStoreError says what a runOn = "one" job does while the lock store cannot
// be reached.
type OnStoreError string

// The values of onLockStoreError.
const (
	StoreErrorRetry OnStoreError = "retry"
	StoreErrorRun   OnStoreError = "run"
)

// OnLeaseLost says what becomes of a run whose lease somebody else has.
type OnLeaseLost string

// The values of onLeaseLost.
const (
	LeaseLostContinue OnLeaseLost = "continue"
	LeaseLostStop     OnLeaseLost = "stop"
)

// slugLength keeps file names made from a slug, an instant and a nonce well
// below the 255 bytes that file systems allow.
const slugLength = 80

// Slug makes the name of a job into one that can be a file's: lower case
// letters, digits, and single dashes for all else. A name that loses anything
// but ASCII punctuation and spaces, or is too long, gets a short hash of the
// whole name, so that two such names do not share a slug.
func Slug(name string) string {
	var b strings.Builder
	lossy := false
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		default:
			lossy = lossy || r > 127
			if s := b.String(); s != "" && !strings.HasSuffix(s, "-") {
				b.WriteByte('-')
			}
		}
	}
	slug := strings.TrimSuffix(b.String(), "-")
	if len(slug) > slugLength {
		slug, lossy = strings.TrimSuffix(slug[:slugLength], "-"), true
	}
	if slug != "" && !lossy {
		return slug
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return strings.TrimPrefix(fmt.Sprintf("%s-%08x", slug, h.Sum32()), "-")
}

// Overlaps says whether several runs of the job may be there at a time.
func (j *Job) Overlaps() bool { return j.OnOverlap == OverlapAllow }

// Succeeded says whether an exit code is a success of this job.
func (j *Job) Succeeded(code int) bool {
	for _, c := range j.SuccessCodes {
		if c == code {
			return true
		}
	}
	return false
}

// OnSlave says whether the job is one of that slave's. A * in one of the job's
// names matches any run of characters; case counts.
func (j *Job) OnSlave(slave string) bool {
	if len(j.Slaves) == 0 {
		return true
	}
	for _, pattern := range j.Slaves {
		if MatchPattern(pattern, slave) {
			return true
		}
	}
	return false
}

// MatchPattern says whether name matches pattern, in which each * stands for
// any run of characters, dots and none included, and all else for itself.
func MatchPattern(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	parts := strings.Split(rest, "*")
	for _, part := range parts[:len(parts)-1] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}
