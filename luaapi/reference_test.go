package luaapi

import (
	"os"
	"strings"
	"testing"
)

// TestReferenceIsCurrent fails when the tables say something else than the file.
func TestReferenceIsCurrent(t *testing.T) {
	var want strings.Builder
	if err := WriteReference(&want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../docs/reference.md")
	if err != nil || string(got) != want.String() {
		t.Errorf("docs/reference.md is stale (%v): make docs", err)
	}
}
