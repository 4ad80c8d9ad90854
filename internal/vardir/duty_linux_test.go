package vardir

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// The lock names pid 0 for a holder in a PID namespace that is not below ours.
func TestHolderInAnotherPIDNamespaceIsNamed(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	_, err := open(t, base).GoOnDuty(t.Context(), ours())
	must(t, err)
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
	}
	inside := startWith(t, attr, base, "obedient")
	said := inside.line()
	if !strings.Contains(said, ErrStuck.Error()) || !strings.Contains(said, "another PID namespace") {
		t.Errorf("it says %q", said)
	}
}

func TestUidMapSaysWhoHasANumberHere(t *testing.T) {
	for text, want := range map[string]bool{
		"         0          0 4294967295\n": true, // no namespace
		"         0       1000          1\n": false,
		"0 1000 1\n1 100000 65536\n":         true,
		"1000 1000 1\n":                      false,
		"rubbish\n65534 1 1\n":               true,
		"":                                   false,
	} {
		if got := mapped(text, 65534); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
