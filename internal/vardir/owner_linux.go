package vardir

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// unmappedOwner is the user that files seem to belong to whose real owner has
// no number in this user namespace: under `unshare -r`, for one, all that the
// machine's root owns. Such an owner stands outside and above; ok is false when
// the number is that of an ordinary user here, as it is outside of namespaces.
func unmappedOwner() (id int, ok bool) {
	text, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil {
		return 0, false
	}
	id, err = strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, false
	}
	mapping, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return 0, false
	}
	return id, !mapped(string(mapping), id)
}

// mapped says whether a uid_map (lines of first inside, first outside, count)
// gives the user a number inside.
func mapped(uidMap string, id int) bool {
	for line := range strings.Lines(uidMap) {
		var inside, outside, count int
		if _, err := fmt.Sscan(line, &inside, &outside, &count); err != nil {
			continue
		}
		if id >= inside && id < inside+count {
			return true
		}
	}
	return false
}
