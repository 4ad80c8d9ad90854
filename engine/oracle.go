package engine

import (
	"sync/atomic"
)

// mostOracles is how many questions are put to the script at a time.
const mostOracles = 8

// oracles answer questions to the script: what schedule functions and
// conditions say. Each is the entry file loaded once more, so that a start waits
// neither for a handler that takes its time nor, up to mostOracles, for another
// job's question that hangs. All but what is said to be otherwise belongs to the
// shift's goroutine.
type oracles struct {
	d       *duty
	idle    []*oracle
	made    int
	waiting []question
}

// oracle is one of them.
type oracle struct {
	script Script
	asked  atomic.Pointer[question] // by its own goroutine
}

// question is put to a script in any goroutine; the answer is the shift's, and
// so is hung, for a script that does not come back.
type question struct {
	put  func(Script) (answer func())
	hung func()
}

// ask puts a question. Without Another the voice answers it, between two events.
func (o *oracles) ask(q question) {
	switch {
	case o.d.Another == nil:
		o.askVoice(q)
	case len(o.idle) > 0:
		last := len(o.idle) - 1
		free := o.idle[last]
		o.idle = o.idle[:last]
		go o.put(free, q)
	case o.made < mostOracles:
		o.made++
		go o.make(q)
	default:
		o.waiting = append(o.waiting, q)
	}
}

func (o *oracles) askVoice(q question) {
	o.d.voice.ask(func() func() { return q.put(o.d.Script) }, q.hung)
}

// make loads the entry file once more; where that fails the voice answers.
func (o *oracles) make(q question) {
	script, err := o.d.Another()
	if err != nil {
		o.d.send(func() {
			o.made--
			o.askVoice(q)
		})
		return
	}
	one := &oracle{script: script}
	script.OnHung(func() {
		if asked := one.asked.Load(); asked != nil {
			o.d.hangs(calling{what: "a function of a job", give: asked.hung}, o.d.ctx.Err() != nil)
		}
	})
	o.put(one, q)
}

// put asks, and hands the answer to the shift. One that the end of the shift cut
// off is none.
func (o *oracles) put(one *oracle, q question) {
	one.asked.Store(&q)
	answer := q.put(one.script)
	one.asked.Store(nil)
	o.d.send(func() {
		if o.d.ctx.Err() == nil {
			answer()
		}
		o.free(one)
	})
}

func (o *oracles) free(one *oracle) {
	if len(o.waiting) == 0 {
		o.idle = append(o.idle, one)
		return
	}
	next := o.waiting[0]
	o.waiting = o.waiting[1:]
	go o.put(one, next)
}
