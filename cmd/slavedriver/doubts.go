package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"slavedriver/engine"
	"slavedriver/internal/spelling"
)

// doubts are sentences about what is valid in an entry file, and would fail or
// never happen on this host as it is now.
func doubts(file string, plan *engine.Plan, now time.Time) (all []string) {
	if elsewhere := jobsElsewhere(plan); len(elsewhere) > 0 && len(elsewhere) == len(plan.Jobs) {
		all = append(all, idle(file, plan.Slave, slavesOf(elsewhere)))
	}
	if sentence := needsRoot(plan.Jobs, os.Geteuid()); sentence != "" {
		all = append(all, sentence)
	}
	for _, job := range plan.Jobs {
		for _, doubt := range jobDoubts(job, now) {
			all = append(all, fmt.Sprintf("%s: job %q: %s", job.Source, job.Name, doubt))
		}
	}
	for _, logger := range plan.Loggers {
		if logger.Kind == "file" && !isFolder(filepath.Dir(logger.Path)) {
			all = append(all, fmt.Sprintf("%s: the folder of the log %s is not there: its errors go to stderr", logger.Source, logger.Path))
		}
	}
	return all
}

// needsRoot says that a shift of this user would refuse the file, or is "".
func needsRoot(jobs []*engine.Job, uid int) string {
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(job *engine.Job) bool { return job.User == "" && job.Group == "" })
	if len(jobs) == 0 || uid == 0 {
		return ""
	}
	who := fmt.Sprintf("%s: job %q has", jobs[0].Source, jobs[0].Name)
	if more := len(jobs) - 1; more > 0 {
		who = fmt.Sprintf("%s: job %q and %s have", jobs[0].Source, jobs[0].Name, count(more, "other"))
	}
	return fmt.Sprintf("%s a user or group set: that needs root's crontab, and a shift of user %d refuses the file", who, uid)
}

// idle says that no job is for this slave, which one of the others' names may
// have been meant to be.
func idle(file, slave string, others []string) string {
	sentence := fmt.Sprintf("no job of %s runs on slave %q", file, slave)
	whole := slices.DeleteFunc(others, func(name string) bool { return strings.Contains(name, "*") })
	if near := spelling.Nearest(slave, whole); near != "" {
		sentence += fmt.Sprintf(", did you mean %q?", near)
	}
	return sentence
}

func jobDoubts(job *engine.Job, now time.Time) (all []string) {
	dir, args := job.WorkingDirectory, job.Command.Args
	for _, doubt := range []struct {
		holds    bool
		sentence string
	}{
		{dir != "" && !isFolder(dir), "its workingDirectory " + dir + " is not there"},
		{job.Shell != "" && !isProgram(job.Shell), "its shell " + job.Shell + " is no program here"},
		{len(args) > 0 && noProgram(job), "its command " + job.Command.String() + " is no program here" + instead(args)},
		{job.User != "" && !known(job.User, user.Lookup, user.LookupId), fmt.Sprintf("there is no user %q here", job.User)},
		{job.Group != "" && !known(job.Group, user.LookupGroup, user.LookupGroupId), fmt.Sprintf("there is no group %q here", job.Group)},
		{
			job.Timeout > 0 && job.WarnAfter >= job.Timeout,
			"its warnIfNotFinishedAfterSeconds is no shorter than its timeout, which comes first",
		},
		{job.Enabled && isOver(job, now), "it is never due again"},
	} {
		if doubt.holds {
			all = append(all, doubt.sentence)
		}
	}
	return all
}

// noProgram says whether the first word of a list is no program: a path below the
// working directory, or a name in our $PATH, unless the job has one of its own.
func noProgram(job *engine.Job) bool {
	program := job.Command.Args[0]
	if strings.Contains(program, "/") {
		if !filepath.IsAbs(program) {
			program = filepath.Join(job.WorkingDirectory, program)
		}
		return !isProgram(program)
	}
	return job.Env["PATH"] == "" && !isProgram(program)
}

// instead is for who put a command of the shell into a list.
func instead(args []string) string {
	if len(args) != 1 || !strings.Contains(args[0], " ") {
		return ""
	}
	return fmt.Sprintf(": a list has a word an entry; for the shell write command = %q", args[0])
}

// isOver says whether the job has no instant from this minute on.
func isOver(job *engine.Job, now time.Time) bool {
	return job.Schedule != nil && job.Schedule.Next(now.Add(-time.Minute)).IsZero()
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func isProgram(path string) bool {
	_, err := exec.LookPath(path)
	return err == nil
}

// known says whether either way of looking a name up finds something.
func known[T any](name string, ways ...func(string) (T, error)) bool {
	for _, look := range ways {
		if _, err := look(name); err == nil {
			return true
		}
	}
	return false
}
