package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"slavedriver/internal/spelling"
	"slavedriver/luaapi"
)

// What is said of an entry file that does not load, besides the error itself.

// named adds to the error of a file that is not there the name of one beside it
// that was probably meant.
func (c *command) named(file string, err error) error {
	var e *luaapi.Error
	if !errors.As(err, &e) || e.Line != 0 || e.Hint != "" || !errors.Is(e, fs.ErrNotExist) {
		return err
	}
	path, err2 := c.absolute(file)
	entries, err3 := os.ReadDir(filepath.Dir(path))
	if errors.Join(err2, err3) != nil {
		return err
	}
	var beside []string
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) == ".lua" {
			beside = append(beside, entry.Name())
		}
	}
	if near := spelling.Nearest(filepath.Base(path), beside); near != "" && near != filepath.Base(path) {
		e.Hint = "did you mean " + filepath.Join(filepath.Dir(file), near) + "?"
	}
	return err
}

// sayInvalid says why a shift has no entry file. It stops at the first mistake,
// so that others may come up after that is mended: where there are more, it says
// what shows them.
func (c *command) sayInvalid(ctx context.Context, file string, err error) error {
	var e *luaapi.Error
	if !errors.As(err, &e) || e.Line == 0 {
		return c.named(file, err)
	}
	all := luaapi.Mistakes(ctx, file, c.readOptions(), e) // as check would
	if len(all) == 1 {
		return err
	}
	complainOf(c.stderr, e.Error(), e.Hint)
	complain(c.stderr, "hint", fmt.Sprintf("it is the first of %d mistakes: slavedriver check %s shows all", len(all), file))
	return &failure{status: exitUsage, err: err, said: true}
}
