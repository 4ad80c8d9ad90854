package lockstore_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"slavedriver/engine"
)

// modelSlave follows the engine's protocol (engine/lease.go, pump.go, start.go):
// evaluate, commit, acquire, confirm, start within 150 s, renew, release. Each
// move is one of these steps; in between it may die.
type modelSlave struct {
	m      *model
	name   string
	offset time.Duration // of its clock

	// What is on its disk.
	met       time.Time
	evaluated time.Time // by its clock
	intents   []*modelIntent
	misses    []modelMiss // of which the store is to say or to know
	runs      []*modelRun
	tokens    int

	// What a crash takes away.
	up      bool
	wakes   time.Time // its next shift
	renewed time.Time

	loses  loss // what happens to the next call
	cutOff time.Time
}

// loss is what happens to a call.
type loss int

const (
	loseNothing loss = iota
	loseRequest
	loseReply // it was done
)

// phase of an intent; a crash takes it back to waiting.
type phase int

const (
	waiting phase = iota
	claimed
	confirmed
)

type modelIntent struct {
	job     string
	instant time.Time
	first   time.Time // the oldest that it is made for
	token   string
	phase   phase
	sent    time.Time // its Confirm
	fence   int64
}

type modelRun struct {
	modelIntent
	slave *modelSlave
	held  time.Time // when the store last heard of it, by the store's clock
	ends  time.Time
	lost  bool // it was told that its lease was lost
}

func (s *modelSlave) clock() time.Time { return s.m.clock.now().Add(s.offset) }

// setClock sets its clock to one that is at most 90 s off.
func (s *modelSlave) setClock() {
	s.offset = time.Duration(s.m.pick(2*int(fastest/time.Second)+1))*time.Second - fastest
}

// meet is its first contact. A slave that has not met the store before that loses
// its memory cannot know of the loss; see docs/decisions.
func (s *modelSlave) meet() {
	grants, err := s.m.store.Acquire(context.Background(), []engine.Claim{{Key: "first contact", Token: s.name, Holder: s.name}})
	if err != nil {
		s.m.Fatalf("%v", err)
	}
	s.met = grants[0].Now
}

// crash takes its memory; its next shift begins with its next minute.
func (s *modelSlave) crash() {
	s.up = false
	s.wakes = s.clock().Truncate(time.Minute).Add(time.Minute)
	for _, in := range s.intents {
		in.phase = waiting
	}
}

// move makes one step.
func (s *modelSlave) move() {
	if !s.up {
		if s.clock().Before(s.wakes) {
			return
		}
		s.up, s.renewed = true, time.Time{} // adopted runs are renewed at once
	}
	s.evaluate()
	switch {
	case s.renew():
	case s.release():
	case s.settleMisses():
	case s.startOne():
	case s.confirm():
	default:
		s.acquire()
	}
}

// evaluate makes intents of what is due: of several missed ones the last, for all
// that are not too old.
func (s *modelSlave) evaluate() {
	minute := s.clock().Truncate(time.Minute)
	if minute.After(s.evaluated) {
		for job := range modelJobs {
			s.intend(jobName(job), s.evaluated.Add(time.Minute), minute)
		}
		s.evaluated = minute
	}
	s.intents = slices.DeleteFunc(s.intents, func(in *modelIntent) bool {
		late := s.clock().Sub(in.instant) > catchUp
		busy := slices.ContainsFunc(s.runs, func(r *modelRun) bool { return r.job == in.job && !s.over(r) })
		if in.phase == waiting && (late || busy) {
			s.miss(in, busy)
		}
		return in.phase == waiting && (late || busy)
	})
}

func (s *modelSlave) over(r *modelRun) bool { return !s.m.clock.now().Before(r.ends) }

// call asks the store about intents, if the call does not get lost.
func (s *modelSlave) call(do func(context.Context, []engine.Claim) ([]engine.Grant, error), claims []engine.Claim) ([]engine.Grant, error) {
	loses := s.loses
	s.loses = loseNothing
	if loses == loseRequest || s.m.clock.now().Before(s.cutOff) {
		return nil, errors.New("the request was lost")
	}
	grants, err := do(context.Background(), claims)
	for i, g := range grants {
		if g.Answer == engine.Granted && g.Fence != 0 {
			s.m.granted(claims[i], g)
		}
		s.m.untold(claims[i], g)
	}
	if loses == loseReply {
		return nil, errors.New("the reply was lost")
	}
	return grants, err
}

func (s *modelSlave) claimOf(in *modelIntent) engine.Claim {
	return engine.Claim{
		Key: in.job, Instant: in.instant, After: in.first.Add(-time.Minute), Token: in.token, Fence: in.fence,
		Remember: catchUp + time.Hour, Holder: s.name, Met: s.met,
	}
}

// ask lets the intents of a phase go on as the store answers.
func (s *modelSlave) ask(in phase, do func(context.Context, []engine.Claim) ([]engine.Grant, error), then func(*modelIntent)) bool {
	var intents []*modelIntent
	var claims []engine.Claim
	for _, i := range s.intents {
		if i.phase == in {
			intents, claims = append(intents, i), append(claims, s.claimOf(i))
		}
	}
	if len(intents) == 0 {
		return false
	}
	grants, err := s.call(do, claims)
	for n, i := range intents {
		switch {
		case err != nil:
			i.phase = waiting
		case grants[n].Answer == engine.Granted:
			i.fence = grants[n].Fence
			then(i)
		case grants[n].Answer == engine.Claimed:
			i.phase = waiting
		default: // used, held, forgotten: it is not started here
			s.refused(i, grants[n].Answer)
			s.drop(i)
		}
	}
	return true
}

func (s *modelSlave) drop(in *modelIntent) {
	s.intents = slices.DeleteFunc(s.intents, func(i *modelIntent) bool { return i == in })
}

func (s *modelSlave) acquire() bool {
	return s.ask(waiting, s.m.store.Acquire, func(in *modelIntent) { in.phase = claimed })
}

func (s *modelSlave) confirm() bool {
	sent := s.m.clock.now()
	return s.ask(claimed, s.m.store.Confirm, func(in *modelIntent) { in.phase, in.sent = confirmed, sent })
}

// startOne starts one confirmed intent, unless it was confirmed too long ago.
func (s *modelSlave) startOne() bool {
	i := slices.IndexFunc(s.intents, func(in *modelIntent) bool { return in.phase == confirmed })
	if i < 0 {
		return false
	}
	in := s.intents[i]
	if s.m.clock.now().Sub(in.sent) > engine.StartWithin {
		in.phase = waiting
		return true
	}
	s.drop(in)
	r := &modelRun{modelIntent: *in, slave: s, held: in.sent, ends: s.m.clock.now().Add(time.Duration(s.m.pick(200)) * time.Second)}
	s.m.start(r)
	s.runs = append(s.runs, r)
	return true
}

// renew renews what runs when it is time.
func (s *modelSlave) renew() bool {
	if s.m.clock.now().Sub(s.renewed) < engine.LeaseFor/3 {
		return false
	}
	s.renewed = s.m.clock.now()
	var runs []*modelRun
	var holds []engine.Claim
	for _, r := range s.runs {
		if !s.over(r) && !r.lost {
			runs, holds = append(runs, r), append(holds, s.claimOf(&r.modelIntent))
		}
	}
	if len(runs) == 0 {
		return false
	}
	grants, err := s.call(s.m.store.Renew, holds)
	for i, r := range runs {
		if err == nil && grants[i].Answer == engine.Granted {
			r.held, r.fence = s.m.clock.now(), grants[i].Fence
		} else if err == nil {
			r.lost = true
		}
	}
	return true
}

// release gives up what ended; what fails is tried again.
func (s *modelSlave) release() bool {
	i := slices.IndexFunc(s.runs, s.over)
	if i < 0 {
		return false
	}
	r := s.runs[i]
	s.m.live[r.job] = slices.DeleteFunc(s.m.live[r.job], func(o *modelRun) bool { return o == r })
	grants, err := s.call(s.m.store.Release, []engine.Claim{s.claimOf(&r.modelIntent)})
	if err == nil && grants[0].Answer != engine.Granted {
		s.m.Fatalf("%s of %s was started once, and its slave told of a second start: %+v", startOf(r.job, r.instant), s.name, grants[0])
	}
	if err == nil {
		s.runs = slices.Delete(s.runs, i, i+1)
	}
	return true
}

// endAll ends what runs, and gives it up.
func (s *modelSlave) endAll() {
	for _, r := range s.runs {
		r.ends = s.m.clock.now()
	}
	for s.release() {
	}
}
