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

// ofTests is what a piece of Lua has in it that is a file of tests.
const ofTests = `require("slavedriver.test")`

// TestReadmeLua checks each piece of Lua in the README as an entry file, but for
// those of tests.
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
		if strings.Contains(block, ofTests) {
			continue
		}
		path := filepath.Join(dir, fmt.Sprintf("%d.lua", i))
		if err := os.WriteFile(path, []byte(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(filepath.Join(binary, "slavedriver"), "check", path).CombinedOutput(); err != nil {
			t.Errorf("%v: %s\n%s", err, out, block)
		}
	}
}

// TestReadmeCrontab checks the Lua in the table for those who come from a
// crontab: each piece is an option of a job, or a call.
func TestReadmeCrontab(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(readme(t), "\n## From a crontab\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var script strings.Builder
	pieces := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(line, " | ")
		if len(cells) < 2 {
			continue
		}
		for i, piece := range strings.Split(strings.Join(cells[1:], " | "), "`") {
			switch {
			case i%2 == 0, strings.HasPrefix(piece, "user ") && os.Geteuid() != 0: // that needs root
			case strings.HasPrefix(piece, "slavedriver:"):
				pieces++
				fmt.Fprintln(&script, piece)
			case strings.Contains(piece, " = "):
				pieces++
				options := piece
				for name, value := range map[string]string{"command": `"true"`, "schedule": `"@daily"`} {
					if !strings.HasPrefix(piece, name+" ") {
						options += ", " + name + " = " + value
					}
				}
				fmt.Fprintf(&script, "slavedriver:addJob({ name = \"Job %d\", %s })\n", pieces, options)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "crontab.lua")
	if err := os.WriteFile(path, []byte(script.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(binary, "slavedriver"), "check", path)
	if out, err := cmd.CombinedOutput(); err != nil || pieces < 16 {
		t.Errorf("%d pieces: %v: %s\n%s", pieces, err, out, script.String())
	}
}

// backup is an entry file for the tests in the documentation.
const backup = `
local slavedriver, http = require("slavedriver"), require("slavedriver.http")
slavedriver:attach("slavedriver.job.finished.error", function(job, params, event)
  assert(http.post("https://events.pagerduty.com/v2/enqueue", { body = event.run:output() }))
end)
slavedriver:addJob({ name = "Backup", command = "true", schedule = "30 1 * * *" })
`

// TestDocumentedTests runs the tests that the README and docs/testing.md show.
func TestDocumentedTests(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	contents := map[string]string{"slavedriver.lua": backup}
	for i, block := range blocks(readme(t)+string(guide), "lua") {
		if strings.Contains(block, ofTests) {
			contents[fmt.Sprintf("%d_test.lua", i)] = block
		}
	}
	for name, content := range contents {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(filepath.Join(binary, "slavedriver"), "test", dir).CombinedOutput()
	if err != nil || strings.Count(string(out), "ok  \t") != 2 {
		t.Errorf("%v\n%s", err, out)
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
