package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"slavedriver/engine"
)

// command is what the flags and the surroundings of this process say.
type command struct {
	varDir string
	slave  string
	json   bool
	at     string
	strict bool
	// forFunction says that this process is there for the function of a job.
	forFunction bool

	program        string // as it was called; "": not known
	calledFrom     string // see noteFolder
	stdout, stderr io.Writer
	clock          engine.Clock
}

const manual = `Runs the jobs that are due in FILE, a Lua file, and watches them until they are
done or the next call takes over. A crontab line is all it needs:

  * * * * * /usr/local/bin/slavedriver /srv/shop/slavedriver.lua

When FILE does not load, what runs is the copy that was made when it last did,
and that is said: on stderr and in the log when it begins, when the error
becomes another, and every hour; to the handlers once for each error.

Exit status: 0 the work was done, whatever the jobs did; 2 wrong usage or an
invalid FILE; 3 the var dir or a lock cannot be used; 1 anything else.`

func (c *command) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "slavedriver FILE",
		Short:         "Runs cron jobs that are defined in Lua",
		Long:          manual,
		Version:       version(),
		Args:          cobra.ArbitraryArgs, // judged by entryFile
		SilenceErrors: true,                // report prints them
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := entryFile(cmd, args)
			if err != nil {
				return err
			}
			return c.runShift(cmd, file)
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&c.varDir, "var-dir", "", "where state is kept (else $SLAVEDRIVER_VAR_DIR, or the system's place for it)")
	flags.StringVar(&c.slave, "slave", "", "the name of this slave (else the FILE's, $SLAVEDRIVER_SLAVE_NAME, or the hostname)")
	flags.BoolVar(&c.json, "json", false, "print data as JSON, one object a line")
	root.Flags().StringVar(&c.at, "at", "", "run what is due in the minute of `TIME` (RFC 3339, or \"2026-11-23 18:30\")")
	root.Flags().BoolVar(&c.strict, "strict", false, "when FILE does not load, fail; do not run its last good copy")
	root.Flags().Bool("version", false, "print the version")
	root.SetFlagErrorFunc(wrongFlag)
	root.SetVersionTemplate("slavedriver {{.Version}}\n")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(helpCommand())
	root.AddCommand(c.checkCommand(), c.listCommand(), c.simulateCommand(), c.whyCommand(), c.historyCommand(), c.slavesCommand(), c.stopCommand(),
		c.testCommand(), c.initCommand(), c.typesCommand(),
		c.versionCommand(), completionCommand(), c.runFunctionCommand())
	return root
}

// entryFile is the one argument of a shift. A word that is neither a file nor
// looks like one was probably meant to be a command.
func entryFile(cmd *cobra.Command, args []string) (string, error) {
	if len(args) == 0 || args[0] == "" {
		return "", usage("no entry file is given", "slavedriver FILE, or slavedriver help")
	}
	if _, err := os.Stat(args[0]); err != nil && filepath.Ext(args[0]) != ".lua" {
		hint := "an entry file is named like slavedriver.lua"
		if cmd.Flags().Changed("at") {
			hint = `a time with a space in it is written in quotes: --at "2026-11-23 02:30"`
		}
		if near := nearest(args[0], names(cmd.Root())); near != "" {
			hint = "did you mean slavedriver " + near + "?"
		}
		return "", usage(fmt.Sprintf("%s is neither a file nor a command", args[0]), hint)
	}
	return args[0], oneArgument(cmd, args)
}

// oneArgument is the check of commands that take FILE and nothing else.
func oneArgument(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return usage("no entry file is given", cmd.UseLine())
	case 1:
		return nil
	}
	return usage(fmt.Sprintf("one entry file is all that is taken; what is %s?", args[1]), cmd.UseLine())
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(fmt.Sprintf("%s takes no argument; what is %s?", cmd.Name(), args[0]), cmd.UseLine())
	}
	return nil
}

func names(root *cobra.Command) (all []string) {
	for _, cmd := range root.Commands() {
		if !cmd.Hidden {
			all = append(all, cmd.Name())
		}
	}
	return all
}

// wrongFlag makes a sentence of what pflag says, with the flag that was
// probably meant.
func wrongFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usage(err.Error(), cmd.CommandPath()+" --help")
	}
	name, hint := unknown.GetSpecifiedName(), cmd.CommandPath()+" --help"
	if unknown.GetSpecifiedShortnames() != "" { // "-x": too short to guess
		return usage("unknown flag -"+name, hint)
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	if near := nearest(name, known); near != "" {
		hint = "did you mean --" + near + "?"
	}
	return usage("unknown flag --"+name, hint)
}

// nearest is the first of known that name was probably meant to be, or "", by
// the measure that cobra has for its own commands.
func nearest(name string, known []string) string {
	measure := &cobra.Command{SuggestionsMinimumDistance: 2}
	for _, candidate := range known {
		measure.AddCommand(&cobra.Command{Use: candidate, Run: func(*cobra.Command, []string) {}})
	}
	if near := measure.SuggestionsFor(name); len(near) > 0 {
		return near[0]
	}
	return ""
}
