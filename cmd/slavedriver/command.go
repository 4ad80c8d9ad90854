package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"slavedriver/engine"
	"slavedriver/internal/spelling"
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
	moved          *moved // what the shift is to tell of the entry file's namespace; nil: nothing
	stdout, stderr io.Writer
	clock          engine.Clock
}

const manual = `Runs the jobs that are due in FILE, a Lua file, and watches them until they are
done or the next call takes over. A crontab line is all it needs:

  * * * * * /usr/local/bin/slavedriver /srv/shop/slavedriver.lua

When FILE does not load, what runs is the copy that was made when it last did,
and that is said: on stderr and in the log when it begins, when the error
becomes another, and every hour; to the handlers once for each error.

--at TIME starts all jobs that were due in the minute of TIME, now and for real:
with their handlers and alerts, whether or not they ran then, and this call takes
over from the current shift as any other does. TIME is not in the future; it is
RFC 3339, or "2026-11-23 18:30" on the host's clock, whatever a job's zone is.

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

		PersistentPreRunE: c.mixedUp,
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
	root.Flags().StringVar(&c.at, "at", "", "start all that was due in the minute of `TIME` now, for real; no trial (see above)")
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
		hint := "slavedriver help lists the commands; an entry file is named like slavedriver.lua"
		if cmd.Flags().Changed("at") {
			hint = `a time with a space in it is written in quotes: --at "2026-11-23 02:30"`
		}
		if near := spelling.Nearest(args[0], names(cmd.Root())); near != "" {
			hint = "did you mean slavedriver " + near + "?"
		}
		if other := insteadOf(args[0]); other != "" {
			hint = other
		}
		return "", usage(fmt.Sprintf("%s is neither a file nor a command", args[0]), hint)
	}
	if len(args) > 1 && slices.Contains(names(cmd.Root()), args[1]) {
		words := append([]string{"slavedriver", args[1], args[0]}, args[2:]...)
		return "", usage(fmt.Sprintf("one entry file is all that is taken; what is %s?", args[1]), "the command comes first: "+shellWords(words))
	}
	return args[0], oneArgument(cmd, args)
}

// mixedUp is about arguments that can be judged before a command looks at them:
// FILE and JOB the other way round, and a slave without a name.
func (c *command) mixedUp(cmd *cobra.Command, args []string) error {
	if flag := cmd.Flags().Lookup("slave"); flag != nil && flag.Changed && (flag.Value.String() == "" || flag.Value.String() == "[]") {
		return usage("--slave needs the name of a slave, and it is empty", "")
	}
	if len(args) < 2 || cmd.Name() != "why" && cmd.Name() != "stop" || isThere(args[0]) || !isThere(args[1]) {
		return nil
	}
	words := append([]string{"slavedriver", cmd.Name(), args[1], args[0]}, args[2:]...)
	return usage(fmt.Sprintf("%s is not there, and %s is no job", args[0], args[1]), "FILE comes first: "+shellWords(words))
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// shellWords is a command as it is typed.
func shellWords(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = shellWord(word)
	}
	return strings.Join(quoted, " ")
}

// insteadOf is what does what people who ask for another command want, or "".
func insteadOf(word string) string {
	switch word {
	case "status", "ps", "show", "jobs":
		return "slavedriver list FILE shows how the jobs went last and when they start next, slavedriver history FILE what became of each start"
	case "logs", "log", "output", "tail":
		return "slavedriver why FILE JOB names the folder with the output of its last run"
	case "disable", "enable", "pause", "resume":
		return "set enabled = false for the job in FILE, or true; it holds from the next minute on"
	case "run", "start", "exec":
		return "slavedriver FILE starts what is due now, slavedriver --at TIME FILE what was due then"
	case "restart", "reload":
		return "there is nothing to restart: each minute's call reads FILE anew"
	}
	return ""
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
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "int":
		return usage(fmt.Sprintf("--%s must be a whole number, not %q", invalid.GetFlag().Name, invalid.GetValue()), cmd.UseLine())
	case !errors.As(err, &unknown):
		return usage(err.Error(), cmd.CommandPath()+" --help")
	}
	name, hint := unknown.GetSpecifiedName(), cmd.CommandPath()+" --help"
	if unknown.GetSpecifiedShortnames() != "" { // "-x": too short to guess
		return usage("unknown flag -"+name, hint)
	}
	if cmd.HasParent() && (name == "at" || name == "strict") {
		return usage(fmt.Sprintf("--%s belongs to the shift alone (slavedriver FILE), not to slavedriver %s", name, cmd.Name()), hint)
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	if near := spelling.Nearest(name, known); near != "" {
		hint = "did you mean --" + near + "?"
	}
	return usage("unknown flag --"+name, hint)
}
