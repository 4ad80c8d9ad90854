package luaapi

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
	"slavedriver/internal/redact"
	"slavedriver/modules"
)

// mostEarlyMessages is how many messages are kept while there is no logger yet.
const mostEarlyMessages = 1000

// moduleState is what a script has for the modules (slavedriver.http, ...).
type moduleState struct {
	world   modules.World
	secrets redact.Secrets
	loaded  bool // the entry file is

	missingSecrets []string // what loading did not get, and why

	log      engine.Logger // nil until UseLog
	early    []func()      // messages that wait for it
	inLogger bool          // a logger function of the script is running

	// What is being told; with letters, it makes the ids of letters.
	event   *engine.Event // nil: none
	starter Starter
	handler int
	letters int // that this handler has written

	arrayMeta, numberMeta *lua.LTable
	null                  *lua.LUserData
}

// UseSender says what carries requests and mails out; without it, the network.
func (s *Script) UseSender(sender modules.Sender) { s.world.Sender = sender }

// UseOutbox says where messages with outbox = true are kept.
func (s *Script) UseOutbox(outbox modules.Outbox) { s.world.Outbox = outbox }

// UseLog says where slavedriver.log writes; what was logged before comes first.
func (s *Script) UseLog(log engine.Logger) {
	s.log = log
	for _, write := range s.early {
		write()
	}
	s.early = nil
}

// Secrets are what the script asked slavedriver.secret for: what is to be kept
// out of logs and output. More may come at any time.
func (s *Script) Secrets() *redact.Secrets { return &s.secrets }

// openModules prepares what the modules need; a module itself is made when it
// is required.
func (s *Script) openModules() {
	s.world = modules.World{
		Getenv: s.getenv, Sender: &modules.Network{}, Secrets: &s.secrets, Log: s.logFromScript, LetterID: s.letterID,
		Missing: func() []string { return s.missingSecrets }, Doubt: s.doubt,
	}
	s.openValues()
}

// builtin is the loader of a module of ours, or nil.
func (s *Script) builtin(name string) *lua.LFunction {
	if name == testModule {
		return s.L.NewFunction(func(L *lua.LState) int {
			at := site{s: s, L: L}
			if s.o.tests == nil {
				at.raise(wrong("%s is for files of tests", testModule).hinting("a file NAME_test.lua is run by: slavedriver test"))
			}
			return at.give(s.newTestModule())
		})
	}
	m := modules.ByName(strings.TrimPrefix(name, modules.Prefix))
	if m == nil || !strings.HasPrefix(name, modules.Prefix) {
		return nil
	}
	return s.L.NewFunction(func(L *lua.LState) int { return site{s: s, L: L}.give(s.newModule(m)) })
}

// newModule makes the table of a module. Its functions are called with a dot;
// a colon is forgiven.
func (s *Script) newModule(m *modules.Module) *lua.LTable {
	table, name := s.L.NewTable(), modules.Prefix+m.Name
	var known []string
	for i := range m.Functions {
		f := &m.Functions[i]
		known = append(known, f.Name)
		table.RawSetString(f.Name, s.L.NewFunction(func(L *lua.LState) int {
			if L.Get(1) == table {
				L.Remove(1)
			}
			return site{s: s, L: L}.callModule(m.Name, f)
		}))
	}
	for _, c := range m.Constants {
		known = append(known, c.Name)
		table.RawSetString(c.Name, s.moduleValue(c.Value))
	}
	mt := s.L.NewTable()
	mt.RawSetString("__index", s.L.NewFunction(func(L *lua.LState) int {
		site{s: s, L: L}.raise(about(name+":", unknown("function", L.Get(2).String(), known)))
		return 0
	}))
	mt.RawSetString("__metatable", lua.LFalse)
	table.Metatable = mt
	return table
}

// callModule calls a function of a module. Wrong arguments are thrown; what
// fails all the same is nil and a message.
func (at site) callModule(module string, f *modules.Function) int {
	name := module + "." + f.Name
	if f.Network && !at.s.loaded {
		at.raise(wrong("%s cannot be used while the entry file loads", name).
			hinting("use it in handlers: the entry file is loaded every minute, on `check` and `list` too"))
	}
	args, err := at.moduleArgs(f)
	if err != nil {
		at.raise(about(name+":", err))
	}
	results, err := f.Run(&modules.Call{Context: at.L.Context(), World: &at.s.world, Args: args})
	at.inTime()
	var m *modules.ArgumentError
	switch {
	case errors.As(err, &m):
		at.raise(about(name+":", wrong("%s", m.Message).hinting(m.Hint)))
	case err != nil && !f.Fails:
		at.raise(about(name+":", err))
	case err != nil:
		at.missingSecret(module, f, err)
		at.L.Push(lua.LNil)
		at.L.Push(lua.LString(at.s.secrets.String(err.Error())))
		return 2
	}
	for _, v := range results {
		at.L.Push(at.s.moduleValue(v))
	}
	return len(results)
}

// missingSecret notes that the entry file did not get a secret: most files drop the
// message, and nobody would know before what needs the secret fails.
func (at site) missingSecret(module string, f *modules.Function, err error) {
	if module != "secret" || at.s.loaded {
		return
	}
	told := at.L.Get(1).String()
	sentence := at.s.secrets.String(fmt.Sprintf("%s: secret.%s(%q): %v", at.position(), f.Name, told, err))
	if !slices.Contains(at.s.missingSecrets, sentence) { // in a loop
		at.s.missingSecrets = append(at.s.missingSecrets, sentence)
		at.s.warnings = append(at.s.warnings, sentence)
	}
}

// moduleArgs reads the arguments of a call by their declarations.
func (at site) moduleArgs(f *modules.Function) (modules.Args, error) {
	args := modules.Args{}
	if n := at.L.GetTop(); n > len(f.Params) {
		return nil, wrong("takes %s, but there are %d", count(len(f.Params), "argument"), n)
	}
	for i := range f.Params {
		p, v := &f.Params[i], at.L.Get(i+1)
		if p.Type == modules.TypeOptions {
			if v == lua.LNil && !p.Required {
				v = at.L.NewTable()
			}
			if err := at.moduleRecord("option", f.Options, v, args); err != nil {
				return nil, err
			}
			continue
		}
		if err := at.moduleArg(p, v, args); err != nil {
			return nil, err
		}
	}
	return args, nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// moduleRecord reads a table with those keys; what is one of them in messages.
func (at site) moduleRecord(what string, keys []modules.Param, v lua.LValue, into modules.Args) error {
	t, ok := v.(*lua.LTable)
	if !ok {
		m := mustBe("a table of "+what+"s", v)
		if what == "option" {
			return about("the options", m)
		}
		return m
	}
	var names, strangers []string
	for i := range keys {
		names = append(names, keys[i].Name)
	}
	t.ForEach(func(key, _ lua.LValue) {
		if !slices.Contains(names, key.String()) || key.Type() != lua.LTString {
			strangers = append(strangers, key.String())
		}
	})
	if len(strangers) > 0 {
		return unknown(what, slices.Min(strangers), names)
	}
	for i := range keys {
		if err := at.moduleArg(&keys[i], t.RawGetString(keys[i].Name), into); err != nil {
			return err
		}
	}
	return nil
}

// moduleArg reads one value by its declaration.
func (at site) moduleArg(p *modules.Param, v lua.LValue, into modules.Args) error {
	subject := "`" + p.Name + "`"
	if v == lua.LNil {
		if p.Required {
			return about(subject, wrong("is missing"))
		}
		return nil
	}
	value, err := at.moduleDecode(p, v)
	if err == nil && p.Check != nil {
		if problem := p.Check(value); problem != nil {
			err = wrong("%v", problem)
		}
	}
	if err != nil {
		return about(subject, err)
	}
	into[p.Name] = value
	return nil
}

// letterID is the same for the same letter of the same handler about the same
// event: when the event is told again, because a shift died in the handler, the
// receiver can tell. Outside of handlers it is random.
func (s *Script) letterID(content []byte) string {
	sum := sha256.New()
	if s.event != nil {
		fmt.Fprintf(sum, "%s\n%s\n%s\n%s\n%d\n%d\n", s.entry, s.namespace, s.plan.Slave, s.event.ID, s.handler, s.letters)
		s.letters++
		sum.Write(content)
	} else {
		sum.Write([]byte(rand.Text()))
	}
	h := fmt.Sprintf("%x", sum.Sum(nil))
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:32]
}

// telling notes which handler is called for which event, for letterID; nil at
// the end.
func (s *Script) telling(event *engine.Event, handler int) {
	s.event, s.handler, s.letters = event, handler, 0
}

// logFromScript is what slavedriver.log does. A logger that logs would never
// come to an end.
func (s *Script) logFromScript(level, message string, fields map[string]any) error {
	if s.inLogger {
		return wrong("cannot be used in a logger: what it logs would come back to it")
	}
	write := func() { s.log.Log(engine.Level(level), message, fields) }
	switch {
	case s.log != nil:
		write()
	case s.o.ForFunction: // the shift has said it
	case len(s.early) < mostEarlyMessages:
		s.early = append(s.early, write)
	}
	return nil
}

// doubt is log.doubt: a warning of check, at the line of the entry file, or of a file
// of jobs, that led to it.
func (s *Script) doubt(message string) error {
	if s.loaded {
		return wrong("is for the time while the entry file loads").hinting("log.warning writes into the log")
	}
	s.warn("%s: %s", chunkCaller(s.L), s.secrets.String(message))
	return nil
}

// redacted is an error of loading, with no secret in it.
func (s *Script) redacted(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	e.Message, e.Hint = s.secrets.String(e.Message), s.secrets.String(e.Hint)
	return err
}
