package main

import (
	"testing"
	"time"
)

func TestWhenAFileHasLeftANamespace(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name     string
		old, now time.Time
		want     bool
	}{
		{"no shift had either", time.Time{}, time.Time{}, false},
		{"no shift had the old one", time.Time{}, noon, false},
		{"the new one is new", noon, time.Time{}, true},
		{"the new one was left before", noon, noon.Add(-time.Hour), true},
		{"both have their shifts", noon, noon.Add(-time.Minute), false},
		{"the new one is ahead", noon, noon.Add(time.Hour), false},
	} {
		if got := hasLeft(c.old, c.now); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
