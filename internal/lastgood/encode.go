package lastgood

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A copy is text, for a person who wants to know what runs. Its first line is the
// header, and is not part of what two copies are compared by:
//
//	slavedriver last good copy 1, of 2026-11-23T12:00:02Z, sha256 <of time and rest>
//
// Then come, a line each, the entry file, the folders that were listed and the
// files with their sizes; after an empty line the contents of the files in that
// order, each with a newline behind it. Paths are quoted as in Go: they may hold
// any bytes.
const headerFormat = "slavedriver last good copy 1, of %s, sha256 %s\n"

func header(body []byte, at time.Time) string {
	of := at.UTC().Format(time.RFC3339)
	sum := sha256.Sum256(append([]byte(of+"\n"), body...))
	return fmt.Sprintf(headerFormat, of, hex.EncodeToString(sum[:]))
}

// afterHeader is the rest of a copy.
func afterHeader(copied []byte) []byte {
	_, body, _ := bytes.Cut(copied, []byte("\n"))
	return body
}

// parts are the body, in pieces: the index, then each content. Equal generations
// have equal bodies.
func (g *generation) parts() [][]byte {
	index := fmt.Appendf(nil, "entry %q\n", g.entry)
	for _, path := range slices.Sorted(maps.Keys(g.folders)) {
		index = append(strconv.AppendQuote(append(index, "folder "...), path), '\n')
	}
	paths := slices.Sorted(maps.Keys(g.files))
	parts := make([][]byte, 1, 1+2*len(paths))
	for _, path := range paths {
		index = strconv.AppendInt(append(index, "file "...), int64(len(g.files[path])), 10)
		index = append(strconv.AppendQuote(append(index, ' '), path), '\n')
		parts = append(parts, g.files[path], []byte{'\n'})
	}
	parts[0] = append(index, '\n')
	return parts
}

// isIn says whether a copy holds this generation, whenever it was made. It is
// asked in each shift, and copies nothing.
func (g *generation) isIn(copied []byte) bool {
	rest := afterHeader(copied)
	for _, part := range g.parts() {
		var same bool
		if rest, same = bytes.CutPrefix(rest, part); !same {
			return false
		}
	}
	return len(rest) == 0
}

// encode is the whole copy.
func (g *generation) encode() []byte {
	body := bytes.Join(g.parts(), nil)
	return append([]byte(header(body, g.at)), body...)
}

var errCutShort = errors.New("it is cut short")

// decode reads a copy, and is sure of every byte.
func decode(data []byte) (*generation, error) {
	first, body, _ := bytes.Cut(data, []byte("\n"))
	_, of, _ := strings.Cut(string(first), ", of ")
	of, _, _ = strings.Cut(of, ",")
	at, err := time.Parse(time.RFC3339, of)
	if err != nil || header(body, at) != string(first)+"\n" {
		return nil, errors.New("its checksum does not fit")
	}
	g := &generation{at: at, files: map[string][]byte{}, folders: map[string]bool{}}
	index, contents, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok {
		return nil, errCutShort
	}
	for line := range strings.Lines(string(index)) {
		if contents, err = g.decodeLine(strings.TrimSuffix(line, "\n"), contents); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// decodeLine reads a line of the index and, of a file, its content; it returns
// the contents that are left.
func (g *generation) decodeLine(line string, contents []byte) ([]byte, error) {
	kind, rest, _ := strings.Cut(line, " ")
	size := 0
	if kind == "file" {
		number, quoted, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n >= len(contents) {
			return nil, errCutShort
		}
		size, rest = n, quoted
	}
	path, err := strconv.Unquote(rest)
	if err != nil {
		return nil, fmt.Errorf("a path in it cannot be read: %w", err)
	}
	switch kind {
	case "entry":
		g.entry = path
	case "folder":
		g.folders[path] = true
	case "file":
		g.files[path] = contents[:size]
		contents = contents[size+1:]
	default:
		return nil, fmt.Errorf("it has a line that is not known: %s", kind)
	}
	return contents, nil
}
