package luaapi

import (
	"slices"
	"strings"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
	"slavedriver/internal/world"
)

// worldObject is what t.world returns.
type worldObject struct {
	*world.World
	o worldOptions
}

// slaveObject is what w:slave returns.
type slaveObject struct {
	w *worldObject
	s *world.Slave
}

// storeObject is what w:lockstore returns.
type storeObject struct{ w *worldObject }

// worldClass declares what tests can do with a world.
var worldClass = sync.OnceValue(func() *class[worldObject] {
	return &class[worldObject]{name: "world", fields: newFields[worldObject]("field"), methods: slices.Concat(
		worldCauses, worldRecords,
	)}
})

// worldCauses are what makes something happen.
var worldCauses = []method[worldObject]{
	{"advance", "duration", "lets the time pass: cron calls a shift on each slave, one second into each minute", advance},
	{"command", "job", "says what a job's process does, on every slave", func(at site, w *worldObject) int { return at.newCommand(w, "") }},
	{"http", "pattern", "says what is answered to requests for URLs", func(at site, w *worldObject) int { return at.newAnswer(w, "") }},
	{"mail", "[pattern]", "says what becomes of mails to addresses", func(at site, w *worldObject) int { return at.newMailer(w, "") }},
	{"shell", "pattern", "says what becomes of commands of os.execute and io.popen", newShell},
	{"slave", "name", "returns the slave of that name, which is made and switched on if it is not there", newSlaveObject},
	{"kill", "", "is a power cut on the first slave: shift and jobs are gone, and no shift comes",
		func(_ site, w *worldObject) int { w.First().Kill(); return 0 }},
	{"start", "", "switches the first slave on again", func(_ site, w *worldObject) int { w.First().Start(); return 0 }},
	{"killShift", "", "ends the shift that is on duty on the first slave, as kill -9 does; its jobs go on",
		func(_ site, w *worldObject) int { w.First().KillShift(); return 0 }},
	{"lockstore", "", "returns the lock store, which can be taken away", func(at site, w *worldObject) int {
		return at.give(at.s.wrap(&storeObject{w}, at.s.testMeta("lockstore", storeObjectClass().metatable)))
	}},
}

// worldRecords are what has happened.
var worldRecords = []method[worldObject]{
	{"runs", "[job]", "returns the processes that were started, in order", func(at site, w *worldObject) int {
		return records(at, runRecord, w.Runs(at.jobPattern(w)))
	}},
	{"requests", "[pattern]", "returns the HTTP requests that were made, each try of the outbox too", func(at site, w *worldObject) int {
		return records(at, requestRecord, w.Requests(at.pattern()))
	}},
	{"mails", "", "returns the mails that were handed over, or were to be, each try of the outbox too", func(at site, w *worldObject) int {
		return records(at, mailRecord, w.Mails())
	}},
	{"events", "[pattern]", "returns the events, whether handlers were attached to them or not (slavedriver.started and .finished only if)", worldEvents},
	{"log", "", "returns what was logged", func(at site, w *worldObject) int { return records(at, logRecord, w.Logged()) }},
	{"commands", "[pattern]", "returns the commands of os.execute and io.popen, none of which was executed", func(at site, w *worldObject) int {
		return records(at, executedRecord, w.Executed(at.pattern()))
	}},
	{"printed", "", "returns what the entry file and its handlers printed", func(at site, w *worldObject) int {
		return at.give(lua.LString(w.Printed()))
	}},
	{"story", "", "returns what happened, a line for each thing", func(at site, w *worldObject) int {
		return at.give(lua.LString(strings.Join(w.Story(), "\n")))
	}},
	{"now", "", "returns the time, as os.time() does", func(at site, _ *worldObject) int { return at.give(unix(time.Now())) }},
}

// slaveObjectClass declares what tests can do with a slave.
var slaveObjectClass = sync.OnceValue(func() *class[slaveObject] {
	return &class[slaveObject]{name: "slave", fields: newFields[slaveObject]("field"), methods: []method[slaveObject]{
		{"command", "job", "says what a job's process does, on this slave", func(at site, o *slaveObject) int { return at.newCommand(o.w, o.s.Name()) }},
		{"http", "pattern", "says what is answered to this slave", func(at site, o *slaveObject) int { return at.newAnswer(o.w, o.s.Name()) }},
		{"mail", "[pattern]", "says what becomes of this slave's mails", func(at site, o *slaveObject) int { return at.newMailer(o.w, o.s.Name()) }},
		{"kill", "", "is a power cut: shift and jobs are gone, and no shift comes", func(_ site, o *slaveObject) int { o.s.Kill(); return 0 }},
		{"start", "", "switches it on again", func(_ site, o *slaveObject) int { o.s.Start(); return 0 }},
		{"killShift", "", "ends the shift that is on duty, as kill -9 does; its jobs go on", func(_ site, o *slaveObject) int { o.s.KillShift(); return 0 }},
	}}
})

// storeObjectClass declares what tests can do with the lock store.
var storeObjectClass = sync.OnceValue(func() *class[storeObject] {
	return &class[storeObject]{name: "lockstore", fields: newFields[storeObject]("field"), methods: []method[storeObject]{
		{"down", "", "lets nobody reach the lock store; it keeps its memory", func(_ site, o *storeObject) int { o.w.SetStoreDown(true); return 0 }},
		{"up", "", "lets it be reached again", func(_ site, o *storeObject) int { o.w.SetStoreDown(false); return 0 }},
		{"forget", "", "lets it lose its memory, as a restart without a disk does", func(_ site, o *storeObject) int { o.w.ForgetStore(); return 0 }},
	}}
})

// advance is w:advance(duration).
func advance(at site, w *worldObject) int {
	d, err := positive.decode(at, at.L.Get(2))
	if err != nil {
		at.raise(about("advance: the duration", err))
	}
	if err := w.Advance(d); err != nil {
		at.raise(brokenSince(err))
	}
	return 0
}

// newSlaveObject is w:slave(name).
func newSlaveObject(at site, w *worldObject) int {
	name, err := line.decode(at, at.L.Get(2))
	if err != nil {
		at.raise(about("slave: the name", err))
	}
	s, err := w.Slave(name)
	if err != nil {
		at.raise(notLoaded(err))
	}
	return at.give(at.s.wrap(&slaveObject{w, s}, at.s.testMeta("slave", slaveObjectClass().metatable)))
}

// worldEvents is w:events([pattern]).
func worldEvents(at site, w *worldObject) int {
	pattern := "*"
	if v := at.L.Get(2); v != lua.LNil {
		var err error
		if pattern, err = eventPattern(at, v); err != nil {
			at.raise(about("events:", err))
		}
	}
	if w.Unheard(pattern) {
		at.raise(wrong("events: %s comes in a world only where the entry file has a handler for it", pattern).
			hinting("minutes in which a shift would do nothing are passed over, where nobody wants to know of them"))
	}
	return records(at, eventRecord, w.Events(pattern))
}

// pattern is the argument of a method that takes one or none.
func (at site) pattern() string {
	v := at.L.Get(2)
	if v == lua.LNil {
		return "*"
	}
	pattern, err := line.decode(at, v)
	if err != nil {
		at.raise(about("the pattern", err))
	}
	return pattern
}

// jobPattern is one that a job matches.
func (at site) jobPattern(w *worldObject) string {
	pattern := at.pattern()
	if pattern != "*" && !slices.ContainsFunc(w.Jobs(), func(name string) bool { return engine.MatchPattern(pattern, name) }) {
		at.raise(unknown("job", pattern, w.Jobs()))
	}
	return pattern
}
