package lockstore

import (
	"time"

	"github.com/redis/go-redis/v9"

	"slavedriver/engine"
)

// WithClock exchanges a file store's clock.
func WithClock(s engine.Store, now func() time.Time) engine.Store {
	s.(*folderStore).now = now
	return s
}

// WithTerms exchanges how long a Redis store's claims and leases last.
func WithTerms(s engine.Store, claim, lease time.Duration) engine.Store {
	s.(*redisStore).terms = terms{claim, lease}
	return s
}

// FolderOf is where a file store keeps its files.
func FolderOf(s engine.Store) string { return s.(*folderStore).dir }

// FileOf is the file of a key of a file store.
func FileOf(s engine.Store, key string) string { return s.(*folderStore).path(key) }

// ClientOf is a Redis store's client.
func ClientOf(s engine.Store) redis.UniversalClient {
	client, err := s.(*redisStore).line.open()
	if err != nil {
		panic(err)
	}
	return client
}

// KeysOf are the Redis keys of a claim: of its tag's birth, its lease, its used
// instant.
func KeysOf(s engine.Store, c engine.Claim) []string {
	k := s.(*redisStore).keys
	lease, used := k.of(c)
	return []string{k.born(tagOf(c.Key)), lease, used}
}

// Tags is over how many hash tags a namespace is spread.
const Tags = tags

// Shown is what a store is called in messages.
func Shown(cfg engine.LockStore) string {
	a, err := parse(cfg)
	if err != nil {
		panic(err)
	}
	return a.shown
}
