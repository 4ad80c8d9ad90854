package runfile

import "sync/atomic"

// World says where a pid means something: one boot of one machine, and there
// one PID namespace. Nothing of a run lives on in another world, and its pids
// may be those of innocents there.
type World struct {
	BootID string
	// PIDNamespace is the kernel's name of the namespace with the start time
	// of its pid 1: a container that is started again may get the same name.
	PIDNamespace string
}

// CurrentWorld is the world of this process. It is read once; call it early,
// while there are descriptors to be had.
func CurrentWorld() World {
	if w := knownWorld.Load(); w != nil {
		return overridden(*w)
	}
	w, complete := hostWorld()
	if complete { // else perhaps the next time
		knownWorld.Store(&w)
	}
	return overridden(w)
}

var knownWorld atomic.Pointer[World]
