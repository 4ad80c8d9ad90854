// Package lockstore keeps leases, so that a due instant starts once however
// many slaves see it: in Redis, or in a folder of one host. The contract is
// engine.Store; package locktest is the suite that each store here passes.
//
// A store answers only on what it remembers. Its memory has a birth: an
// instant older than that may have been used before, so it is Forgotten and
// never started on the store's word. A store that was restarted empty and one
// that is new cannot be told apart, so the first instants of a new store are
// refused too, unless its memory was begun before they were due: see Preparer.
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
	// Password is asked when the URL has none; nil and "" mean none.
	Password func() string
	// Dir is the folder that a relative folder ("file:leases") is relative to.
	Dir string
}

// Open makes the store that cfg names, without connecting to it:
//
//	file:///folder, file:folder           a folder of this host
//	redis://[user:password@]host[:port][/db]  one Redis server
//	unix:///socket[?db=n]                 the same over its socket
//
// "file" and "" mean that run folders alone will do: the Store is nil. Errors
// name the URL without its password.
func Open(cfg engine.LockStore, o Options) (engine.Store, error) {
	a, err := parse(cfg.URL)
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

// Validate says why Open would refuse url, or nil. It connects to nothing.
func Validate(url string) error {
	_, err := parse(url)
	return err
}

// terms are how long leases last: the engine's, or shorter in tests that wait.
type terms struct {
	claim, lease time.Duration
}

func engineTerms() terms { return terms{claim: engine.ClaimFor, lease: engine.LeaseFor} }

// IsNone says that run folders alone will do: that Open would return no Store.
func IsNone(cfg engine.LockStore) bool {
	a, err := parse(cfg.URL)
	return err == nil && a.kind == none
}
