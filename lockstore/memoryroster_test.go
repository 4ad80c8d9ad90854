package lockstore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"slavedriver/engine"
	"slavedriver/lockstore"
)

// The roster in memory answers as roster.lua does, whoever notes itself when,
// watches whom, and makes which of its reports.
func TestMemoryRosterIsRedis(t *testing.T) {
	const names = 4
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random, c := rand.New(rand.NewPCG(seed, 1)), newClock()
			redis, memory := miniRoster(t, c), lockstore.NewMemory(c.now)
			lists := [][]string{nil, {"s0", "s1", "s2", "s3"}, {"s0", "s1", "s2", "s3"}, {"s1", "s9"}}
			held := map[string][]engine.SlaveReport{}
			for step := range 400 {
				name := fmt.Sprint("s", random.IntN(names))
				id := fmt.Sprint("id-", name, random.IntN(20)/19)
				note := engine.Note{Slave: engine.Slave{Name: name, ID: id, Running: []string{}}, Watch: lists[random.IntN(len(lists))]}
				if random.IntN(4) > 0 {
					note.Made = held[name]
					delete(held, name)
				}
				want, err1 := redis.Note(t.Context(), note)
				got, err2 := memory.Note(t.Context(), note)
				if err1 != nil || err2 != nil || !sameMuster(got, want) {
					t.Fatalf("step %d: %+v: %+v (%v), want %+v (%v)", step, note, got, err2, want, err1)
				}
				for _, report := range want.Reports {
					report.LastSeen = report.LastSeen.UTC() // as it may come from the agenda
					held[name] = append(held[name], report)
				}
				c.advance([]time.Duration{time.Second, 25 * time.Second, time.Minute, time.Minute, 2 * time.Minute, 4 * time.Minute}[random.IntN(6)])
				if random.IntN(100) == 0 {
					c.advance(25 * time.Hour)
				}
			}
			all, _, _ := redis.Slaves(t.Context())
			same, _, _ := memory.Slaves(t.Context())
			if len(all)+len(same) > 0 && !reflect.DeepEqual(all, same) {
				t.Errorf("the slaves are %+v, want %+v", same, all)
			}
		})
	}
}

// sameMuster compares answers, in which an empty list is no list.
func sameMuster(a, b engine.Muster) bool {
	return a.Now.Equal(b.Now) && reflect.DeepEqual(a.Namesakes, b.Namesakes) &&
		(len(a.Reports)+len(b.Reports) == 0 || reflect.DeepEqual(a.Reports, b.Reports))
}

func TestMemoryRosterDown(t *testing.T) {
	s := lockstore.NewMemory(newClock().now)
	s.SetDown(true)
	_, err := s.Note(t.Context(), engine.Note{Slave: engine.Slave{Name: "a"}})
	_, _, err2 := s.Slaves(t.Context())
	_, err3 := s.History(t.Context(), "", 1)
	for _, err := range []error{err, err2, err3, s.AddEnded(t.Context(), nil)} {
		if !errors.Is(err, lockstore.ErrDown) {
			t.Errorf("a store that is down says %v", err)
		}
	}
}
