package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"slavedriver/engine"
	"slavedriver/internal/logging"
	"slavedriver/internal/spelling"
	"slavedriver/internal/vardir"
	"slavedriver/luaapi"
)

const whyManual = `Says in a sentence why a job did, or did not, start on this slave, and where the
output of its run is:

  slavedriver why shop.lua Backup
  slavedriver why shop.lua Backup 02:30
  slavedriver why shop.lua Backup "2026-03-29 02:30"

Without TIME it is about the newest start that is due by now. A time of day is the
most recent one, or both where the clock shows it twice because it is set back;
a date is every start of that day, the newest 60 at the most.

The time is that of a start by the schedule, or of one as it was made; it is a
minute, or a second where one is given, as 02:30, 2026-03-29, "2026-03-29 02:30",
or as RFC 3339 2026-03-29T02:30:00Z. Without a zone it is the host's. One in the
future is answered by the schedule.

It reads the schedule and what shifts recorded, and changes nothing, whether or
not a shift is at work. What other slaves recorded is with them. --json has the
facts, an object for each start that the time is about.`

func (c *command) whyCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "why FILE JOB [TIME]",
		Short:             "Says why a job did or did not start, and where its output is",
		Long:              whyManual,
		Args:              whyArguments,
		ValidArgsFunction: c.completeJob,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.why(cmd.Context(), args[0], args[1], strings.Join(args[2:], " "))
		},
	}
}

// whyArguments takes a time in two words too: date and time of day unquoted.
func whyArguments(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return oneArgument(cmd, args)
	case 1:
		return usage("no job is given", cmd.UseLine())
	case 2, 3, 4:
		return nil
	}
	return usage(fmt.Sprintf("why takes a file, a job and a time; what is %s?", args[4]), `a name of several words needs quotes: slavedriver why FILE "JOB" TIME`)
}

func (c *command) why(ctx context.Context, file, name, text string) error {
	q := engine.Why{Now: c.clock.Now()}
	a, err := readAsked(text, q.Now)
	if err != nil {
		return err
	}
	script, err := c.loadToRead(ctx, file)
	if err != nil {
		return c.whyInvalid(ctx, q, a, file, name, err)
	}
	ask := newAsker(script, new(stuck))
	defer ask.close()
	plan := script.Plan()
	c.warn(plan.Warnings)
	q.Slave, q.MaxConcurrent, q.Job = plan.Slave, plan.MaxConcurrent, jobNamed(plan, name)
	known := q.Job != nil
	if !known {
		q.Job = engine.Unlisted(name)
	}
	var answers []engine.Explanation
	var left int
	for _, reading := range a.readings(q.Now) {
		one := q
		more, err := c.readRecords(ctx, &one, reading, plan.EntryFile, plan.Namespace, ask)
		if err != nil {
			return err
		}
		if known || one.Recorded() {
			answers, left = append(answers, c.explain(ctx, one, a, ask)...), left+more
		}
	}
	if len(answers) == 0 {
		return noSuchJob(name, file, plan, a.whereNot())
	}
	if !known {
		c.warn([]string{fmt.Sprintf("there is no job %q in %s any more; the answer is from the records alone", name, file)})
	}
	return c.printAnswers(answers, left)
}

// explain is q.Explain with what else this process knows.
func (c *command) explain(ctx context.Context, q engine.Why, a asked, ask *asker) []engine.Explanation {
	answers := q.Explain()
	if len(answers) == 1 && answers[0].Verdict == engine.VerdictNotDue {
		answers[0].Sentence = strings.TrimSpace(answers[0].Sentence + " " + a.otherClock(ctx, q, ask))
	}
	err := q.FunctionErr
	if ask.stuck.job != nil {
		err = ask.stuck.says(q.Job)
	}
	if err != nil && q.Recorded() {
		c.warn([]string{"the answer is from the records alone, as its schedule function fails: " + err.Error()})
	}
	for i, answer := range answers {
		if answer.Output != "" && answer.Failed() {
			answers[i].LastWords = engine.LastWords(answer.Output, ask.script.Secrets().String)
		}
	}
	return answers
}

// whereNot says where a job is not known, after "there is no job in FILE".
func (a asked) whereNot() string {
	if a.newest {
		return noneRecorded
	}
	return ", nor was there at that time"
}

// noneRecorded is about all times.
const noneRecorded = ", and nothing of one is recorded"

// jobNamed finds a job by its name, else by what it is called in file names.
func jobNamed(plan *engine.Plan, name string) *engine.Job {
	for _, is := range []func(*engine.Job) bool{
		func(job *engine.Job) bool { return job.Name == name },
		func(job *engine.Job) bool { return job.Slug == name },
	} {
		for _, job := range plan.Jobs {
			if is(job) {
				return job
			}
		}
	}
	return nil
}

// noSuchJob says so, and where it is not either.
func noSuchJob(name, file string, plan *engine.Plan, nor string) error {
	var known []string
	for _, job := range plan.Jobs {
		known = append(known, job.Name)
	}
	hint := "slavedriver list " + file + " shows the jobs"
	if near := spelling.Nearest(name, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return usage(fmt.Sprintf("there is no job %q in %s%s", name, file, nor), hint)
}

// readRecords reads what shifts noted of the time that is asked about. It says
// how many starts of that time are left out.
func (c *command) readRecords(ctx context.Context, q *engine.Why, a asked, entryFile, namespace string, ask *asker) (left int, err error) {
	dir, err := c.lookDir(entryFile, namespace)
	if err != nil {
		return 0, err
	}
	if err := c.aim(ctx, q, a, dir, ask); err != nil {
		return 0, err
	}
	read := func() error {
		from := q.From.Add(-engine.JitterOf(q.Job, q.Slave))
		q.Records, err = engine.ReadRecords(dir, q.Job, q.Slave, from, q.To)
		return unusable(err)
	}
	if q.Job.ScheduleFunc { // what is recorded needs no function
		if err := read(); err != nil {
			return 0, err
		}
	}
	answered := q.Answered()
	if !answered {
		askFunction(ctx, q, ask)
	}
	*q, left = q.Bounded(askedAtOnce)
	if !answered {
		if err := read(); err != nil {
			return 0, err
		}
	}
	q.Dir = dir
	q.Output = func(run string, attempt int) string { return engine.OutputFolder(dir, run, attempt) }
	if !a.again {
		c.sayWhoseRecords(*q, entryFile)
	}
	return left, nil
}

// sayWhoseRecords warns where the records that were read may not be those that are meant.
func (c *command) sayWhoseRecords(q engine.Why, entryFile string) {
	if q.Records.Evaluated.IsZero() {
		c.sayElsewhere(entryFile, q.Dir)
	}
	c.sayOtherSlave(q.Dir)
	c.warn(q.Records.Problems)
}

// lookDir is the var dir of an entry file, for reading; it need not be there.
func (c *command) lookDir(entryFile, namespace string) (string, error) {
	base, err := vardir.Base(c.varDir, os.Getenv, os.Geteuid() == 0)
	if err != nil {
		return "", unusable(err)
	}
	if namespace == "" {
		namespace = vardir.Namespace(entryFile)
	}
	dir, err := vardir.Look(base, namespace)
	return dir, unusable(err)
}

// whyInvalid answers from the records alone, because the entry file does not
// load: then no shift has run since it does not, which may be the very reason.
func (c *command) whyInvalid(ctx context.Context, q engine.Why, a asked, file, name string, cause error) error {
	var invalid *luaapi.Error
	if !errors.As(cause, &invalid) {
		return cause
	}
	entryFile, err := c.absolute(file)
	if err != nil {
		return err
	}
	q.Job, q.Slave = engine.Unlisted(name), c.slave
	var answers []engine.Explanation
	var left int
	for _, reading := range a.readings(q.Now) {
		more, err := c.readRecords(ctx, &q, reading, entryFile, c.lastNamespace(entryFile), nil)
		if err != nil {
			return cause
		}
		if q.Recorded() {
			answers, left = append(answers, q.Explain()...), left+more
		}
	}
	if len(answers) == 0 {
		if last := q.Records.Evaluated; !last.IsZero() && last.Before(q.From) {
			c.warn([]string{"no shift has run since " + dateTime(last.Local().Truncate(time.Minute))})
		}
		return cause
	}
	c.warn([]string{fmt.Sprintf("the entry file does not load, so that the answer is from the records alone: %v", cause)})
	return c.printAnswers(answers, left)
}

// lastNamespace is that under which an entry file was run last, if that is known.
func (c *command) lastNamespace(entryFile string) string {
	base, err := vardir.Base(c.varDir, os.Getenv, os.Geteuid() == 0)
	if err != nil {
		return ""
	}
	namespace, _, _ := vardir.Lookup(base, entryFile)
	return namespace
}

// absolute is the path of an entry file as the plan has it.
func (c *command) absolute(file string) (string, error) {
	if filepath.IsAbs(file) {
		return filepath.Clean(file), nil
	}
	err := c.noteFolder()
	return filepath.Join(c.calledFrom, file), err
}

// printAnswers prints the newest of the answers: those that stand in the records
// alone are not bounded yet.
func (c *command) printAnswers(answers []engine.Explanation, left int) error {
	if more := len(answers) - askedAtOnce; more > 0 {
		answers, left = answers[more:], left+more
	}
	if err := c.printEachAnswer(answers); err != nil {
		return err
	}
	if left > 0 {
		complain(c.stderr, "warning", count(left, "more start")+" of that time not shown here; a time of day asks about one")
	}
	return nil
}

// printEachAnswer prints answers; for people those in a row that say the same are one.
func (c *command) printEachAnswer(answers []engine.Explanation) error {
	if c.json {
		return printEach(c, answers, nil)
	}
	for len(answers) > 0 {
		n, sentence := engine.Alike(answers)
		one := answers[0]
		one.Sentence = sentence
		if _, err := fmt.Fprint(c.stdout, inLines(one)); err != nil {
			return err
		}
		answers = answers[n:]
	}
	return nil
}

// inLines is an answer for people: the sentence, then the files with the output, to
// be pasted behind cat, and of a failure what it said last.
func inLines(answer engine.Explanation) string {
	text := logging.Escape(answer.Sentence) + "\n"
	if folder := answer.Output; folder != "" {
		text += "its output: " + pasteable(folder+"/stdout") + " " + pasteable(folder+"/stderr") + "\n"
	}
	if answer.LastWords != "" {
		text += "its last words: " + logging.Escape(answer.LastWords) + "\n"
	}
	return text
}

// pasteable is a path as a shell takes it for one word, for a terminal.
func pasteable(path string) string { return logging.Escape(shellWord(path)) }
