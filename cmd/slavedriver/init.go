package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"

	"github.com/spf13/cobra"

	"slavedriver/luaapi"
)

//go:embed starter
var starter embed.FS

const initManual = `Makes a small project to begin with: an entry file, a job, a test, and what
editors need. Nothing that is there is overwritten. DIR is made if it is missing;
without DIR it is the current folder.`

func (c *command) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Makes a project to begin with: an entry file, a job, a test",
		Long:  initManual,
		Args:  cobra.ArbitraryArgs, // judged below
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage(fmt.Sprintf("one folder is all that is taken; what is %s?", args[1]), cmd.UseLine())
			}
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return c.makeProject(cmd.Root(), dir)
		},
	}
}

// made is one file of a new project.
type made struct {
	path string // below its folder
	text []byte
}

// makeProject writes all files of a new project, or none.
func (c *command) makeProject(root *cobra.Command, dir string) error {
	folder, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("cannot tell where %s is: %w", dir, err)
	}
	if strings.ContainsFunc(folder, unicode.IsControl) {
		return usage(fmt.Sprintf("%q cannot stand in a crontab: it holds a control character", folder), "give another folder: slavedriver init DIR")
	}
	crontab := c.crontabLine(filepath.Join(folder, "slavedriver.lua"))
	files, err := project(crontab)
	if err != nil {
		return err
	}
	for _, f := range files {
		switch _, err := os.Lstat(filepath.Join(dir, f.path)); {
		case err == nil:
			return usage(filepath.Join(dir, f.path)+" is there already, and init overwrites nothing", "give another folder: slavedriver init DIR")
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR): // a folder of it that is a file is found when it is to be made
			return fmt.Errorf("cannot make the project: %w", err)
		}
	}
	if err := writeAll(dir, files); err != nil {
		return err
	}
	return c.sayNext(root, dir, crontab, files)
}

// project is the files that a new one has.
func project(crontab string) ([]made, error) {
	var types bytes.Buffer
	if err := luaapi.WriteAnnotations(&types); err != nil {
		return nil, err
	}
	files := []made{{path: "slavedriver.lua"}, {path: "jobs/hello.lua"}, {path: "slavedriver_test.lua"}, {path: ".luarc.json"}}
	for i := range files {
		text, err := starter.ReadFile("starter/" + strings.TrimPrefix(files[i].path, ".")) // embed leaves out what begins with a dot
		if err != nil {
			return nil, err
		}
		files[i].text = bytes.ReplaceAll(text, []byte("{{crontab}}"), []byte(crontab))
	}
	return append(files, made{".luals/slavedriver.lua", types.Bytes()}), nil
}

// writeAll takes back what it wrote if it cannot write all.
func writeAll(dir string, files []made) (err error) {
	var written []string
	defer func() {
		if err != nil {
			for _, path := range written {
				_ = os.Remove(path)
			}
		}
	}()
	for _, f := range files {
		path := filepath.Join(dir, f.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("cannot make the project: %w", err)
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return fmt.Errorf("cannot make the project: %w", err)
		}
		written = append(written, path)
		_, err = file.Write(f.text)
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("cannot make the project: %w", err)
		}
	}
	return nil
}

// sayNext says what was made and what can be done with it.
func (c *command) sayNext(root *cobra.Command, dir, crontab string, files []made) error {
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = filepath.Join(dir, f.path)
	}
	if c.json {
		return c.printJSON(map[string]any{"files": paths, "crontab": crontab})
	}
	var next []string
	if filepath.Clean(dir) != "." {
		next = append(next, "cd "+shellWord(dir))
	}
	if test, _, err := root.Find([]string{"test"}); err == nil && test != root {
		next = append(next, "slavedriver test")
	}
	next = append(next, "slavedriver check slavedriver.lua", "slavedriver slavedriver.lua")
	_, err := fmt.Fprintf(c.stdout, "made %s\n\nnext:\n  %s\nand in the crontab (crontab -e) of the user whose jobs they are:\n  %s\n",
		strings.Join(paths, ", "), strings.Join(next, "\n  "), crontab)
	return err
}

// crontabLine runs this program every minute. A crontab takes a % for the end of
// the line, also in quotes.
func (c *command) crontabLine(entry string) string {
	line := shellWord(c.programPath()) + " " + shellWord(entry)
	return "* * * * * " + strings.ReplaceAll(line, "%", `\%`)
}

// programPath is this program as it was called, so that a link that is moved at
// an upgrade is kept; under `go run`, which deletes it, the place of the README.
func (c *command) programPath() string {
	path, err := exec.LookPath(c.program)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil || strings.Contains(path, "/go-build") {
		return "/usr/local/bin/slavedriver"
	}
	return path
}

// shellWord is a word of a shell's command, quoted if it has to be.
func shellWord(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
