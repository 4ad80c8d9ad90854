package lockstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"slavedriver/engine"
)

// askAgain is how long a cluster's node that said nothing is not connected to: the
// others' answers would wait for its silence with each call.
const askAgain = 5 * time.Second

// silence is which nodes said nothing, until when they are not asked again, and
// what was seen of it.
type silence struct {
	mu    sync.Mutex
	until map[string]time.Time
	why   map[string]error
}

func (s *silence) note(addr string, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until == nil {
		s.until, s.why = map[string]time.Time{}, map[string]error{}
	}
	s.until[addr], s.why[addr] = time.Now().Add(askAgain), why
}

// of is why a node is not asked now, or nil.
func (s *silence) of(addr string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !time.Now().Before(s.until[addr]) {
		return nil
	}
	return fmt.Errorf("%s did not answer a moment ago: %w", addr, s.why[addr])
}

// runOnNodes makes calls on a cluster, those of each node apart from the others:
// a node that is gone, or hangs, keeps only its own from being answered.
func (s *redisStore) runOnNodes(ctx context.Context, client *redis.ClusterClient, calls []call) ([]reply, error) {
	parts, err := within(ctx, func() (map[*redis.Client][]int, error) { return partsOf(ctx, client, calls) })
	if err != nil {
		return nil, err
	}
	replies := make([]reply, len(calls))
	var asked sync.WaitGroup
	for _, part := range parts {
		asked.Go(func() {
			mine := make([]call, len(part))
			for n, i := range part {
				mine[n] = calls[i]
			}
			// By the cluster's client, which follows slots that moved.
			answers, err := within(ctx, func() ([]reply, error) { return s.tell(ctx, client, mine), nil })
			for n, i := range part {
				if replies[i].err = err; err == nil {
					replies[i] = answers[n]
				}
			}
		})
	}
	asked.Wait()
	return replies, verdict(replies)
}

// partsOf are the calls of each node, by their place in calls.
func partsOf(ctx context.Context, client *redis.ClusterClient, calls []call) (map[*redis.Client][]int, error) {
	parts := map[*redis.Client][]int{}
	for i, c := range calls {
		node, err := client.MasterForKey(ctx, c.keys[0])
		if err != nil {
			return nil, err
		}
		parts[node] = append(parts[node], i)
	}
	return parts, nil
}

// verdict is the error of all calls, if they have one together: none was answered,
// or some node refuses what is asked, which others would as well.
func verdict(replies []reply) error {
	answered := false
	for _, r := range replies {
		if r.err != nil && !away(r.err) {
			return r.err
		}
		answered = answered || r.err == nil
	}
	if answered {
		return nil
	}
	return all(replies, nil)
}

// away says whether an error means that a node did not answer, or that it cannot
// for now, as opposed to one that refuses us, or is not what we take it for.
func away(err error) bool {
	var said redis.Error
	if !errors.As(err, &said) {
		return !errors.Is(err, errNotOurs) && !errors.Is(err, errClosed)
	}
	for _, is := range []func(error) bool{
		redis.IsLoadingError, redis.IsReadOnlyError, redis.IsClusterDownError, redis.IsTryAgainError,
		redis.IsMasterDownError, redis.IsMaxClientsError, redis.IsOOMError, redis.IsNoReplicasError,
	} {
		if is(err) {
			return true
		}
	}
	_, moved := redis.IsMovedError(err) // more often than it is followed
	_, ask := redis.IsAskError(err)
	return moved || ask || redis.HasErrorPrefix(err, "MISCONF") || redis.HasErrorPrefix(err, "BUSY ")
}

// unreached are the answers to so many claims of a node that gave none.
func unreached(claims int, why error) []engine.Grant {
	grants := make([]engine.Grant, claims)
	for i := range grants {
		grants[i] = engine.Grant{Answer: engine.Unreached, Why: why}
	}
	return grants
}
