package main

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"slavedriver/luaapi"
)

func TestASlowTestIsNamed(t *testing.T) {
	for lasts, want := range map[time.Duration]string{
		9 * time.Second: "",
		time.Minute:     `warning: the test "never ends" () has been running for 10s; its Lua is cut off after 5m0s`,
	} {
		synctest.Test(t, func(t *testing.T) {
			var said strings.Builder
			ended := sayIfSlow(&said, &luaapi.TestCase{Name: "never ends"}, slowTest)
			time.Sleep(lasts)
			synctest.Wait()
			ended()
			time.Sleep(time.Hour)
			if got := said.String(); !strings.Contains(got, want) || (want == "") != (got == "") {
				t.Errorf("after %s it said %q", lasts, got)
			}
		})
	}
	sayIfSlow(io.Discard, &luaapi.TestCase{}, slowTest)()
}
