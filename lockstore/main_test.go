package lockstore_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets more tests run at a time than there are processors: most of them
// wait, for leases of real servers to run out and for servers to give up.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f != nil && f.Value.String() == f.DefValue {
		_ = f.Value.Set("10")
	}
	os.Exit(m.Run())
}
