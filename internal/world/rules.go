package world

import (
	"fmt"
	"slices"
	"time"

	"slavedriver/engine"
	"slavedriver/internal/imagined"
	"slavedriver/internal/runfile"
)

// Command is what the process of a job does. One that nothing is said about
// succeeds at once and prints nothing.
type Command struct {
	Slave string // "": every
	Job   string
	// Exits are the exit codes of the next starts, of which the last one stays;
	// none: 0.
	Exits []int
	After time.Duration // how long it runs
	Says  []imagined.Saying
	Deaf  bool // SIGTERM does not end it

	started int
}

// Prints adds what it writes to stdout, so long after its start.
func (c *Command) Prints(text string, after time.Duration) {
	c.Says = append(c.Says, imagined.Saying{After: after, Stream: runfile.Stdout, Text: text})
}

// PrintsError adds what it writes to stderr, so long after its start.
func (c *Command) PrintsError(text string, after time.Duration) {
	c.Says = append(c.Says, imagined.Saying{After: after, Stream: runfile.Stderr, Text: text})
}

// Answer is what a server of HTTP answers. Where no Answer fits, nobody does.
type Answer struct {
	Slave   string // who asks; "": any
	Pattern string // of the URL
	Status  int
	Body    string
	Fails   string // why there is no answer; "": there is one
	After   time.Duration
}

// Mailer is what becomes of a mail; without one, servers take mails over.
type Mailer struct {
	Slave   string // who sends; "": any
	Pattern string // of a recipient's address
	Fails   string // why it is not taken over; "": it is
	After   time.Duration
}

// Shell is what a command of os.execute or io.popen does. One that nothing is
// said about ends with 0 and prints nothing.
type Shell struct {
	Pattern string // of the command
	Exit    int
	Prints  string
}

// Command adds a rule, which counts before those that are there.
func (w *World) Command(c *Command) { add(w, &w.commands, c) }

// Answer adds a rule, which counts before those that are there.
func (w *World) Answer(a *Answer) { add(w, &w.answers, a) }

// Mailer adds a rule, which counts before those that are there.
func (w *World) Mailer(m *Mailer) { add(w, &w.mailers, m) }

// Shell adds a rule, which counts before those that are there.
func (w *World) Shell(s *Shell) { add(w, &w.shells, s) }

func add[T any](w *World, rules *[]*T, rule *T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*rules = append(*rules, rule)
}

// here says whether a rule for slave ("": all) is one for name.
func here(slave, name string) bool { return slave == "" || slave == name }

// act is what the process of an attempt does.
func (w *World) act(slave string, in runfile.Intent) imagined.Act {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := pick(w.commands, func(c *Command) bool { return here(c.Slave, slave) && c.Job == in.Job })
	if c == nil {
		return imagined.Act{}
	}
	a := imagined.Act{Lasts: c.After, Says: slices.Clone(c.Says), Deaf: c.Deaf}
	if n := len(c.Exits); n > 0 {
		a.Exit = c.Exits[min(c.started, n-1)]
	}
	c.started++
	return a
}

// execute is what becomes of a command that a handler has executed.
func (w *World) execute(command string) (status int, printed string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.executed = append(w.executed, Executed{time.Now(), command})
	w.note("", "executed: "+command)
	s := pick(w.shells, func(s *Shell) bool { return engine.MatchPattern(s.Pattern, command) })
	if s == nil {
		return 0, "", nil
	}
	return s.Exit, s.Prints, nil
}

// nobody is why there is no answer where none was imagined.
func nobody(url string) string {
	return fmt.Sprintf("nobody answers in this world; say what does: w:http(%q):replies(200)", url)
}

// Change changes rules that were added.
func (w *World) Change(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}
