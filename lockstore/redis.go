package lockstore

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"slavedriver/engine"
)

// redisStore keeps leases in Redis; the package's documentation has its keys,
// lease.lua what is done with them.
type redisStore struct {
	line    line
	dialer  *dialer
	address address
	keys    keyspace
	terms   terms
	sha     string
	begun   atomic.Bool // the memory of all tags was seen to have begun
}

//go:embed lease.lua
var leaseScript string

func openRedis(a address, o Options) engine.Store {
	if a.Password == "" && o.Password != nil {
		a.Password = o.Password()
	}
	if a.kind == inSentinel && a.SentinelPassword == "" && o.SentinelPassword != nil {
		a.SentinelPassword = o.SentinelPassword()
	}
	d := newDialer(a)
	return &redisStore{
		line: line{connect: func() redis.UniversalClient { return connect(d) }}, dialer: d, address: a,
		keys: newKeyspace(o.Namespace), terms: engineTerms(), sha: redis.NewScript(leaseScript).Hash(),
	}
}

func (s *redisStore) Acquire(ctx context.Context, claims []engine.Claim) ([]engine.Grant, error) {
	return s.ask(ctx, "acquire", claims)
}

func (s *redisStore) Confirm(ctx context.Context, claims []engine.Claim) ([]engine.Grant, error) {
	return s.ask(ctx, "confirm", claims)
}

func (s *redisStore) Renew(ctx context.Context, holds []engine.Claim) ([]engine.Grant, error) {
	return s.ask(ctx, "renew", holds)
}

func (s *redisStore) Release(ctx context.Context, holds []engine.Claim) ([]engine.Grant, error) {
	return s.ask(ctx, "release", holds)
}

func (s *redisStore) Miss(ctx context.Context, missed []engine.Claim) ([]engine.Grant, error) {
	return s.ask(ctx, "miss", missed)
}

func (s *redisStore) Close() error { return s.line.close() }

// Prepare makes the memory of every tag begin, where it has not.
func (s *redisStore) Prepare(ctx context.Context) error {
	return s.failed("prepare", all(s.tellAll(ctx, time.Time{})))
}

// Whole is engine.Whole's.
func (s *redisStore) Whole(ctx context.Context, met time.Time) error {
	var more []call
	if s.address.kind == inCluster {
		more = append(more, s.callAt(s.keys.roster("born"), "prepare", met))
	}
	return s.failed("reach all", all(s.tellAll(ctx, met, more...)))
}

// tellAll begins the memory of every tag, and tells each of them when the
// caller met the store, so that it knows whether its memory was lost.
func (s *redisStore) tellAll(ctx context.Context, met time.Time, more ...call) ([]reply, error) {
	calls := make([]call, tags, tags+len(more))
	for n := range calls {
		calls[n] = s.callOn(n, "prepare", met)
	}
	replies, err := s.run(ctx, append(calls, more...))
	if all(replies, err) == nil {
		s.begun.Store(true)
	}
	return replies, err
}

// ask puts one question about each of the claims, in one round trip. There is
// one before it when the caller has not met the store yet: all of its memory
// must begin before the first answer, or the rest would look like lost later. (On
// a cluster that is risked for nodes that are away: it costs the starts of a loss,
// while the others' jobs would wait for a node that they do not need.)
func (s *redisStore) ask(ctx context.Context, operation string, claims []engine.Claim) ([]engine.Grant, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	s.dialer.asked.Store(int64(len(claims)))
	met := firstMet(claims)
	if met.IsZero() && !s.begun.Load() {
		if _, err := s.tellAll(ctx, met); err != nil {
			return nil, s.failed(operation, err)
		}
	}
	calls := s.calls(operation, met, claims)
	replies, err := s.run(ctx, calls)
	if err != nil {
		return nil, s.failed(operation, err)
	}
	news, grants := false, make([]engine.Grant, len(claims))
	for i, r := range replies {
		news = news || r.news
		if r.err != nil {
			r.grants = unreached(len(calls[i].claims), s.failed(operation, r.err))
		}
		for j, index := range calls[i].claims {
			grants[index] = r.grants[j]
		}
	}
	if news {
		// It came back empty: the other tags are to know that now, not when each
		// is asked first. Should this fail, just that.
		_, _ = s.tellAll(ctx, met)
	}
	return grants, nil
}

func (s *redisStore) failed(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("lock store %s: cannot %s leases: %w%s", s.address.shown, operation, s.address.scrub(err), s.hint(err))
}

// orTLS asks whether a server that hung up wants TLS.
func (s *redisStore) orTLS(err error) string {
	if s.address.TLS || s.address.Socket != "" || redis.IsAuthError(err) {
		return ""
	}
	return "; does it speak TLS? Then it is rediss://"
}

// hint says what to do next about an error. A server that wants a password just
// hangs up on whoever has said none and asks something longer.
func (s *redisStore) hint(err error) string {
	switch {
	case redis.IsAuthError(err) && s.address.Password != "":
		return " (the password comes from setLockStore or $SLAVEDRIVER_LOCK_STORE, else from $SLAVEDRIVER_REDIS_PASSWORD)"
	case redis.IsAuthError(err), s.address.Password == "" && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)):
		return " (does it need a password? It comes from setLockStore or $SLAVEDRIVER_LOCK_STORE, else from $SLAVEDRIVER_REDIS_PASSWORD" + s.orTLS(err) + ")"
	case errors.Is(err, syscall.ECONNREFUSED):
		return " (nothing listens there: does the server run, and are its host and port right?)"
	case strings.HasPrefix(err.Error(), "redis: invalid reply"), strings.HasPrefix(err.Error(), "redis: can't parse"): // the library gives these no type
		return " (is that a Redis?)"
	}
	return ""
}

// firstMet is the earliest time at which one of the callers met the store.
func firstMet(claims []engine.Claim) (met time.Time) {
	for _, c := range claims {
		if !c.Met.IsZero() && (met.IsZero() || c.Met.Before(met)) {
			met = c.Met
		}
	}
	return met
}

// call is one run of the script: a question about all claims of one hash tag.
type call struct {
	keys   []string
	args   []any
	claims []int // which they are
}

// calls puts the claims of each hash tag into one call, in their order.
func (s *redisStore) calls(operation string, met time.Time, claims []engine.Claim) []call {
	var calls []call
	var at [tags]int // where in calls a tag's call is, plus 1
	for i, c := range claims {
		n := tagOf(c.Key)
		if at[n] == 0 {
			calls = append(calls, s.callOn(n, operation, met))
			at[n] = len(calls)
		}
		to := &calls[at[n]-1]
		lease, used := s.keys.of(c)
		to.keys = append(to.keys, lease, used)
		to.args = append(to.args, c.Token, c.Instant.Unix(), c.Fence, remembered(c), c.Holder, lastsFor(c.Key).Milliseconds(), startedAt(c))
		to.claims = append(to.claims, i)
	}
	return calls
}

// startedAt is when the run of a claim was started, in ms; -1: its instant was left
// out.
func startedAt(c engine.Claim) int64 {
	if c.Decided {
		return -1
	}
	return millis(c.Started)
}

// remembered is how long the script is to remember an instant, in ms; -1: it is to
// leave the instant alone.
func remembered(c engine.Claim) int64 {
	if c.ByHand {
		return -1
	}
	return max(c.Remember.Milliseconds(), 0)
}

// callOn is a call about a tag, without claims yet.
func (s *redisStore) callOn(tag int, operation string, met time.Time) call {
	return s.callAt(s.keys.born(tag), operation, met)
}

// callAt is one about what has its birth at a key.
func (s *redisStore) callAt(born, operation string, met time.Time) call {
	within := time.Duration(0)
	if s.address.kind == inCluster {
		within = beginsWithin
	}
	return call{keys: []string{born}, args: []any{
		operation, millis(met), within.Milliseconds(), aheadAtMost.Milliseconds(),
		s.terms.claim.Milliseconds(), s.terms.lease.Milliseconds(),
	}}
}

// run makes all calls in one round trip, on a cluster in one to each node. An
// error says that no call was answered, or that a server refuses: then nothing is
// known of any. On a cluster a reply may have an error of its own: that of a node
// that did not answer while others did.
func (s *redisStore) run(ctx context.Context, calls []call) ([]reply, error) {
	if s.address.kind == inCluster {
		return s.line.use(ctx, func(ctx context.Context, client redis.UniversalClient) ([]reply, error) {
			return s.runOnNodes(ctx, client.(*redis.ClusterClient), calls)
		})
	}
	return s.line.call(ctx, func(ctx context.Context, client redis.UniversalClient) ([]reply, error) {
		replies := s.tell(ctx, client, calls)
		return replies, all(replies, nil)
	})
}

// tell makes calls in one round trip. A server that does not know the script (it
// is new, was restarted or promoted) is given it, in a second one: the calls are
// idempotent.
func (s *redisStore) tell(ctx context.Context, client redis.UniversalClient, calls []call) []reply {
	cmds, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, c := range calls {
			p.EvalSha(ctx, s.sha, c.keys, c.args...)
		}
		return nil
	})
	var unknown []int
	replies := make([]reply, len(calls))
	for i, cmd := range cmds {
		replies[i] = replyOf(cmd, len(calls[i].claims), err)
		if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
			unknown = append(unknown, i)
		}
	}
	if len(unknown) == 0 {
		return replies
	}
	cmds, err = client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, i := range unknown {
			p.Eval(ctx, leaseScript, calls[i].keys, calls[i].args...)
		}
		return nil
	})
	for n, i := range unknown {
		replies[i] = replyOf(cmds[n], len(calls[i].claims), err)
	}
	return replies
}
