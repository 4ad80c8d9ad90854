// Package lockstore keeps leases, so that a due instant starts once however
// many slaves see it: in Redis, or in a folder of one host. The contract is
// engine.Store; package locktest is the suite that each store here passes.
//
// # Memory
//
// A store answers only on what it remembers. Its memory has a birth: an instant
// older than that may have been used before, so it is Forgotten and never
// started on the store's word. A caller says when it met the store; if that was
// before the birth, the memory was lost (a server restarted empty, say), and the
// store vouches only for what is due 90 s after the birth: until then, slaves
// whose clocks are ahead may have started it before the loss. If nobody met it
// before, it is new, and vouches for the whole minute of its birth.
//
// # Keys in Redis
//
// NS is the namespace, N a number from 0 to 31 that is made from KEY; NS and KEY
// are escaped as in a URL's query. KEY is the job's slug, for jobs that run on
// every slave "@" and the slave's name, and for jobs that may overlap "#" and
// the instant.
//
//	slavedriver:{NS.N}:born               when the memory of this tag began, in ms, and whether one was lost before   for good
//	slavedriver:{NS.N}:lease:KEY          hash: token, confirmed, until, since, holder, fence, released, last, told, teller, before    40 days after the last change; 4 hours where it has @ or #
//	slavedriver:{NS.N}:used:KEY:INSTANT   token and slave that started this instant (Unix seconds); no token: that left it out, or told it as missed                    the job's catch-up and an hour
//
// last is the newest instant that was started or left out, told the newest that
// teller tells as missed, before what last was then.
// What is in braces makes all keys of a tag lie on one node of a cluster; only
// those are read and written together. Redis must not evict keys (its default,
// maxmemory-policy noeviction): a used instant would be gone while the birth
// says that nothing is.
package lockstore

import (
	"context"
	"errors"
	"time"

	"slavedriver/engine"
)

// Store is engine's: this package implements it.
type Store = engine.Store

// Preparer is a Store whose memory can be made to begin before it is first
// needed. Every store that Open returns is one. A shift that sees a job or a
// store for the first time does well to call it: a nightly job's first instant
// is then younger than the store. It is idempotent, and one round trip.
type Preparer interface {
	Prepare(ctx context.Context) error
}

// Options are what a store needs besides its URL.
type Options struct {
	// Namespace separates the leases of projects that share a store.
	Namespace string
	// Password is asked when the store's place says none; nil and "" mean none.
	Password func() string
	// SentinelPassword likewise, for the sentinels.
	SentinelPassword func() string
	// Dir is the folder that a relative folder ("file:leases") is relative to.
	Dir string
}

// Open makes the store that cfg names, without connecting to it:
//
//	file:///folder, file:folder                            a folder of this host
//	redis://[user:password@]host[:port][/db]               one Redis server
//	unix://[user:password@]/socket[?db=n]                  the same over its socket
//	redis+sentinel://[...@]host[:port],.../master[/db]     the server that sentinels name
//	redis+cluster://[...@]host[:port],...                  a Redis Cluster
//
// and rediss instead of redis for TLS, with the parameters ca, cert, key and
// serverName; sentinels of their own take sentinelUser and sentinelPassword.
// Each part may be a field of cfg instead.
//
// "file" and nothing at all mean that run folders alone will do: the Store is
// nil. Errors name the store without its passwords.
func Open(cfg engine.LockStore, o Options) (engine.Store, error) {
	a, err := parse(cfg)
	if err != nil {
		return nil, err
	}
	if a.kind == none {
		return nil, nil
	}
	if o.Namespace == "" {
		return nil, errors.New("a shared lock store needs a namespace: call setNamespace(\"…\") with the project's name")
	}
	if a.kind == inFolder {
		return openFolder(a, o)
	}
	return openRedis(a, o), nil
}

// Validate says why Open would refuse cfg, or nil. It connects to nothing, and
// reads no file.
func Validate(cfg engine.LockStore) error {
	_, err := parse(cfg)
	return err
}

// terms are how long leases last: the engine's, or shorter in tests that wait.
type terms struct {
	claim, lease time.Duration
}

func engineTerms() terms { return terms{claim: engine.ClaimFor, lease: engine.LeaseFor} }

// aheadAtMost is how far a slave's clock may be ahead of the store's, for
// instants to start once even when the store loses its memory: what was asked
// before the loss may lie so far after it. It is also longer than the time in
// which a running job's lease is renewed, so that after a loss no other run can
// begin before the holder came back for its lease.
const aheadAtMost = 90 * time.Second

// beginsWithin is how long after a caller met a cluster the memory of a tag may
// begin without having been lost: the births are of several clocks, and the
// caller met one of them. Elsewhere all births come before the first answer.
const beginsWithin = 10 * time.Second

// IsFolder says that the store is a folder, which keeps leases and no Roster.
func IsFolder(cfg engine.LockStore) bool {
	a, err := parse(cfg)
	return err == nil && a.kind == inFolder
}

// IsNone says that run folders alone will do: that Open would return no Store.
func IsNone(cfg engine.LockStore) bool {
	a, err := parse(cfg)
	return err == nil && a.kind == none
}
