package lockstore_test

import (
	"testing"
	"time"

	"slavedriver/engine"
)

// After a failover the same store goes on: it asks the sentinels anew, and what
// was used stays used.
func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	w := startWatched(t)
	a, b := open(t, w.url()), open(t, w.url())
	c := claim("job")
	before, err := a.Confirm(t.Context(), []engine.Claim{c})
	granted(t, before, err)
	w.awaitSync()
	w.failOver()
	theirs := c
	theirs.Token, theirs.Holder = "another", "b"
	grants := untilAnswered(t, b, theirs)
	if grants[0].Answer != engine.Used {
		t.Errorf("answered %+v", grants)
	}
	renewed := untilAnswered(t, a, c) // the same token may ask again
	if renewed[0].Answer != engine.Granted || renewed[0].Fence != before[0].Fence {
		t.Errorf("after %+v the holder was answered %+v", before, renewed)
	}
	if _, err := a.Release(t.Context(), []engine.Claim{c}); err != nil {
		t.Fatal(err)
	}
	theirs.Instant = theirs.Instant.Add(time.Minute)
	if grants := untilAnswered(t, b, theirs); grants[0].Answer != engine.Granted || grants[0].Fence <= before[0].Fence {
		t.Errorf("after fence %d: %+v", before[0].Fence, grants)
	}
}

// The replica was cut off before the last writes, and is promoted all the same.
// What is promised then is in TestFaultFailoverLosesWrites; here the sentinels
// do it.
func TestSentinelFailoverLosesWrites(t *testing.T) {
	t.Parallel()
	w := startWatched(t)
	a, b := open(t, w.url()), open(t, w.url())
	known, lost := claim("known"), claim("job")
	grants, err := a.Confirm(t.Context(), []engine.Claim{known})
	granted(t, grants, err)
	w.awaitSync()
	w.replica.pause()
	w.master.do("client", "kill", "type", "replica")
	first, err := a.Confirm(t.Context(), []engine.Claim{lost})
	granted(t, first, err)
	w.master.kill()
	w.replica.resume()
	await(t, "the sentinels to promote the replica", func() bool {
		return w.replica.info("replication", "role") == "master"
	})
	second := othersOf(lost, known)
	grants = untilAnswered(t, b, second...)
	if grants[0].Answer != engine.Granted || grants[0].Fence <= first[0].Fence || grants[1].Answer != engine.Used {
		t.Fatalf("after fence %d: %+v", first[0].Fence, grants)
	}
	if _, err := b.Confirm(t.Context(), second[:1]); err != nil {
		t.Fatal(err)
	}
	untilAnswered(t, a, known)
	grants, err = a.Renew(t.Context(), []engine.Claim{lost})
	if err != nil || grants[0].Answer != engine.Held || grants[0].Holder != "b" {
		t.Errorf("the first was answered %+v (%v)", grants, err)
	}
}

// untilAnswered asks until the sentinels have told everybody.
func untilAnswered(t *testing.T, store engine.Store, claims ...engine.Claim) (grants []engine.Grant) {
	t.Helper()
	await(t, "an answer after the failover", func() bool {
		var err error
		grants, err = store.Acquire(t.Context(), claims)
		return err == nil
	})
	return grants
}
