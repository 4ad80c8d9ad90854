package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"slavedriver/luaapi"
)

const typesManual = `Writes annotations for the Lua language server (LuaLS), which many editors use:
they then complete and check what an entry file says to slavedriver.

  slavedriver types --output .luals/slavedriver.lua

A project that "slavedriver init" made has them already; write them again after
an upgrade. Without --output they go to stdout.`

func (c *command) typesCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:               "types",
		Short:             "Writes annotations by which editors know what an entry file can say",
		Long:              typesManual,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if output == "" {
				return luaapi.WriteAnnotations(c.stdout)
			}
			return writeTypes(output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write them to `FILE`, in place of older ones")
	return cmd
}

// writeTypes replaces a file of annotations, and no other file: an entry file is
// often called slavedriver.lua too.
func writeTypes(path string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot look at what is there: %w", err)
	}
	if len(old) > 0 && !bytes.HasPrefix(old, []byte(luaapi.AnnotationsMark)) {
		return usage(path+" is there, and is no file of annotations: it is not overwritten", "slavedriver types --output .luals/slavedriver.lua")
	}
	var text bytes.Buffer
	if err := luaapi.WriteAnnotations(&text); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return usage("there is no folder "+filepath.Dir(path), "make it first: mkdir -p "+shellWord(filepath.Dir(path)))
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}
