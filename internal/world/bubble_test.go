package world

import (
	"strings"
	"testing"
	"time"
)

func TestBubble(t *testing.T) {
	began := time.Now()
	var passed time.Duration
	if err := Bubble(func() {
		inside := time.Now()
		time.Sleep(24 * time.Hour)
		passed = time.Since(inside)
	}); err != nil {
		t.Fatal(err)
	}
	if passed != 24*time.Hour || time.Since(began) > time.Hour {
		t.Errorf("a day took %s there, and %s here", passed, time.Since(began))
	}
}

// What never ends is an error, and no panic.
func TestBubbleThatNeverEnds(t *testing.T) {
	for name, f := range map[string]func(){
		"it waits for ever":           func() { <-make(chan int) },
		"what it left waits for ever": func() { wait := make(chan int); go func() { <-wait }() },
	} {
		if err := Bubble(f); err == nil || !strings.Contains(err.Error(), "deadlock") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
