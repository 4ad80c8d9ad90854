package luaapi

import (
	"context"
	"errors"

	lua "github.com/yuin/gopher-lua"
)

// Mistakes are the errors of an entry file that Load refused with the error
// first: that one, and those that are found when what is wrong is left out and
// the rest goes on, which is one for each job, and for each file of a folder of
// jobs. What stops the entry file itself, as a call with a wrong value does,
// hides all that follows. The file runs once more for it, and prints nothing;
// not if it overran its time.
func Mistakes(ctx context.Context, path string, o Options, first *Error) []*Error {
	found := []*Error{first}
	var late *overran
	if errors.As(first, &late) {
		return found
	}
	o.Stdout, o.Stderr, o.goOn = nil, nil, true
	s, err := Load(ctx, path, o)
	if s != nil {
		s.Close()
	}
	var e *Error
	if !errors.As(err, &e) {
		return found
	}
	for _, other := range append(e.before, e) {
		if other.Error() != first.Error() {
			found = append(found, other)
		}
	}
	return found
}

// passOver says whether loading goes on after a mistake, and notes it then.
func (s *Script) passOver(p position, err error) bool {
	if !s.o.goOn || s.running != nil && s.running.Err() != nil {
		return false
	}
	s.mistakes = append(s.mistakes, place(p, err))
	return true
}

// withMistakes is the error of a load in which mistakes were passed over: the
// last of them where nothing else failed.
func (s *Script) withMistakes(err error) error {
	if len(s.mistakes) == 0 {
		return err
	}
	last, before := s.mistakes[len(s.mistakes)-1], s.mistakes[:len(s.mistakes)-1]
	if err != nil {
		last, before = place(position{file: s.shown}, err), s.mistakes
	}
	last.before = before
	return last
}

// guarded calls act, and returns what it throws as an error where loading is to
// go on after that.
func (at site) guarded(act func()) error {
	if !at.s.o.goOn {
		act()
		return nil
	}
	fn := at.L.NewFunction(func(*lua.LState) int {
		act()
		return 0
	})
	at.L.Push(fn)
	if err := at.L.PCall(0, 0, nil); err != nil {
		return at.s.explained(err)
	}
	return nil
}
