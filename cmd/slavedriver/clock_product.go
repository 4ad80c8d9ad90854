//go:build !faultpoints

package main

import "time"

func testOffset() time.Duration { return 0 }
