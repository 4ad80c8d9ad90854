package vardir

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"time"
	"unicode/utf8"

	"slavedriver/internal/durable"
)

// The state is for small values: it is read and written whole each time.
const (
	longestKey   = 256     // bytes
	largestState = 1 << 20 // bytes of the file
	// stateLockWait is far beyond one write, and below a handler's deadline.
	stateLockWait = 5 * time.Second
)

// State holds the values of a script that last from shift to shift. Each call
// reads the file, and each change is on the disk when it returns; shifts and
// goroutines may call at once.
type State struct{ dir *Dir }

// State is the script's state in this var dir; its file comes with the first
// value.
func (d *Dir) State() *State { return &State{dir: d} }

// Get is the value last set: a string, bool, float64, []any or map[string]any.
// ok is false when there is none. A damaged file is set aside, and the error
// says so once; afterwards the state is empty.
func (s *State) Get(key string) (value any, ok bool, err error) {
	err = s.locked(func(values map[string]any) (bool, error) {
		value, ok = values[key]
		return false, nil
	})
	return value, ok, err
}

// Set keeps a value under a key of at most 256 bytes; nil removes it. Values
// are what JSON can hold: no NaN, no infinity, no string that is not UTF-8.
func (s *State) Set(key string, value any) error {
	if err := checkState(key, value); err != nil {
		return err
	}
	return s.locked(func(values map[string]any) (bool, error) {
		values[key] = value
		if value == nil {
			delete(values, key)
		}
		return true, nil
	})
}

// Increment adds to a number (0 when there is none) and returns the sum.
func (s *State) Increment(key string, by float64) (sum float64, err error) {
	if err := checkState(key, by); err != nil {
		return 0, err
	}
	err = s.locked(func(values map[string]any) (bool, error) {
		old, isNumber := values[key].(float64)
		if values[key] != nil && !isNumber {
			return false, fmt.Errorf("cannot increment %q in the state: what is there is not a number", key)
		}
		sum = old + by
		values[key] = sum
		return true, checkState(key, sum)
	})
	return sum, err
}

// locked calls change with the values, under the lock, and writes them if it
// says that they are others now.
func (s *State) locked(change func(map[string]any) (changed bool, err error)) error {
	unlock, err := lockFlock(s.dir.Path("state.lock"), stateLockWait)
	if err != nil {
		return fmt.Errorf("cannot use the state: %w", err)
	}
	defer unlock()
	values, err := s.read()
	if err != nil {
		return err
	}
	changed, err := change(values)
	if err != nil || !changed {
		return err
	}
	return s.write(values)
}

func (s *State) path() string { return s.dir.Path("state.json") }

func (s *State) read() (map[string]any, error) {
	values := map[string]any{}
	data, err := durable.ReadFile(s.path())
	if errors.Is(err, durable.ErrOdd) {
		return nil, fmt.Errorf("the state was put aside (%w) and is empty now", err)
	}
	if errors.Is(err, os.ErrNotExist) {
		return values, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the state: %w", err)
	}
	if json.Unmarshal(data, &values) == nil && values != nil {
		return values, nil
	}
	aside, err := setAside(s.path())
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("the state was damaged; it was set aside as %s and is empty now", aside)
}

func (s *State) write(values map[string]any) error {
	data, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("cannot encode the state: %w", err)
	}
	if len(data) > largestState {
		return fmt.Errorf("the state would take %d bytes, %d are the most; it is for small values", len(data), largestState)
	}
	return durable.WriteFile(s.path(), data, "state")
}

// checkState refuses what would not come back as it was.
func checkState(key string, value any) error {
	if key == "" || len(key) > longestKey || !utf8.ValidString(key) {
		return fmt.Errorf("a key of the state must be text of 1 to %d bytes", longestKey)
	}
	if err := checkValue(value); err != nil {
		return fmt.Errorf("cannot keep %q in the state: %w", key, err)
	}
	return nil
}

func checkValue(value any) error {
	switch v := value.(type) {
	case string:
		return checkText(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return errors.New("it is not a finite number")
		}
	case []any:
		for _, item := range v {
			if err := checkValue(item); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, item := range v {
			if err := errors.Join(checkText(name), checkValue(item)); err != nil {
				return err
			}
		}
	}
	return nil // anything else is for the JSON encoder to judge
}

func checkText(text string) error {
	if !utf8.ValidString(text) {
		return errors.New("it holds a string that is not UTF-8; encode it, for example as hexadecimal digits")
	}
	return nil
}
