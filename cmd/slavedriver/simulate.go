package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"slavedriver/engine"
	"slavedriver/luaapi"
)

// lastYear is the last in which schedules are due, as in hashicorp/cronexpr.
const lastYear = 2099

const simulateManual = `Lists every start that the schedules ask for, from --from on and before --to, in
the order of time, and starts nothing:

  slavedriver simulate shop.lua --from 2026-03-28 --to 2026-03-30

A time is ` + simulateForms + `;
without a zone it is the host's, and a date alone is its midnight.

It is about this slave, or about those given by --slave. A job with runOn = "one"
starts on one of them and is listed once, as "one of db1, db2".

The table is by day on the host's clock. A job that starts more often than every
hour is one line a day; --json has each start on a line: its time in the job's
zone, job, slave, and a reason where it is not plainly the schedule's, as after a
gap that daylight saving makes, or with a jitter. Schedule functions are called
with the simulated time; conditions are not called.

It knows schedules, and not how long jobs run: a start that will be skipped since
the last run still goes on, one made later (catchUp) or again (retries) is not its
business.`

const simulateForms = `2026-03-29, "2026-03-29 02:30", or as RFC 3339 2026-03-29T02:30:00Z`

// simulation is what the flags of simulate say.
type simulation struct {
	from, to string
	slaves   []string
}

func (c *command) simulateCommand() *cobra.Command {
	var given simulation
	cmd := &cobra.Command{
		Use:               "simulate FILE --from TIME --to TIME",
		Short:             "Lists every start between two times, without starting anything",
		Long:              simulateManual,
		Args:              oneArgument,
		ValidArgsFunction: onlyLua,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.simulate(cmd, args[0], given)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&given.from, "from", "", "the first `TIME` that is part of it")
	flags.StringVar(&given.to, "to", "", "the first `TIME` that is no longer part of it")
	// In the place of the flag that all commands have, which takes one name.
	flags.StringArrayVar(&given.slaves, "slave", nil, "the `NAME` of a slave, for each (else this one)")
	return cmd
}

func (c *command) simulate(cmd *cobra.Command, file string, given simulation) error {
	from, to, err := given.span(cmd)
	if err != nil {
		return err
	}
	c.sayOddTime("--from", given.from)
	c.sayOddTime("--to", given.to)
	s := engine.Simulation{From: from, To: to}
	scripts, err := c.loadEach(cmd.Context(), file, given.slaves)
	var shared stuck
	for _, script := range scripts {
		ask := newAsker(script, &shared)
		defer ask.close()
		s.Slaves = append(s.Slaves, engine.SimulatedSlave{
			Plan: script.Plan(),
			Due: func(job *engine.Job, now time.Time) (bool, error) {
				return ask.due(cmd.Context(), job, now)
			},
		})
	}
	if err != nil {
		return err
	}
	c.warnOfIdleSlaves(s.Slaves)
	out := bufio.NewWriter(c.stdout)
	err = c.eachStart(&s, c.printStarts(out, &s))
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	return err
}

// span is the time that the flags ask for.
func (given simulation) span(cmd *cobra.Command) (from, to time.Time, err error) {
	if given.from == "" || given.to == "" {
		return from, to, usage("simulate needs --from and --to", cmd.UseLine())
	}
	if from, err = moment("--from", given.from); err != nil {
		return from, to, err
	}
	if to, err = moment("--to", given.to); err != nil {
		return from, to, err
	}
	if to.Year() > lastYear+1 {
		return from, to, usage(fmt.Sprintf("--to %q is too far ahead: schedules end with the year %d", given.to, lastYear), "")
	}
	if !from.Before(to) {
		return from, to, usage(fmt.Sprintf("nothing is between --from %q and --to %q", given.from, given.to),
			"--to is the end and not part of it: for the whole of 2026-03-29 it is 2026-03-30")
	}
	return from, to, nil
}

// loadEach loads the entry file as each of the slaves, because it may say
// different things to them; with no name given, as this one. What is loaded is
// to be closed also when there is an error.
func (c *command) loadEach(ctx context.Context, file string, slaves []string) (scripts []*luaapi.Script, err error) {
	if len(slaves) == 0 {
		slaves = []string{c.slave}
	}
	var said []string
	for i, name := range slaves {
		if slices.Contains(slaves[:i], name) {
			continue
		}
		c.slave = name
		script, err := c.load(ctx, file)
		if err != nil {
			return scripts, err
		}
		scripts = append(scripts, script)
		for _, warning := range script.Plan().Warnings {
			if !slices.Contains(said, warning) {
				said = append(said, warning)
				c.warn(said[len(said)-1:])
			}
		}
	}
	return scripts, nil
}

// warnOfIdleSlaves names the slaves that none of the jobs is for: a misspelt
// name looks just like this.
func (c *command) warnOfIdleSlaves(slaves []engine.SimulatedSlave) {
	for _, s := range slaves {
		if elsewhere := jobsElsewhere(s.Plan); len(elsewhere) > 0 && len(elsewhere) == len(s.Plan.Jobs) {
			c.warn([]string{fmt.Sprintf("no job is for slave %s; the jobs name %s", s.Plan.Slave, strings.Join(slavesOf(elsewhere), ", "))})
		}
	}
}

// slavesOf are the names and patterns that the jobs have, each once.
func slavesOf(jobs []*engine.Job) (names []string) {
	for _, job := range jobs {
		for _, name := range job.Slaves {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// eachStart prints the starts. A function that fails does not hinder the
// others: it is complained about, and the last one is the error.
func (c *command) eachStart(s *engine.Simulation, to startPrinter) error {
	var failed error
	for start, err := range s.Starts() {
		switch {
		case err != nil:
			if failed != nil {
				complain(c.stderr, "error", failed.Error())
			}
			failed = fmt.Errorf("the starts of %s from %s on are not known, as its schedule function failed: %w",
				start.Job.Name, start.Time.Format(time.RFC3339), err)
		default:
			if err := to.start(start); err != nil {
				return err
			}
		}
	}
	if err := to.end(); err != nil {
		return err
	}
	return failed
}

// startPrinter takes the starts in order.
type startPrinter interface {
	start(s engine.SimulatedStart) error
	end() error
}

func (c *command) printStarts(out *bufio.Writer, s *engine.Simulation) startPrinter {
	if c.json {
		return startLines{&command{stdout: out}}
	}
	return newDayTable(out, s)
}

// startLines prints objects.
type startLines struct{ *command }

// simulated is a start in the output of `simulate --json`.
type simulated struct {
	Time   time.Time `json:"time"` // in the job's zone
	Job    string    `json:"job"`
	Slave  string    `json:"slave"`
	OneOf  []string  `json:"oneOf,omitempty"` // the slaves that "one of ..." means
	Reason string    `json:"reason,omitempty"`
}

func (l startLines) start(s engine.SimulatedStart) error {
	one := simulated{Time: s.Time, Job: s.Job.Name, Slave: s.Where(), Reason: s.Reason}
	if len(s.OneOf) > 1 {
		one.OneOf = s.OneOf
	}
	return l.printJSON(one)
}

func (startLines) end() error { return nil }
