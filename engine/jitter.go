package engine

import (
	"hash/fnv"
	"io"
	"time"
)

// JitterOf is how long after its instant a job starts on a slave: whole
// seconds from 0 up to, not including, job.Jitter.
//
// It is a hash of both names (FNV-1a, 64 bits, with the finalizer of
// MurmurHash3, because FNV alone leaves names that differ at their end close
// together) and not a random number: a job starts at the same second each time,
// whichever shift works that out and however often, so a crash or a handover
// can neither move a start nor make it twice, and "why did it start then" has
// an answer. FNV because its result is the same in every version of Go and on
// every machine; nobody has to be kept from guessing it.
func JitterOf(job *Job, slave string) time.Duration {
	seconds := uint64(job.Jitter / time.Second)
	if job.Jitter <= 0 || seconds == 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = io.WriteString(h, job.Name+"\x00"+slave)
	return time.Duration(mix(h.Sum64())%seconds) * time.Second
}

// mix lets each bit of h depend on all of them.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
