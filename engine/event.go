package engine

import "time"

// The names of the events. EventDocs says what each of them brings.
const (
	EventStarted           = "slavedriver.started"
	EventFinished          = "slavedriver.finished"
	EventGap               = "slavedriver.gap"
	EventHandlerError      = "slavedriver.handler.error"
	EventStoreError        = "slavedriver.lockstore.error"
	EventStoreRecovered    = "slavedriver.lockstore.recovered"
	EventSlaveLost         = "slavedriver.slave.lost"
	EventSlaveReturned     = "slavedriver.slave.returned"
	EventConfigError       = "slavedriver.config.error"
	EventConfigChanged     = "slavedriver.config.changed"
	EventJobStarted        = "slavedriver.job.started"
	EventJobStdout         = "slavedriver.job.output.stdout"
	EventJobStderr         = "slavedriver.job.output.stderr"
	EventJobExpectedPassed = "slavedriver.job.expected_runtime_elapsed"
	EventJobTimeout        = "slavedriver.job.timeout"
	EventJobSuccess        = "slavedriver.job.finished.success"
	EventJobError          = "slavedriver.job.finished.error"
	EventJobRetrying       = "slavedriver.job.retrying"
	EventJobRecovered      = "slavedriver.job.recovered"
	EventJobStillRunning   = "slavedriver.job.last_instance_still_running"
	EventJobSkipped        = "slavedriver.job.skipped"
	EventJobMissed         = "slavedriver.job.missed"
	EventJobLeaseLost      = "slavedriver.job.lease_lost"
)

// EventDoc declares one event: the script's constants, the check of attach
// patterns and the documentation come from this table.
type EventDoc struct {
	Name     string
	Constant string     // its name in the script, "EVENT_JOB_STARTED"
	Params   []ParamDoc // in the order of the documentation
	When     string     // one sentence
	OfJob    bool       // brings a job
}

// ParamDoc declares one parameter of an event.
type ParamDoc struct {
	Name, Type, Doc string
}

var figures = []ParamDoc{
	{"duration", "number", "seconds from the start to the end, nil if not known"},
	{"cpuTime", "number", "seconds of CPU of the job and its children, nil if not known"},
	{"maxRss", "number", "the largest process's memory in bytes, nil if not known"},
	{"attempt", "number", "which attempt this was, from 1"},
	{"consecutiveFailures", "number", "how many runs of the job have failed in a row on this slave, this one included; 0 after a success; a run that was replaced does not count"},
}

var slaveParams = []ParamDoc{
	{"slave", "string", "its name, one of setKnownSlaves"},
	{"lastSeen", "number", "when it had its last shift before that, as os.time(), nil if it never had one"},
}

// EventDocs lists every event there is, in the order of a job's life.
var EventDocs = []EventDoc{
	{EventStarted, "EVENT_SLAVEDRIVER_STARTED", nil, "a shift starts: every minute, so the one for a heartbeat", false},
	{EventFinished, "EVENT_SLAVEDRIVER_FINISHED", []ParamDoc{
		{"started", "number", "runs started"}, {"succeeded", "number", "runs that ended well"},
		{"failed", "number", "runs that ended badly"}, {"skipped", "number", "instants not started on purpose"},
		{"missed", "number", "instants that passed"}, {"adopted", "number", "runs taken over from the shift before"},
	}, "a shift ends of itself, not when it is relieved", false},
	{EventGap, "EVENT_SLAVEDRIVER_GAP", []ParamDoc{
		{"from", "number", "when the last shift came, as os.time()"}, {"to", "number", "when this one came"},
	}, "no shift came for longer than two minutes", false},
	{EventHandlerError, "EVENT_SLAVEDRIVER_HANDLER_ERROR", []ParamDoc{
		{"event", "string", "the event whose handler failed"}, {"error", "string", "what happened, with file:line"},
	}, "a handler threw or overran its deadline", false},
	{EventStoreError, "EVENT_SLAVEDRIVER_LOCKSTORE_ERROR", []ParamDoc{{"error", "string", "what happened"}},
		"the lock store cannot be reached: once when it begins, across shifts", false},
	{EventStoreRecovered, "EVENT_SLAVEDRIVER_LOCKSTORE_RECOVERED", []ParamDoc{{"since", "number", "when it began, as os.time()"}},
		"the lock store can be reached again", false},
	{EventSlaveLost, "EVENT_SLAVEDRIVER_SLAVE_LOST", slaveParams,
		"a known slave had no shift for three minutes: told by one of the others", false},
	{EventSlaveReturned, "EVENT_SLAVEDRIVER_SLAVE_RETURNED", slaveParams, "it has shifts again: told by one slave", false},
	{EventConfigError, "EVENT_SLAVEDRIVER_CONFIG_ERROR", []ParamDoc{
		{"error", "string", "what is wrong, with file:line"}, {"since", "number", "when it began, as os.time()"},
	}, "the entry file does not load and its last good copy runs: once for each error, across shifts", false},
	{EventConfigChanged, "EVENT_SLAVEDRIVER_CONFIG_CHANGED", []ParamDoc{
		{"added", "list of strings", "names of jobs that are new"}, {"removed", "list of strings", "names of jobs that are gone"},
		{"changed", "list of strings", "names of jobs that have another definition"},
	}, "the jobs are others than at the last shift", false},
	{EventJobStarted, "EVENT_JOB_STARTED", nil, "a job was started, each attempt", true},
	{EventJobStdout, "EVENT_JOB_OUTPUT_STDOUT", []ParamDoc{
		{"stdOut", "string", "new output since the last call, 64 KiB at most"},
		{"partial", "boolean", "the last line is not finished"},
	}, "new output: whole lines while the job runs", true},
	{EventJobStderr, "EVENT_JOB_OUTPUT_STDERR", []ParamDoc{
		{"stdErr", "string", "new output since the last call, 64 KiB at most"},
		{"partial", "boolean", "the last line is not finished"},
	}, "new output: whole lines while the job runs", true},
	{EventJobExpectedPassed, "EVENT_JOB_EXPECTED_RUNTIME_ELAPSED", nil, "a job runs longer than expected; it is not ended; once an attempt", true},
	{EventJobTimeout, "EVENT_JOB_TIMEOUT", nil, "the timeout was hit and the job is being ended; finished.error follows", true},
	{EventJobSuccess, "EVENT_JOB_FINISHED_SUCCESS", figures, "a job ended well", true},
	{EventJobError, "EVENT_JOB_FINISHED_ERROR", append([]ParamDoc{
		{"exitCode", "number", "nil if it is not known"},
		{"signal", "number", "inferred from an exit code of 128 + n, nil if there is none"},
		{"timedOut", "boolean", "it was ended because of its timeout"},
		{"reason", "string", "why, where the exit code does not say, else nil"},
	}, figures...), "a job ended badly, or could not be started", true},
	{EventJobRetrying, "EVENT_JOB_RETRYING", []ParamDoc{
		{"attempt", "number", "which attempt failed, from 1"}, {"delay", "number", "seconds from its end to the next one"},
		{"exitCode", "number", "nil if it is not known"},
		{"timedOut", "boolean", "it was ended because of its timeout"},
		{"reason", "string", "why, where the exit code does not say"},
	}, "a job failed and is tried again; finished.error comes with the last attempt alone", true},
	{EventJobRecovered, "EVENT_JOB_RECOVERED", []ParamDoc{
		{"failures", "number", "how many runs had failed in a row"}, {"since", "number", "when the first of them ended, as os.time()"},
	}, "a job ended well, and had failed the last time; follows finished.success", true},
	{EventJobStillRunning, "EVENT_JOB_LAST_INSTANCE_STILL_RUNNING", []ParamDoc{
		{"runningSince", "number", "when the last instance started, as os.time(), nil if not known"},
		{"slave", "string", "where it runs"},
	}, "a job was due, but its last instance still runs and they may not overlap", true},
	{EventJobSkipped, "EVENT_JOB_SKIPPED", []ParamDoc{{"reason", "string", "why"}}, "an instant that was not to start", true},
	{EventJobMissed, "EVENT_JOB_MISSED", []ParamDoc{
		{"scheduledAt", "number", "the last instant missed, as os.time()"},
		{"count", "number", "how many instants"}, {"reason", "string", "why"},
	}, "an instant passed and will not be started any more", true},
	{EventJobLeaseLost, "EVENT_JOB_LEASE_LOST", []ParamDoc{{"holder", "string", "who has it now, if known"}},
		"another slave has the lease of a running job, or started its instant too", true},
}

// Event is what handlers are called with.
type Event struct {
	Name string
	// ID is made from the content ("<run>/started", "<run>/stdout/<offset>"):
	// the same when the event is delivered again after a crash.
	ID   string
	Time time.Time // when it happened, not when it is told
	Job  *Job      // nil for events of slavedriver itself
	Run  *RunInfo  // nil where there is no run
	// Depth is how many runs have led to what it is about (RequestStart).
	Depth int
	// Since is when the failures in a row began that finished.error and recovered
	// are about; zero where that is not known.
	Since  time.Time
	Params map[string]any // string, bool, int, int64, float64, []any of these; a missing key is nil
}

// RunInfo is what handlers may know of a run.
type RunInfo struct {
	ID          string
	Attempt     int // from 1
	ScheduledAt time.Time
	StartedAt   time.Time
	PID         int // of the wrapper; 0 if not known
	Slave       string
	Fence       int64 // 0: no lease was had
	// Output reads what is kept of the run's output: of stream "stdout",
	// "stderr" or "both" the last lastLines lines (0: all), at most maxBytes
	// bytes from the end (0: 64 KiB).
	Output func(stream string, lastLines int, maxBytes int64) (string, error)
}
