package luaapi

import (
	"slices"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/internal/world"
)

// rule is something that a test says of a world, which it can say more about.
type rule[T any] struct {
	w     *worldObject
	about *T
}

// say changes a rule, and returns it so that calls chain.
func (r *rule[T]) say(at site, change func(*T)) int {
	r.w.Change(func() { change(r.about) })
	at.L.SetTop(1)
	return 1
}

// commandClass declares what is said of a job's process.
var commandClass = sync.OnceValue(func() *class[rule[world.Command]] {
	return &class[rule[world.Command]]{name: "command", fields: newFields[rule[world.Command]]("field"), methods: []method[rule[world.Command]]{
		{"exits", "code, ...", "is how it ends; of several codes each is one start's, and the last one stays", func(at site, r *rule[world.Command]) int {
			codes := at.exitCodes()
			return r.say(at, func(c *world.Command) { c.Exits = codes })
		}},
		{"after", "duration", "is how long it runs", func(at site, r *rule[world.Command]) int {
			d := at.after(2)
			return r.say(at, func(c *world.Command) { c.After = d })
		}},
		{"prints", "text [, duration]", "is what it writes to stdout, so long after its start", prints((*world.Command).Prints)},
		{"printsError", "text [, duration]", "is what it writes to stderr, so long after its start", prints((*world.Command).PrintsError)},
		{"ignoresTerm", "", "lets it live on when it is asked to end, until it is killed", func(at site, r *rule[world.Command]) int {
			return r.say(at, func(c *world.Command) { c.Deaf = true })
		}},
	}}
})

func prints(say func(c *world.Command, text string, after time.Duration)) func(at site, r *rule[world.Command]) int {
	return func(at site, r *rule[world.Command]) int {
		text, after := at.content(2, "prints"), time.Duration(0)
		if at.L.Get(3) != lua.LNil {
			after = at.after(3)
		}
		return r.say(at, func(c *world.Command) { say(c, text, after) })
	}
}

// answerClass declares what is said of a server.
var answerClass = sync.OnceValue(func() *class[rule[world.Answer]] {
	return &class[rule[world.Answer]]{name: "http", fields: newFields[rule[world.Answer]]("field"), methods: []method[rule[world.Answer]]{
		{"replies", "status [, body]", "is the answer", func(at site, r *rule[world.Answer]) int {
			status, err := whole(100, 599).decode(at, at.L.Get(2))
			if err != nil {
				at.raise(about("replies: the status", err))
			}
			body := ""
			if at.L.Get(3) != lua.LNil {
				body = at.content(3, "replies")
			}
			return r.say(at, func(a *world.Answer) { a.Status, a.Body, a.Fails = status, body, "" })
		}},
		{"fails", "[why]", "is that no answer comes", func(at site, r *rule[world.Answer]) int {
			why := at.why("connection refused")
			return r.say(at, func(a *world.Answer) { a.Fails = why })
		}},
		{"after", "duration", "is how long the answer takes", func(at site, r *rule[world.Answer]) int {
			d := at.after(2)
			return r.say(at, func(a *world.Answer) { a.After = d })
		}},
	}}
})

// mailerClass declares what is said of a mail server.
var mailerClass = sync.OnceValue(func() *class[rule[world.Mailer]] {
	return &class[rule[world.Mailer]]{name: "mail", fields: newFields[rule[world.Mailer]]("field"), methods: []method[rule[world.Mailer]]{
		{"accepts", "", "is that mails are taken over, as they are where nothing is said", func(at site, r *rule[world.Mailer]) int {
			return r.say(at, func(m *world.Mailer) { m.Fails = "" })
		}},
		{"fails", "[why]", "is that they are not", func(at site, r *rule[world.Mailer]) int {
			why := at.why("connection refused")
			return r.say(at, func(m *world.Mailer) { m.Fails = why })
		}},
		{"after", "duration", "is how long that takes", func(at site, r *rule[world.Mailer]) int {
			d := at.after(2)
			return r.say(at, func(m *world.Mailer) { m.After = d })
		}},
	}}
})

// shellClass declares what is said of a command of os.execute or io.popen.
var shellClass = sync.OnceValue(func() *class[rule[world.Shell]] {
	return &class[rule[world.Shell]]{name: "shell", fields: newFields[rule[world.Shell]]("field"), methods: []method[rule[world.Shell]]{
		{"exits", "code", "is how it ends", func(at site, r *rule[world.Shell]) int {
			codes := at.exitCodes()
			return r.say(at, func(s *world.Shell) { s.Exit = codes[0] })
		}},
		{"prints", "text", "is what it writes to stdout", func(at site, r *rule[world.Shell]) int {
			text := at.content(2, "prints")
			return r.say(at, func(s *world.Shell) { s.Prints = text })
		}},
	}}
})

// newCommand is w:command(job), or that of a slave.
func (at site) newCommand(w *worldObject, slave string) int {
	name, err := line.decode(at, at.L.Get(2))
	if err != nil {
		at.raise(about("command: the job", err))
	}
	if !slices.Contains(w.Jobs(), name) {
		at.raise(about("command:", unknown("job", name, w.Jobs())))
	}
	c := &world.Command{Slave: slave, Job: name}
	w.Command(c)
	return at.give(at.s.wrap(&rule[world.Command]{w, c}, at.s.testMeta("command", commandClass().metatable)))
}

// newAnswer is w:http(pattern), or that of a slave.
func (at site) newAnswer(w *worldObject, slave string) int {
	a := &world.Answer{Slave: slave, Pattern: at.pattern(), Status: 200}
	w.Answer(a)
	return at.give(at.s.wrap(&rule[world.Answer]{w, a}, at.s.testMeta("http", answerClass().metatable)))
}

// newMailer is w:mail([pattern]), or that of a slave.
func (at site) newMailer(w *worldObject, slave string) int {
	m := &world.Mailer{Slave: slave, Pattern: at.pattern()}
	w.Mailer(m)
	return at.give(at.s.wrap(&rule[world.Mailer]{w, m}, at.s.testMeta("mail", mailerClass().metatable)))
}

// newShell is w:shell(pattern).
func newShell(at site, w *worldObject) int {
	s := &world.Shell{Pattern: at.pattern()}
	w.Shell(s)
	return at.give(at.s.wrap(&rule[world.Shell]{w, s}, at.s.testMeta("shell", shellClass().metatable)))
}

// exitCodes are the arguments of exits.
func (at site) exitCodes() (codes []int) {
	for i := 2; i <= max(2, at.L.GetTop()); i++ {
		code, err := whole(0, 255).decode(at, at.L.Get(i))
		if err != nil {
			at.raise(about("exits: the exit code", err))
		}
		codes = append(codes, code)
	}
	return codes
}

// after is an argument that is a duration.
func (at site) after(i int) time.Duration {
	d, err := duration.decode(at, at.L.Get(i))
	if err != nil {
		at.raise(about("the duration", err))
	}
	return d
}

// content is an argument that is any string.
func (at site) content(i int, of string) string {
	text, ok := at.L.Get(i).(lua.LString)
	if !ok {
		at.raise(about(of+": the text", mustBe("a string", at.L.Get(i))))
	}
	return string(text)
}

// why is a reason that may be left out.
func (at site) why(otherwise string) string {
	if at.L.Get(2) == lua.LNil {
		return otherwise
	}
	text, err := line.decode(at, at.L.Get(2))
	if err != nil {
		at.raise(about("fails: why", err))
	}
	return text
}
