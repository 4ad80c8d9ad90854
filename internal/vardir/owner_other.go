//go:build !linux

package vardir

// unmappedOwner: only Linux has user namespaces.
func unmappedOwner() (id int, ok bool) { return 0, false }
