package lockstore

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"strings"
	"time"

	"slavedriver/engine"
)

const (
	// tags is over how many hash tags, and so slots of a cluster, a namespace
	// is spread. Another number is another store: what was used is not found.
	tags = 32
	// untouchedFor is how long the last fence is kept, far longer than a lease.
	// It matters only while fences run ahead of the clock, and there are keys
	// that are never asked for again: of single instants, of slaves that are gone.
	untouchedFor = 4 * time.Hour
	// toldFor is how long the newest instant of a job that starts on one slave is
	// kept: a slave that was off for no longer learns what others started.
	toldFor = 40 * 24 * time.Hour
)

// lastsFor is how long what is known of a key is kept after it was last touched.
func lastsFor(key string) time.Duration {
	if strings.ContainsAny(key, "@#") {
		return untouchedFor
	}
	return toldFor
}

// keyspace makes the keys of one namespace.
type keyspace string

func newKeyspace(namespace string) keyspace { return keyspace(url.QueryEscape(namespace)) }

// born is the key of a tag's birth. It must be in the slot of what it vouches
// for: on a cluster one node alone may come back empty. Were there one birth for
// each key, a new job, and one whose keys expired, would look like lost memory.
func (k keyspace) born(tag int) string { return k.tagged(tag, "born") }

// of are the keys of one claim.
func (k keyspace) of(c engine.Claim) (lease, used string) {
	n, name := tagOf(c.Key), url.QueryEscape(c.Key)
	return k.tagged(n, "lease:"+name), k.tagged(n, fmt.Sprintf("used:%s:%d", name, c.Instant.Unix()))
}

func (k keyspace) tagged(tag int, name string) string {
	return fmt.Sprintf("slavedriver:{%s.%d}:%s", k, tag, name)
}

// tagOf is the number of a key's hash tag.
func tagOf(key string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return int(h.Sum32() % tags)
}
