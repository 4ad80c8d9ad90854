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
func ClientOf(s engine.Store) redis.UniversalClient { return s.(*redisStore).client }

// KeysOf are the Redis keys of a key.
func KeysOf(s engine.Store, key string) []string { return s.(*redisStore).keys(key) }

// Tags is over how many hash tags a namespace is spread.
const Tags = tags
