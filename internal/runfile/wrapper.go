package runfile

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The wrapper is a few lines for /bin/sh. It has the status as descriptor 3,
// the job's stdout as 1 and stderr as 4; its own stderr is /dev/null, so that
// its words about the job ("Terminated") do not get among the job's.
//
// It traps every signal that can be trapped, with a command that does nothing,
// so that the subshell gets the default back. It sets no variable, and no
// function, before the job is over, so none can get into the job's way.
const (
	wrapperHead = "trap : " + trapped + "\n" +
		"echo \"pid $$\" >&3 || exit 125\n" +
		"(\n"
	// The empty line closes what a failed write may have left. A status that
	// cannot be written now is tried again: it is all that proves the end.
	wrapperTail = ")\n" +
		"s=$?\n" +
		"until echo \"\nexit $s\" >&3; do command -p sleep 1; done\n" +
		"times >&3\n"
	// What follows this is the job: no descriptor above 2 is left, and it has
	// lost the traps, so that a signal sent from now on is not swallowed.
	jobAlone = "echo run >&3\n" +
		"exec 2>&4 3>&- 4>&-\n"
)

// wrapper is the text of the wrapper under construction. The text holds
// nothing but constants: every value goes in as a positional parameter.
type wrapper struct {
	text   strings.Builder
	values []string
}

// wrapperArgs is the argument list of the wrapper that runs l.
func wrapperArgs(l Launch) []string {
	var w wrapper
	w.text.WriteString(wrapperHead)
	if l.Dir != "" {
		// A cd exports where it came from, which is nothing to the job.
		w.set("cd --", l.Dir, " && unset OLDPWD", "cannot enter the working directory")
	}
	if l.Umask >= 0 {
		w.set("umask", fmt.Sprintf("%04o", l.Umask), "", "cannot set the umask")
	}
	w.limit(l.Limits)
	if len(w.values) > 0 {
		fmt.Fprintf(&w.text, "shift %d\n", len(w.values))
	}
	w.text.WriteString(jobAlone)
	w.command(l)
	w.text.WriteString(wrapperTail)
	return append([]string{"/bin/sh", "-c", w.text.String(), "sh"}, w.values...)
}

// set adds a command that prepares the job; the job is not run if it fails.
func (w *wrapper) set(command, value, more, why string) {
	w.values = append(w.values, value)
	value = fmt.Sprintf(`"${%d}"`, len(w.values))
	more = strings.ReplaceAll(more, "VALUE", value)
	fmt.Fprintf(&w.text, "%s %s%s || { echo 'why %s' >&3; exit 125; }\n", command, value, more, why)
}

// limit sets hard and soft limits, in the shell's units: kilobytes for memory,
// 512 bytes for files.
func (w *wrapper) limit(l Limits) {
	for _, one := range []struct {
		name, command, more string
		value               int64
	}{
		{"cpuTime", "ulimit -t", "", roundUp(int64(l.CPUTime), int64(time.Second))},
		{"fileSize", "ulimit -f", "", roundUp(l.FileSize, 512)},
		{"openFiles", "ulimit -n", "", l.OpenFiles},
		{"addressSpace", "ulimit -v", "", roundUp(l.AddressSpace, 1024)},
		// Shells do not agree on the letter, and none has both for this.
		{"processes", "ulimit -u", " || ulimit -p VALUE", l.Processes},
	} {
		if one.value > 0 {
			w.set(one.command, strconv.FormatInt(one.value, 10), one.more, "cannot set the limit "+one.name)
		}
	}
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit }

// command adds the job's own command, in one of three forms. The first saves a
// process; its positional parameters are cleared.
func (w *wrapper) command(l Launch) {
	switch {
	case len(l.Args) > 0:
		w.text.WriteString("exec \"$@\"\n")
		w.values = append(w.values, l.Args...)
	case l.ShellPath == "" && !needsShell(l.Shell):
		w.text.WriteString("eval \"set --;$1\"\n")
		w.values = append(w.values, l.Shell)
	case l.ShellPath == "":
		w.text.WriteString("exec /bin/sh -c \"$1\" sh\n")
		w.values = append(w.values, l.Shell)
	default:
		w.text.WriteString("exec \"$1\" -c \"$2\"\n")
		w.values = append(w.values, l.ShellPath, l.Shell)
	}
}

// needsShell says whether a command would notice that it has no shell process
// of its own: in a subshell $$ is the wrapper. What a script that it sources
// or a text that it evaluates says cannot be known, so it counts as well.
func needsShell(command string) bool {
	for _, sign := range []string{"$$", "{$", "PPID", "eval", ". "} {
		if strings.Contains(command, sign) {
			return true
		}
	}
	return false
}
