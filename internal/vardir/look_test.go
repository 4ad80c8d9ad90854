package vardir

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLookMakesNothing(t *testing.T) {
	base := filepath.Join(t.TempDir(), "base")
	path, err := Look(base, "shop")
	if err != nil || path != filepath.Join(base, "shop") {
		t.Errorf("%s, %v", path, err)
	}
	if _, err := os.Stat(base); !os.IsNotExist(err) {
		t.Errorf("it made %s: %v", base, err)
	}
}

func TestLookRefusesWhatOpenDoes(t *testing.T) {
	base := t.TempDir()
	if err := os.Mkdir(filepath.Join(base, "shop"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Look(base, "shop"); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(filepath.Join(base, "shop"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Look(base, "shop"); err == nil || !strings.Contains(err.Error(), "others can write to the var dir") {
		t.Errorf("got %v", err)
	}
	if _, err := Look(base, "../shop"); err == nil {
		t.Error("a namespace with a slash was taken")
	}
}
