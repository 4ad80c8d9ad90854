package spelling

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"timout": "timeout", "TIMEOUT": "timeout", "tiemout": "timeout", "scedule": "schedule",
		"x": "", "completely": "", strings.Repeat("x", 10_000): "",
	} {
		if got := Nearest(name, []string{"schedule", "timeout"}); got != want {
			t.Errorf("%.20q: %q, not %q", name, got, want)
		}
	}
}
