package luaapi

import (
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
	"slavedriver/internal/world"
)

// recordKind is a kind of table that tests read: its keys are known, so that
// another one is an error and not nil.
type recordKind[T any] struct {
	name string
	keys []recordKey[T]
}

// recordKey is one key of a record. value gives what toLua takes.
type recordKey[T any] struct {
	name, typ, doc string
	value          func(T) any
}

var runRecord = recordKind[world.Run]{"run", []recordKey[world.Run]{
	{"id", "string", "the run's id, the same for all its attempts", func(r world.Run) any { return r.Intent.RunID() }},
	{"job", "string", "the job's name", func(r world.Run) any { return r.Intent.Job }},
	{"slave", "string", "where it ran", func(r world.Run) any { return r.Slave }},
	{"attempt", "number", "which attempt, from 1", func(r world.Run) any { return r.Intent.Attempt }},
	{"scheduledAt", "number", "when it was due, as os.time()", func(r world.Run) any { return seconds(r.Intent.Instant) }},
	{"startedAt", "number", "when it was started", func(r world.Run) any { return seconds(r.StartedAt) }},
	{"endedAt", "number", "when it ended, nil while it runs", func(r world.Run) any { return seconds(r.EndedAt) }},
	{"exitCode", "number", "128 + n after signal n, nil while it runs or where nobody was there to tell", func(r world.Run) any {
		if !r.Exited {
			return nil
		}
		return r.Exit
	}},
	{"fence", "number", "the lease's fencing number, nil if there is no lease", func(r world.Run) any {
		if r.Intent.Fence == 0 {
			return nil
		}
		return r.Intent.Fence
	}},
	{"stdout", "string", "what it printed so far", func(r world.Run) any { return r.Stdout }},
	{"stderr", "string", "what it printed there so far", func(r world.Run) any { return r.Stderr }},
}}

var requestRecord = recordKind[world.Request]{"request", []recordKey[world.Request]{
	{"method", "string", "such as `\"POST\"`", func(r world.Request) any { return r.Method }},
	{"url", "string", "the whole URL", func(r world.Request) any { return r.URL }},
	{"headers", "table", "those that the handler gave, and those of the module", func(r world.Request) any { return named(r.Headers) }},
	{"body", "string", "what was sent", func(r world.Request) any { return string(r.Body) }},
	{"status", "number", "what was answered, nil if nothing was", func(r world.Request) any {
		if r.Status == 0 {
			return nil
		}
		return r.Status
	}},
	{"try", "number", "which try of a message of the outbox, from 1; each is a request of its own. 1 for others", func(r world.Request) any { return r.Try }},
	{"slave", "string", "who sent it", func(r world.Request) any { return r.Slave }},
	{"time", "number", "when, as os.time()", func(r world.Request) any { return seconds(r.Time) }},
}}

var mailRecord = recordKind[world.Mail]{"mail", []recordKey[world.Mail]{
	{"host", "string", "the server", func(m world.Mail) any { return m.Host }},
	{"from", "string", "the sender's address", func(m world.Mail) any { return m.From }},
	{"to", "list of strings", "the recipients, those of cc and bcc too", func(m world.Mail) any { return listed(slices.Concat(m.To, m.CC, m.BCC)) }},
	{"subject", "string", "its subject", func(m world.Mail) any { return m.Subject }},
	{"text", "string", "the plain text", func(m world.Mail) any { return m.Text }},
	{"html", "string", "the HTML", func(m world.Mail) any { return m.HTML }},
	{"attachments", "table", "the content of each by its name", func(m world.Mail) any {
		files := map[string]any{}
		for _, f := range m.Attachments {
			files[f.Name] = string(f.Content)
		}
		return files
	}},
	{"accepted", "boolean", "whether the server took it over", func(m world.Mail) any { return m.Taken }},
	{"try", "number", "which try of a message of the outbox, from 1; each is a mail of its own. 1 for others", func(m world.Mail) any { return m.Try }},
	{"slave", "string", "who sent it", func(m world.Mail) any { return m.Slave }},
	{"time", "number", "when, as os.time()", func(m world.Mail) any { return seconds(m.Time) }},
}}

var eventRecord = recordKind[world.Event]{"event", []recordKey[world.Event]{
	{"name", "string", "the event's name", func(e world.Event) any { return e.Name }},
	{"id", "string", "the same when the event is delivered again", func(e world.Event) any { return e.ID }},
	{"job", "string", "the job's name, nil for events of slavedriver itself", func(e world.Event) any {
		if e.Job == nil {
			return nil
		}
		return e.Job.Name
	}},
	{"params", "table", "what the event brings; to ask for another key is an error", func(e world.Event) any { return paramsOf{e} }},
	{"slave", "string", "whose event it is", func(e world.Event) any { return e.Slave }},
	{"time", "number", "when it happened, as os.time()", func(e world.Event) any { return seconds(e.Time) }},
}}

var logRecord = recordKind[world.Logged]{"log message", []recordKey[world.Logged]{
	{"level", "string", "such as `\"error\"`", func(l world.Logged) any { return string(l.Level) }},
	{"message", "string", "what was logged", func(l world.Logged) any { return l.Message }},
	{"slave", "string", "whose message it is", func(l world.Logged) any { return l.Slave }},
	{"time", "number", "when, as os.time()", func(l world.Logged) any { return seconds(l.Time) }},
}}

var executedRecord = recordKind[world.Executed]{"command", []recordKey[world.Executed]{
	{"command", "string", "what was to be executed", func(e world.Executed) any { return e.Command }},
	{"time", "number", "when, as os.time()", func(e world.Executed) any { return seconds(e.Time) }},
}}

// records gives a list of records to the script.
func records[T any](at site, kind recordKind[T], list []T) int {
	table := at.L.CreateTable(len(list), 0)
	mt := at.s.testMeta("record "+kind.name, kind.metatable)
	for i, one := range list {
		record := at.L.CreateTable(0, len(kind.keys))
		for _, key := range kind.keys {
			value := key.value(one)
			if params, ok := value.(paramsOf); ok {
				record.RawSetString(key.name, at.params(params.Event))
				continue
			}
			record.RawSetString(key.name, toLua(at.L, value))
		}
		record.Metatable = mt
		table.RawSetInt(i+1, record)
	}
	return at.give(table)
}

// metatable makes a key that there is not an error.
func (k recordKind[T]) metatable(s *Script, _ map[string]lua.LValue) *lua.LTable {
	var known []string
	for _, key := range k.keys {
		known = append(known, key.name)
	}
	return s.strict(k.name, known)
}

// paramsOf are those of an event, which have the keys of its kind.
type paramsOf struct{ world.Event }

// params are those of an event for a test.
func (at site) params(e world.Event) lua.LValue {
	table := at.L.NewTable()
	for name, v := range e.Params {
		table.RawSetString(name, toLua(at.L, v))
	}
	table.Metatable = at.s.testMeta("params "+e.Name, func(s *Script, _ map[string]lua.LValue) *lua.LTable {
		var known []string
		for _, doc := range engine.EventDocs {
			if doc.Name == e.Name {
				known = namesOfParams(doc)
			}
		}
		return s.strict("params of "+e.Name, known)
	})
	return table
}

func namesOfParams(doc engine.EventDoc) (names []string) {
	for _, p := range doc.Params {
		names = append(names, p.Name)
	}
	return names
}

// seconds is a time as os.time() gives it; nil: there is none.
func seconds(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}

func named(texts map[string]string) map[string]any {
	all := map[string]any{}
	for name, text := range texts {
		all[name] = text
	}
	return all
}

func listed(texts []string) []any {
	all := make([]any, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return all
}
