package lockstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	// patience bounds each dial, and, with claimPatience for each claim that a
	// call is about, each write and read that makes no progress.
	patience      = 2 * time.Second
	claimPatience = 20 * time.Millisecond
	// sentinelPatience bounds the question to the sentinels, which is a part of
	// a dial: a connection, a greeting and an answer.
	sentinelPatience = 3 * time.Second
	// callPatience bounds a whole call, whatever happens in it.
	callPatience = 8 * time.Second
	// shutPatience bounds the end of a call that failed.
	shutPatience = time.Second
	// connections at most to one server; one does, as calls are batches.
	connections = 4
	// keptFor is how long a connection is kept for the next call: claim and
	// confirm follow each other, the next renewal is a minute away.
	keptFor = 15 * time.Second
	// redirections is how often a call follows a slot that moved, or tries a
	// node again.
	redirections = 3
)

// quiet keeps the client's own log lines off stderr: cron mails those, and the
// errors are returned anyway.
var quiet = sync.OnceFunc(logging.Disable)

// options are for short, bounded calls that nobody repeats behind our back.
// Connections are made when they are first needed.
func (d *dialer) options() *redis.Options {
	return &redis.Options{
		Dialer: d.dial, DialTimeout: patience, DialerRetries: 1,
		ReadTimeout: callPatience, WriteTimeout: callPatience, PoolTimeout: patience,
		MaxRetries: -1, ContextTimeoutEnabled: true, ConnMaxIdleTime: keptFor,
		PoolSize: connections, PipelinePoolSize: -1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// connect makes a client, which connects to nothing yet.
func connect(d *dialer) redis.UniversalClient {
	quiet()
	a, o := d.address, d.options()
	o.Username, o.Password, o.DB = a.User, a.Password, a.DB
	switch a.kind {
	case inCluster:
		return redis.NewClusterClient(clusterOptions(o, a.Hosts))
	case inSentinel:
		o.Addr, o.Dialer, o.DialTimeout = a.Master, d.dialMaster, patience+sentinelPatience
	case none, inFolder, inRedis:
		if o.Addr = a.Socket; o.Addr == "" {
			o.Addr = a.Hosts[0]
		}
	}
	return redis.NewClient(o)
}

// clusterOptions are the same for each node. A call that meets a moved slot or
// a node that does not answer goes on elsewhere, or again: calls are idempotent.
func clusterOptions(o *redis.Options, hosts []string) *redis.ClusterOptions {
	return &redis.ClusterOptions{
		Addrs: hosts, Username: o.Username, Password: o.Password, MaxRedirects: redirections,
		Dialer: o.Dialer, DialTimeout: o.DialTimeout, DialerRetries: o.DialerRetries,
		ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout, PoolTimeout: o.PoolTimeout,
		MaxRetries: o.MaxRetries, ContextTimeoutEnabled: o.ContextTimeoutEnabled, ConnMaxIdleTime: o.ConnMaxIdleTime,
		PoolSize: o.PoolSize, PipelinePoolSize: o.PipelinePoolSize, DisableIdentity: o.DisableIdentity,
		MaintNotificationsConfig: o.MaintNotificationsConfig,
	}
}

// line is the client of a store. After a failed call it is hung up, so that the
// next call asks anew where the server is: nothing is kept of a failover that
// was not noticed, or of a connection whose replies may still come.
type line struct {
	connect func() redis.UniversalClient
	mu      sync.Mutex
	client  redis.UniversalClient // nil: none yet
	closed  bool
}

var (
	errClosed  = errors.New("the store was closed")
	errTooLong = fmt.Errorf("no answer within %s: %w", callPatience, context.DeadlineExceeded)
)

func (l *line) open() (redis.UniversalClient, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errClosed
	}
	if l.client == nil {
		l.client = l.connect()
	}
	return l.client, nil
}

// hangUp closes a client after a failure, for all who are using it.
func (l *line) hangUp(client redis.UniversalClient) {
	l.mu.Lock()
	ours := l.client == client
	if ours {
		l.client = nil
	}
	l.mu.Unlock()
	if ours {
		_ = shut(client)
	}
}

func (l *line) close() error {
	l.mu.Lock()
	client := l.client
	l.closed, l.client = true, nil
	l.mu.Unlock()
	if client == nil {
		return nil
	}
	return shut(client)
}

// shut closes a client, and waits for it, but not for long: it may be busy with
// what failed.
func shut(client redis.UniversalClient) error {
	done := make(chan error, 1)
	go func() { done <- client.Close() }()
	select {
	case err := <-done:
		return err
	case <-time.After(shutPatience):
		return nil
	}
}

// call runs do, and returns when that is over, when ctx is, or when the time is
// up.
func (l *line) call(ctx context.Context, do func(context.Context, redis.UniversalClient) ([]reply, error)) ([]reply, error) {
	return l.use(ctx, func(ctx context.Context, client redis.UniversalClient) ([]reply, error) {
		return within(ctx, func() ([]reply, error) { return do(ctx, client) })
	})
}

// use runs do, which has callPatience and returns when its context is done. Where
// any of its replies did not come, the line is hung up.
func (l *line) use(ctx context.Context, do func(context.Context, redis.UniversalClient) ([]reply, error)) ([]reply, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, callPatience, errTooLong)
	defer cancel()
	client, err := l.open()
	if err != nil {
		return nil, err
	}
	replies, err := do(ctx, client)
	if all(replies, err) != nil {
		l.hangUp(client)
	}
	return replies, err
}

// within runs do, and returns when that is over or when ctx is. The client goes on
// reading when ctx is cancelled; what is left of do then ends because its
// connections are closed.
func within[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := do()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
