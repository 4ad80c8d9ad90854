package modules

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// largestSecret is the most bytes that a file with a secret has.
const largestSecret = 64 << 10

func secretModule() *Module {
	returns := []Param{{Name: "value", Type: TypeString, Doc: "the secret"}}
	return &Module{
		Name: "secret", Doc: "Gets passwords and keys, and keeps them out of whatever people read: from then on each log, each event and what the script prints has *** in their place.",
		Functions: []Function{
			{
				Name: "env", Doc: "Gets a secret from an environment variable of slavedriver.",
				Params:  []Param{{Name: "name", Type: TypeLine, Required: true, Doc: "the variable"}},
				Returns: returns, Fails: true, call: secretFromEnv,
			},
			{
				Name: "file", Doc: "Gets a secret from a file that only its owner can read (mode 0600 or 0400); the newline at its end is no part of it.",
				Params:  []Param{{Name: "path", Type: TypePath, Required: true, Doc: "the file; a relative path starts at the file that says it"}},
				Returns: returns, Fails: true, call: secretFromFile,
			},
			{
				Name: "missing", Doc: "Says which secrets the entry file did not get while it was loaded, and why.",
				Returns: []Param{{Name: "sentences", Type: TypeStrings, Doc: "a sentence each; an empty list where there is none"}},
				call: func(c *Call) ([]any, error) {
					sentences := []any{}
					if c.Missing != nil {
						for _, s := range c.Missing() {
							sentences = append(sentences, s)
						}
					}
					return []any{sentences}, nil
				},
			},
		},
	}
}

func secretFromEnv(c *Call) ([]any, error) {
	name := c.Args.Text("name")
	text := c.Getenv(name)
	if text == "" {
		return nil, fmt.Errorf("the environment has no %s", name)
	}
	return c.keep(text, "the value of "+name)
}

func secretFromFile(c *Call) ([]any, error) {
	path := c.Args.Text("path")
	text, err := readSecret(path)
	if err != nil {
		return nil, fmt.Errorf("the secret in %s cannot be used: %w", path, err)
	}
	return c.keep(text, "the secret in "+path)
}

func (c *Call) keep(text, what string) ([]any, error) {
	if err := c.Secrets.Add(text); err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", what, err)
	}
	return []any{text}, nil
}

// readSecret refuses what others could read or have written; it asks the open
// file, which nobody can exchange.
func readSecret(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO does not hold us
	if err != nil {
		return "", reason(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", reason(err)
	}
	owner, uid := -1, os.Geteuid()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(stat.Uid)
	}
	switch {
	case !info.Mode().IsRegular():
		return "", errors.New("it is not a regular file")
	case owner != uid && owner != 0:
		return "", fmt.Errorf("it belongs to user %d and not to user %d", owner, uid)
	case info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("others can get at it (mode %04o); chmod 600 %s", info.Mode().Perm(), path)
	}
	data, err := io.ReadAll(io.LimitReader(f, largestSecret+1))
	switch {
	case err != nil:
		return "", reason(err)
	case len(data) > largestSecret:
		return "", fmt.Errorf("it has more than %d bytes", largestSecret)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		return "", errors.New("it is empty")
	}
	return text, nil
}

// reason is an error of the system without the path, which the sentence around
// it has.
func reason(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
