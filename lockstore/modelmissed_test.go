package lockstore_test

import (
	"fmt"
	"time"

	"slavedriver/engine"
)

// modelMiss is of what a slave did not start: on its disk until the store answered.
type modelMiss struct {
	modelIntent
	decided bool // it left it out
}

// toldMiss is who told that an instant was missed, and when, by the store's clock.
type toldMiss struct {
	token string
	at    time.Time
}

// intend decides about the minutes from first to minute, as engine's due does.
func (s *modelSlave) intend(job string, first, minute time.Time) {
	s.tokens++
	in := modelIntent{job: job, instant: minute, first: first, token: fmt.Sprint(s.name, "/", s.tokens)}
	if oldest := minute.Add(-catchUp); first.Before(oldest) {
		late := in
		late.instant, late.token = oldest.Add(-time.Minute), late.token+" late"
		s.misses = append(s.misses, modelMiss{modelIntent: late})
		in.first = oldest
	}
	s.intents = append(s.intents, &in)
}

// miss is to ask who tells that instants were missed, or to let others know that they
// were left out.
func (s *modelSlave) miss(in *modelIntent, decided bool) {
	s.misses = append(s.misses, modelMiss{modelIntent: *in, decided: decided})
}

// refused is what a refusal means for all instants of an intent.
func (s *modelSlave) refused(in *modelIntent, answer engine.Answer) {
	switch {
	case answer == engine.Forgotten:
		s.miss(in, false)
	case answer == engine.Held, in.first.Before(in.instant): // or another one's start makes them good
		s.miss(in, true)
	}
}

// settleMisses asks about what was not started; what gets lost is asked again.
func (s *modelSlave) settleMisses() bool {
	if len(s.misses) == 0 {
		return false
	}
	claims := make([]engine.Claim, len(s.misses))
	for i := range s.misses {
		claims[i] = s.claimOf(&s.misses[i].modelIntent)
		claims[i].Decided = s.misses[i].decided
	}
	if _, err := s.call(s.m.store.Miss, claims); err != nil {
		return true
	}
	for _, miss := range s.misses {
		if miss.decided {
			s.m.leftOut(miss)
		}
	}
	s.misses = nil
	return true
}

// untold notes what the store lets a token tell, also when the reply is lost.
func (m *model) untold(c engine.Claim, g engine.Grant) {
	for _, stretch := range g.Untold {
		for t := stretch.After.Add(time.Minute); !t.After(stretch.To); t = t.Add(time.Minute) {
			m.missed(startOf(c.Key, t), c.Token)
		}
	}
}

func (m *model) leftOut(miss modelMiss) {
	for t := miss.first; !t.After(miss.instant); t = t.Add(time.Minute) {
		m.ended[startOf(miss.job, t)] = true
	}
}

// missed notes that a token is to tell that an instant was missed; it may ask again
// after others have started it.
func (m *model) missed(at, token string) {
	if m.told[at].token == token {
		return
	}
	// What a token used up and did not start it tells, although a later start of
	// another slave that was off may have made it good as well.
	if began, ok := m.began[at]; ok && began.After(m.loss) && !m.had[token] {
		m.Fatalf("%s was started, or made good, and %s tells that it was missed", at, token)
	}
	if told, ok := m.told[at]; ok && told.at.After(m.loss) {
		m.Fatalf("%s tells that %s was missed, and %s does too", told.token, at, token)
	}
	m.told[at] = toldMiss{token: token, at: m.clock.now()}
	m.ended[at] = true
}

// checkEnded checks that each instant that some slave knew of has ended.
func (m *model) checkEnded(till time.Time) {
	for job := range modelJobs {
		for t := m.knownFrom.Add(time.Minute); !t.After(till); t = t.Add(time.Minute) {
			if at := startOf(jobName(job), t.Truncate(time.Minute)); !m.ended[at] {
				m.Fatalf("nobody says what became of %s", at)
			}
		}
	}
}
