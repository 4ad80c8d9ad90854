package luaapi

import (
	"math"
	"path/filepath"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
)

// jobOptions declares every option of a job, and is the only place that does.
// They are checked and stored in this order.
var jobOptions = sync.OnceValue(func() *fieldSet[job] {
	return newFields("option",
		nameOption(),
		readOnly("nameSlug", "string", "the name as it stands in file names",
			func(_ site, j *job) lua.LValue { return fromText(j.Slug) }),
		readOnly("removed", "boolean", "whether the job is no longer in the entry file and was rebuilt from its run",
			func(_ site, j *job) lua.LValue { return lua.LBool(j.Removed) }),
		stored("command", command, func(j *job) *engine.Command { return &j.Command }, engine.Command{}, "",
			"What is run: a string for the shell, a list that is run as it is, without a shell, or a function `(job, run)`, which is called in a process of its own: an error, or nil and a message, is a failure, a number the exit status."),
		timezoneOption(),
		scheduleOption(),
		runAtOption(),
		stored("enabled", flag, func(j *job) *bool { return &j.Enabled }, true, "true",
			"Whether the job is started at all."),
		stored("slaves", words, func(j *job) *[]string { return &j.Slaves }, nil, "every slave",
			"The slaves on which the job runs; a `*` in a name stands for any run of characters."),
		stored("timeout", positive, func(j *job) *time.Duration { return &j.Timeout }, 0, "none",
			"After this duration the job is ended."),
		stored("warnIfNotFinishedAfterSeconds", positive, func(j *job) *time.Duration { return &j.WarnAfter }, 0, "none",
			"After this duration there is one event, slavedriver.job.expected_runtime_elapsed; the job goes on."),
		stored("onOverlap", oneOf(engine.OverlapSkip, engine.OverlapAllow, engine.OverlapReplace),
			func(j *job) *engine.Overlap { return &j.OnOverlap }, engine.OverlapSkip, `"skip"`,
			`What happens when the job is due while its last run still runs: "skip" this start, "allow" both, or "replace" the old one, which is ended first (not with runOn = "one").`),
		stored("allowRunningIfPreviousStillRunning", allowOverlap,
			func(j *job) *engine.Overlap { return &j.OnOverlap }, engine.OverlapSkip, "false",
			`The original's form of onOverlap: true is "allow", false is "skip".`),
		stored("runOn", oneOf(engine.RunOnEvery, engine.RunOnOne),
			func(j *job) *engine.RunOn { return &j.RunOn }, engine.RunOnEvery, `"every"`,
			`Whether "every" listed slave runs the job or "one" of them each time, which needs a lock store that they share.`),
		stored("onLockStoreError", oneOf(engine.StoreErrorRetry, engine.StoreErrorRun),
			func(j *job) *engine.OnStoreError { return &j.OnNoStore }, engine.StoreErrorRetry, `"retry"`,
			`What a job with runOn = "one" does while the lock store cannot be reached: "retry" until its catch-up ends, or "run" at once.`),
		stored("onLeaseLost", oneOf(engine.LeaseLostContinue, engine.LeaseLostStop),
			func(j *job) *engine.OnLeaseLost { return &j.OnLeaseLost }, engine.LeaseLostContinue, `"continue"`,
			`What becomes of a run whose lease another slave has: it may "continue", or is to "stop".`),
		stored("catchUp", duration, func(j *job) *time.Duration { return &j.CatchUp }, -1, "half the interval between two starts, from 2 m to 1 h",
			"How late a missed instant may still start, as a duration; several missed ones start once."),
		stored("jitter", wholeSeconds, func(j *job) *time.Duration { return &j.Jitter }, 0, "none",
			"Starts are spread over this duration: a job's come so much later, the same on a slave each time."),
		conditionOption(),
		stored("retries", whole(0, 1000), func(j *job) *int { return &j.Retries }, 0, "0",
			"How often a run that failed is tried again."),
		stored("retryDelay", duration, func(j *job) *time.Duration { return &j.RetryDelay }, time.Minute, "1 m",
			"The duration from a failed attempt to the next one, the first time."),
		stored("retryBackoff", backoff, func(j *job) *float64 { return &j.RetryBackoff }, 2, "2",
			"By what factor retryDelay grows from one attempt to the next, up to a day."),
		stored("killGrace", duration, func(j *job) *time.Duration { return &j.KillGrace }, 10*time.Second, "10 s",
			"The duration from SIGTERM to SIGKILL when the job is ended."),
		stored("successCodes", exitCodes, func(j *job) *[]int { return &j.SuccessCodes }, []int{0}, "{ 0 }",
			"The exit codes that are a success."),
		folderOption(),
		stored("env", environment, func(j *job) *map[string]string { return &j.Env }, nil, "inherited",
			"Environment variables, added to what is inherited."),
		stored("shell", text, func(j *job) *string { return &j.Shell }, "", "/bin/sh",
			"The shell that a command string is given to."),
		stored("umask", umask, func(j *job) *int { return &j.Umask }, -1, "inherited",
			`The file mode creation mask, as an octal string such as "027".`),
		stored("nice", whole(-20, 19), func(j *job) *int { return &j.Nice }, 0, "inherited",
			"The nice value, from -20 to 19; 0 leaves it as it is."),
		stored("user", account, func(j *job) *string { return &j.User }, "", "that of slavedriver",
			"The user that the job runs as, with the user's groups; needs root."),
		stored("group", account, func(j *job) *string { return &j.Group }, "", "that of the user",
			"The group that the job runs as; needs root."),
		stored("limits", limits, func(j *job) *engine.Limits { return &j.Limits }, engine.Limits{}, "none",
			"Resource limits, named and meant as by ulimit: addressSpace and fileSize as sizes, cpuTime as a duration, openFiles and processes as numbers."),
		stored("keepRuns", whole(0, math.MaxInt32), func(j *job) *int { return &j.KeepRuns }, 20, "20",
			"How many ended runs stay to be read."),
		stored("keepOutput", size, func(j *job) *int64 { return &j.KeepOutput }, 1<<20, "1M",
			"How much of each stream of a run's output stays to be read, as a size."),
		stored("maxBacklog", size, func(j *job) *int64 { return &j.MaxBacklog }, 1<<30, "1G",
			"How much output of each stream may wait for slow handlers before it is dropped, as a size."),
		stored("description", text, func(j *job) *string { return &j.Description }, "", "none",
			"What the job is for, for people."),
		stored("tags", words, func(j *job) *[]string { return &j.Tags }, nil, "none",
			"Words by which handlers can be attached to groups of jobs."),
		customDataOption(),
	)
})

// readOnly declares what the script can see of a job and not set.
func readOnly(name, typ, doc string, get func(site, *job) lua.LValue) field[job] {
	return field[job]{name: name, typ: typ, doc: doc, get: get, unset: func(*job) {}}
}

// nameOption also makes the slug.
func nameOption() field[job] {
	f := stored("name", line, func(j *job) *string { return &j.Name }, "", "",
		"The name of the job: one line, unique in the entry file.")
	store := f.set
	f.set = func(at site, j *job, v lua.LValue) error {
		if j.added {
			return wrong("cannot be changed after the job was added")
		}
		err := store(at, j, v)
		j.Slug = engine.Slug(j.Name)
		return err
	}
	return f
}

// folderOption reads as the entry file's folder while nothing is set.
func folderOption() field[job] {
	f := stored("workingDirectory", folder, func(j *job) *string { return &j.WorkingDirectory }, "", "the entry file's folder",
		"The folder in which the job runs; a relative path starts at the file that says it.")
	f.get = func(at site, j *job) lua.LValue {
		if j.WorkingDirectory == "" {
			return lua.LString(filepath.Dir(at.s.entry))
		}
		return lua.LString(j.WorkingDirectory)
	}
	return f
}

// customDataOption takes any value. It stays the script's own while the job is
// in the entry file; the JSON is for the time after that.
func customDataOption() field[job] {
	return field[job]{
		name: "customData", typ: "any value", def: "an empty table",
		doc: "Anything; handlers get it back from the job.",
		set: func(_ site, j *job, v lua.LValue) (err error) {
			j.CustomData, err = toJSON(v)
			return err
		},
		get: func(at site, j *job) lua.LValue {
			if j.CustomData == nil { // as in the original, so that a handler may look into it
				return at.L.NewTable()
			}
			return fromJSON(at.L, j.CustomData)
		},
		unset: func(j *job) { j.CustomData = nil },
	}
}
