package spec

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestLuaLS lets the Lua language server itself check the examples and a new
// project with the annotations, where it is installed.
func TestLuaLS(t *testing.T) {
	luals, err := exec.LookPath("lua-language-server")
	if err != nil {
		t.Skip("there is no lua-language-server")
	}
	for name, fill := range map[string]func(dir string) error{
		"a new project": func(string) error { return nil },
		"the examples":  func(dir string) error { return os.CopyFS(filepath.Join(dir, "examples"), os.DirFS("../examples")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if out, err := exec.Command(filepath.Join(binary, "slavedriver"), "init", dir).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if err := fill(dir); err != nil {
				t.Fatal(err)
			}
			check := exec.Command(luals, "--check", dir, "--checklevel=Warning", "--logpath", t.TempDir())
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
