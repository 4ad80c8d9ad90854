package spec

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"slavedriver/engine"
)

// TestReadmeLua checks each piece of Lua in the README as an entry file.
func TestReadmeLua(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "jobs"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "senders"), os.DirFS("../examples/senders")); err != nil {
		t.Fatal(err)
	}
	for i, block := range blocks(readme(t), "lua") {
		path := filepath.Join(dir, fmt.Sprintf("%d.lua", i))
		if err := os.WriteFile(path, []byte(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(filepath.Join(binary, "slavedriver"), "check", path).CombinedOutput(); err != nil {
			t.Errorf("%v: %s\n%s", err, out, block)
		}
	}
}

// TestReadmeEvents fails when the README does not name an event.
func TestReadmeEvents(t *testing.T) {
	text := readme(t)
	for _, event := range engine.EventDocs {
		short := event.Name[strings.LastIndexByte(event.Name, '.'):]
		if !strings.Contains(text, "`"+event.Name+"`") && !strings.Contains(text, "`"+short+"`") {
			t.Errorf("the README does not name the event %s", event.Name)
		}
	}
}

func readme(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func blocks(text, language string) (all []string) {
	for _, rest := range strings.Split(text, "```"+language+"\n")[1:] {
		block, _, _ := strings.Cut(rest, "```")
		all = append(all, block)
	}
	return all
}
