package outbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"slavedriver/internal/durable"
	"slavedriver/internal/faultpoint"
)

const (
	// mostLetters and mostBytes bound what waits, so that a handler that goes
	// wild does not fill the disk.
	mostLetters = 10_000
	mostBytes   = 1 << 30
	// mostGivenUp is how many letters that were given up stay to be looked at.
	mostGivenUp = 100
	// longestHead is the most bytes of a letter's first line.
	longestHead = 64 << 10
	// abandoned is how old a file is that nobody writes any more.
	abandoned = time.Hour

	letterSuffix = ".letter"
	triesSuffix  = ".tries"
	givenUp      = "given-up"
)

// Letter is a message that is to be sent. On the disk it is its head, a line
// of JSON, and its content: so that the heads can be read alone.
type Letter struct {
	// ID tells letters apart, and is told to the receiver; letters, digits and
	// dashes. One that is put again replaces the first.
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`  // for Deliver
	To      string    `json:"to"`    // the server: of two letters to one that is down, one is tried
	About   string    `json:"about"` // what it is, for people; without secrets
	Created time.Time `json:"created"`
	// Order, where it is not empty, has a letter wait for the older ones with
	// the same.
	Order   string `json:"order,omitempty"`
	Content []byte `json:"-"`
}

// tries is what became of a letter so far. It is kept beside it.
type tries struct {
	Count int       `json:"count"`
	Next  time.Time `json:"next"`
	Error string    `json:"error"`
}

var errDamaged = errors.New("the letter is damaged")

// shelf is the folder of the letters.
type shelf string

func (f shelf) path(name string) string { return filepath.Join(string(f), name) }

// put makes a letter durable: it is whole on the disk, or not there.
func (f shelf) put(l Letter) error {
	if l.ID == "" || strings.Trim(l.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("a letter cannot have the id %q", l.ID)
	}
	if err := f.makeFolder(); err != nil {
		return err
	}
	if err := f.hasRoom(int64(len(l.Content))); err != nil {
		return err
	}
	head, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return durable.WriteFile(f.path(l.ID+letterSuffix), slices.Concat(head, []byte{'\n'}, l.Content), "outbox.put")
}

// makeFolder makes the folder, and its name durable.
func (f shelf) makeFolder() error {
	if _, err := os.Stat(string(f)); err == nil {
		return nil
	}
	if err := faultpoint.Hit("outbox.mkdir"); err != nil {
		return err
	}
	if err := os.Mkdir(string(f), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return durable.SyncDir(filepath.Dir(string(f)))
}

func (f shelf) hasRoom(size int64) error {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return err
	}
	n := 0
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && strings.HasSuffix(entry.Name(), letterSuffix) {
			n++
			size += info.Size()
		}
	}
	switch {
	case n >= mostLetters:
		return fmt.Errorf("%d letters wait there already", n)
	case size > mostBytes:
		return fmt.Errorf("the letters there would have %d bytes; the most is %d", size, mostBytes)
	}
	return nil
}

// isEmpty says that there is nothing to send.
func (f shelf) isEmpty() bool {
	entries, err := os.ReadDir(string(f))
	return err != nil || !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), letterSuffix) })
}

// list reads the heads of all letters. damaged are the ids of those that
// cannot be understood. What a process that was killed left behind is removed.
func (f shelf) list() (slips []*slip, damaged []string, err error) {
	folder, err := os.Stat(string(f))
	if err != nil {
		return nil, nil, err
	}
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, nil, err
	}
	there := map[string]bool{}
	for _, entry := range entries {
		id, ok := strings.CutSuffix(entry.Name(), letterSuffix)
		if !ok {
			continue
		}
		there[id] = true
		s, err := f.slip(id)
		switch {
		case errors.Is(err, errDamaged):
			damaged = append(damaged, id)
		case err == nil:
			slips = append(slips, s)
		}
	}
	for _, entry := range entries {
		f.sweep(entry, there, folder.ModTime())
	}
	return slips, damaged, nil
}

// sweep removes a file that belongs to no letter. A letter may just be put by
// another process; what becomes of tries is written by us alone. touched is when
// the folder was changed last: the clock of the file system, which need not be ours.
func (f shelf) sweep(entry os.DirEntry, there map[string]bool, touched time.Time) {
	name := entry.Name()
	id, isTries := strings.CutSuffix(name, triesSuffix)
	info, err := entry.Info()
	old := err == nil && touched.Sub(info.ModTime()) > abandoned
	if isTries && !there[id] || strings.HasSuffix(name, triesSuffix+".new") || old && strings.HasSuffix(name, ".new") {
		_ = os.Remove(f.path(name))
	}
}

// slip reads a letter's head and what became of it so far.
func (f shelf) slip(id string) (*slip, error) {
	file, err := os.Open(f.path(id + letterSuffix))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	line, err := bufio.NewReader(io.LimitReader(file, longestHead)).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	head, err := parseHead(id, line)
	if err != nil {
		return nil, err
	}
	s := &slip{id: id, to: head.To, about: head.About, created: head.Created, order: head.Order}
	var t tries
	if data, err := os.ReadFile(f.path(id + triesSuffix)); err == nil && json.Unmarshal(data, &t) == nil {
		s.tries, s.next, s.why = t.Count, t.Next, t.Error
	}
	return s, nil
}

func parseHead(id string, line []byte) (*Letter, error) {
	var l Letter
	if json.Unmarshal(line, &l) != nil || l.ID != id || l.Kind == "" {
		return nil, errDamaged
	}
	return &l, nil
}

// read reads a whole letter.
func (f shelf) read(id string) (*Letter, error) {
	data, err := os.ReadFile(f.path(id + letterSuffix))
	if err != nil {
		return nil, err
	}
	line, content, _ := bytes.Cut(data, []byte{'\n'})
	l, err := parseHead(id, line)
	if err == nil {
		l.Content = content
	}
	return l, err
}

// note keeps what became of a try.
func (f shelf) note(id string, t tries) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return durable.WriteFile(f.path(id+triesSuffix), data, "outbox.note")
}

// remove takes a letter away that was sent. Before that is on the disk, a power
// cut lets it be sent again.
func (f shelf) remove(id string) error {
	if err := faultpoint.Hit("outbox.remove"); err != nil {
		return err
	}
	if err := os.Remove(f.path(id + letterSuffix)); err != nil {
		return err
	}
	_ = os.Remove(f.path(id + triesSuffix)) // else list does
	return durable.SyncDir(string(f))
}

// giveUp puts a letter where it is not sent any more, and returns its path.
func (f shelf) giveUp(id string) (string, error) {
	to := f.path(filepath.Join(givenUp, id+letterSuffix))
	if err := os.Mkdir(f.path(givenUp), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	if err := faultpoint.Hit("outbox.giveup"); err != nil {
		return "", err
	}
	if err := os.Rename(f.path(id+letterSuffix), to); err != nil {
		return "", err
	}
	_ = os.Remove(f.path(id + triesSuffix))
	f.pruneGivenUp()
	return to, errors.Join(durable.SyncDir(f.path(givenUp)), durable.SyncDir(string(f)))
}

// pruneGivenUp removes the oldest of those that were given up.
func (f shelf) pruneGivenUp() {
	entries, err := os.ReadDir(f.path(givenUp))
	if err != nil || len(entries) <= mostGivenUp {
		return
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return modified(a).Compare(modified(b)) })
	for _, entry := range entries[:len(entries)-mostGivenUp] {
		_ = os.Remove(f.path(filepath.Join(givenUp, entry.Name())))
	}
}

func modified(entry os.DirEntry) time.Time {
	info, err := entry.Info()
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
