package lockstore

import (
	"context"
	_ "embed"
	"fmt"
	"hash/fnv"
	"net/url"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"slavedriver/engine"
)

// redisStore keeps leases in Redis 6.2 or later, or Valkey. Its keys, where NS
// is the namespace, KEY the key (both escaped as in a URL's query), and N a
// number that is made from the key:
//
//	slavedriver:{NS.N}:born       when the memory of this tag begins (ms)      for good
//	slavedriver:{NS.N}:lease:KEY  hash: token, holder, since, until, fence …   untouchedFor after the last change
//	slavedriver:{NS.N}:used:KEY   zset: instant -> token, holder               as long as its last instant is remembered
//
// The birth must be in the slot of what it vouches for: on a cluster one node
// alone may come back empty. Were there one birth for each key, a new job, and
// one whose keys expired, would look like lost memory; so there is one for each
// of a fixed number of tags, all made at the first contact. A server that evicts keys
// under memory pressure is safe as well, but misses starts: use noeviction.
type redisStore struct {
	client    redis.UniversalClient
	shown     string // the URL, for people
	namespace string
	terms     terms
	sha       string
}

const (
	// tags is over how many hash tags, and so slots of a cluster, a namespace
	// is spread. Another number is another store: what was used is not found.
	tags = 32
	// untouchedFor is how long the last fence is kept, far longer than a lease.
	// It matters only while fences run ahead of the clock, and there are keys
	// that are never asked for again: of single instants, of slaves that are gone.
	untouchedFor = 4 * time.Hour
	// patience bounds each dial, write and read.
	patience = 2 * time.Second
	// connections at most; one does, as calls are batches.
	connections = 4
)

//go:embed lease.lua
var leaseScript string

// quiet keeps the client's own log lines off stderr: cron mails those, and the
// errors are returned anyway.
var quiet = sync.OnceFunc(logging.Disable)

func openRedis(a address, o Options) engine.Store {
	quiet()
	if a.password == "" && o.Password != nil {
		a.password = o.Password()
	}
	return &redisStore{
		client: redis.NewUniversalClient(clientOptions(a)), shown: a.shown,
		namespace: url.QueryEscape(o.Namespace), terms: engineTerms(),
		sha: redis.NewScript(leaseScript).Hash(),
	}
}

// clientOptions are for short, bounded calls that nobody repeats behind our
// back. Connections are made when they are first needed.
func clientOptions(a address) *redis.UniversalOptions {
	return &redis.UniversalOptions{
		Addrs: []string{a.hostPort}, DB: a.db, Username: a.user, Password: a.password,
		DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, PoolTimeout: patience,
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		PoolSize: connections, PipelinePoolSize: -1,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
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

func (s *redisStore) Release(ctx context.Context, holds []engine.Claim) error {
	_, err := s.ask(ctx, "release", holds)
	return err
}

func (s *redisStore) Close() error { return s.client.Close() }

// Prepare makes the memory of every tag begin, where it has not.
func (s *redisStore) Prepare(ctx context.Context) error {
	calls := make([]call, tags)
	for n := range calls {
		calls[n] = call{keys: []string{s.tagged(n, "born")}, args: []any{"prepare"}}
	}
	_, err := s.run(ctx, calls)
	return s.failed("prepare", err)
}

// ask puts one question about each of the claims, in one round trip.
func (s *redisStore) ask(ctx context.Context, operation string, claims []engine.Claim) ([]engine.Grant, error) {
	grants := make([]engine.Grant, len(claims))
	if len(claims) == 0 {
		return grants, nil
	}
	replies, err := s.run(ctx, s.calls(operation, claims))
	if err != nil {
		return nil, s.failed(operation, err)
	}
	begins := false
	for i, r := range replies {
		grants[i] = r.grant
		begins = begins || r.begins
	}
	if begins {
		// The store is new, or came back empty: the other tags' memory begins
		// now too, not when each is first asked. Should this fail, just that.
		_ = s.Prepare(ctx)
	}
	return grants, nil
}

func (s *redisStore) failed(operation string, err error) error {
	if err == nil {
		return nil
	}
	hint := ""
	if redis.IsAuthError(err) {
		hint = " (the password comes from the URL or $SLAVEDRIVER_REDIS_PASSWORD)"
	}
	return fmt.Errorf("lock store %s: cannot %s leases: %w%s", s.shown, operation, err, hint)
}

// call is one run of the script.
type call struct {
	keys []string
	args []any
}

func (s *redisStore) calls(operation string, claims []engine.Claim) []call {
	calls := make([]call, len(claims))
	for i, c := range claims {
		calls[i] = call{keys: s.keys(c.Key), args: []any{
			operation, c.Token, c.Instant.Unix(), c.Fence, max(c.Remember.Milliseconds(), 0), c.Holder, millis(c.Met),
			s.terms.claim.Milliseconds(), s.terms.lease.Milliseconds(), untouchedFor.Milliseconds(),
		}}
	}
	return calls
}

// keys are the script's, for one key of the store.
func (s *redisStore) keys(key string) []string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	n, name := int(h.Sum32()%tags), url.QueryEscape(key)
	return []string{s.tagged(n, "born"), s.tagged(n, "lease:"+name), s.tagged(n, "used:"+name)}
}

func (s *redisStore) tagged(n int, name string) string {
	return fmt.Sprintf("slavedriver:{%s.%d}:%s", s.namespace, n, name)
}

// reply is the script's.
type reply struct {
	grant  engine.Grant
	begins bool // the memory of this tag begins with this call
}

// run runs all calls in one round trip, and once more from the start when the
// server does not know the script yet (it is new, or was restarted): the calls
// before are idempotent.
func (s *redisStore) run(ctx context.Context, calls []call) ([]reply, error) {
	replies, err := s.pipeline(ctx, calls)
	if !redis.HasErrorPrefix(err, "NOSCRIPT") {
		return replies, err
	}
	if err := s.client.ScriptLoad(ctx, leaseScript).Err(); err != nil {
		return nil, err
	}
	return s.pipeline(ctx, calls)
}

func (s *redisStore) pipeline(ctx context.Context, calls []call) ([]reply, error) {
	cmds, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, c := range calls {
			p.EvalSha(ctx, s.sha, c.keys, c.args...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	replies := make([]reply, len(cmds))
	for i, cmd := range cmds {
		if replies[i], err = parseReply(cmd.(*redis.Cmd).Val()); err != nil {
			return nil, err
		}
	}
	return replies, nil
}
