package luaapi

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/internal/spelling"
)

// kind is a kind of value: how it is read from Lua and given back. What decode
// returns reads on from the name of the value: "must be a boolean, not 5".
type kind[T any] struct {
	name   string // for messages and the documentation
	decode func(at site, v lua.LValue) (T, error)
	encode func(T) lua.LValue
}

// mustBe is the error for a value of the wrong type.
func mustBe(what string, v lua.LValue) *mistake {
	return wrong("must be %s, not %s", what, describe(v))
}

// describe is a value as it is told to people.
func describe(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		if len(v) > 40 {
			v = v[:40] + "..."
		}
		return strconv.Quote(string(v))
	case lua.LNumber, lua.LBool, *lua.LNilType:
		return v.String()
	case *lua.LUserData:
		if _, ok := v.Value.(*job); ok {
			return "a job"
		}
		return "an object"
	}
	return article(v.Type().String())
}

// flag takes nothing but booleans: in Lua 0 and "false" are true.
var flag = kind[bool]{"boolean",
	func(_ site, v lua.LValue) (bool, error) {
		b, ok := v.(lua.LBool)
		if !ok {
			return false, mustBe("true or false", v)
		}
		return bool(b), nil
	},
	func(b bool) lua.LValue { return lua.LBool(b) },
}

// text is a string that is not empty and has no NUL; line one that has no
// control characters either.
var (
	text = kind[string]{"string", func(_ site, v lua.LValue) (string, error) { return toText(v) }, fromText}
	line = kind[string]{"string",
		func(_ site, v lua.LValue) (string, error) {
			s, err := toText(v)
			if err == nil && (strings.ContainsFunc(s, unicode.IsControl) || !utf8.ValidString(s)) {
				return "", wrong("must be one line of UTF-8 text")
			}
			return s, err
		}, fromText}
)

// toText refuses what no option means: nothing, and a zero byte, which would
// cut the string short in the system.
func toText(v lua.LValue) (string, error) {
	s, ok := v.(lua.LString)
	switch {
	case !ok:
		return "", mustBe("a string", v)
	case strings.TrimSpace(string(s)) == "":
		return "", wrong("must not be empty")
	case strings.ContainsRune(string(s), 0):
		return "", wrong("must not contain a zero byte")
	}
	return string(s), nil
}

// fromText gives "" back as nil.
func fromText(s string) lua.LValue {
	if s == "" {
		return lua.LNil
	}
	return lua.LString(s)
}

// folder is a path; a relative one starts at the file that holds it.
var folder = kind[string]{"path",
	func(at site, v lua.LValue) (string, error) {
		s, err := toText(v)
		if err != nil || filepath.IsAbs(s) {
			return filepath.Clean(s), err
		}
		return filepath.Join(at.folder(), s), nil
	}, fromText,
}

// words is a list of strings.
var words = kind[[]string]{"list of strings",
	func(_ site, v lua.LValue) ([]string, error) { return toStrings(v, toText) },
	fromStrings,
}

// arguments is a list of strings that may be empty or blank, but have no NUL.
var arguments = kind[[]string]{"list of strings",
	func(_ site, v lua.LValue) ([]string, error) { return toStrings(v, toArgument) },
	fromStrings,
}

func toStrings(v lua.LValue, one func(lua.LValue) (string, error)) ([]string, error) {
	items, err := toList(v, "strings")
	if err != nil {
		return nil, err
	}
	out := make([]string, len(items))
	for i, item := range items {
		if out[i], err = one(item); err != nil {
			return nil, about(fmt.Sprintf("entry %d", i+1), err)
		}
	}
	return out, nil
}

func fromStrings(list []string) lua.LValue {
	t := &lua.LTable{Metatable: lua.LNil}
	for i, s := range list {
		t.RawSetInt(i+1, lua.LString(s))
	}
	return t
}

func toArgument(v lua.LValue) (string, error) {
	if s, ok := v.(lua.LString); ok && strings.TrimSpace(string(s)) == "" {
		return string(s), nil
	}
	return toText(v)
}

// toList is a table's entries 1 to n, when it has no others.
func toList(v lua.LValue, of string) ([]lua.LValue, error) {
	t, ok := v.(*lua.LTable)
	if !ok {
		m := mustBe("a list of "+of, v)
		if lua.LVCanConvToString(v) {
			m = m.hinting("put it in braces: { " + describe(v) + " }")
		}
		return nil, m
	}
	n, items := t.MaxN(), make([]lua.LValue, 0, t.MaxN())
	count := 0
	t.ForEach(func(lua.LValue, lua.LValue) { count++ })
	if count != n {
		return nil, wrong("must be a list of %s without gaps and names", of)
	}
	for i := 1; i <= n; i++ {
		items = append(items, t.RawGetInt(i))
	}
	return items, nil
}

// whole is a whole number from least to most.
func whole[T int | int64](least, most T) kind[T] {
	return kind[T]{"number",
		func(_ site, v lua.LValue) (T, error) {
			n, ok := v.(lua.LNumber)
			if !ok || float64(n) != math.Trunc(float64(n)) || float64(n) < float64(least) || float64(n) > float64(most) {
				if most >= math.MaxInt32 {
					return 0, mustBe(fmt.Sprintf("a whole number of at least %d", least), v)
				}
				return 0, mustBe(fmt.Sprintf("a whole number from %d to %d", least, most), v)
			}
			return T(n), nil
		},
		func(n T) lua.LValue { return lua.LNumber(n) },
	}
}

// oneOf is one of a few names.
func oneOf[T ~string](values ...T) kind[T] {
	names, quoted := make([]string, len(values)), make([]string, len(values))
	for i, v := range values {
		names[i], quoted[i] = string(v), strconv.Quote(string(v))
	}
	list := strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
	return kind[T]{list,
		func(_ site, v lua.LValue) (T, error) {
			s, ok := v.(lua.LString)
			for _, known := range values {
				if ok && T(s) == known {
					return known, nil
				}
			}
			m := mustBe(list, v)
			if near := spelling.Nearest(string(s), names); near != "" {
				m.message += ", did you mean `" + near + "`?"
			}
			return "", m
		},
		func(v T) lua.LValue { return fromText(string(v)) },
	}
}

const (
	durationHint = `write seconds, or a text such as "90s", "5m", "1h30m" or "7d"`
	sizeHint     = `write bytes, or a text such as "64K", "1M" or "2G"`
	// longest keeps every duration far from where time.Duration overflows.
	longest = 100 * 365 * 24 * time.Hour
)

// duration is a length of time, nothing included; positive one of more than
// nothing, where 0 stands for "none" and is given back as nil.
var (
	duration = kind[time.Duration]{"duration",
		func(_ site, v lua.LValue) (time.Duration, error) { return toDuration(v) },
		func(d time.Duration) lua.LValue {
			if d < 0 {
				return lua.LNil
			}
			return lua.LNumber(d.Seconds())
		},
	}
	positive = kind[time.Duration]{"duration",
		func(_ site, v lua.LValue) (time.Duration, error) {
			d, err := toDuration(v)
			if err == nil && d == 0 {
				return 0, wrong("must be more than 0").hinting("leave it out where there is to be none")
			}
			return d, err
		},
		func(d time.Duration) lua.LValue {
			if d <= 0 {
				return lua.LNil
			}
			return lua.LNumber(d.Seconds())
		},
	}
)

// toDuration reads seconds or a text with units, to the nanosecond.
func toDuration(v lua.LValue) (time.Duration, error) {
	seconds, ok := 0.0, false
	switch v := v.(type) {
	case lua.LNumber:
		seconds, ok = float64(v), true
	case lua.LString:
		seconds, ok = parseUnits(string(v), "dhms", 86400, 3600, 60, 1)
	}
	switch {
	case !ok:
		return 0, mustBe("a duration", v).hinting(durationHint)
	case math.IsNaN(seconds) || seconds < 0 || seconds > longest.Seconds():
		return 0, mustBe("a duration from 0 to 100 years", v)
	}
	return time.Duration(math.Round(seconds * 1e9)), nil
}

// size is a number of bytes.
var size = kind[int64]{"size",
	func(_ site, v lua.LValue) (int64, error) {
		bytes, ok := 0.0, false
		switch v := v.(type) {
		case lua.LNumber:
			bytes, ok = float64(v), true
		case lua.LString:
			bytes, ok = parseUnits(strings.ToUpper(string(v)), "TGMK", 1<<40, 1<<30, 1<<20, 1<<10)
		}
		switch {
		case !ok:
			return 0, mustBe("a size", v).hinting(sizeHint)
		case math.IsNaN(bytes) || bytes < 0 || bytes > 1<<53 || bytes != math.Trunc(bytes):
			return 0, mustBe("a whole number of bytes", v)
		}
		return int64(bytes), nil
	},
	func(n int64) lua.LValue { return lua.LNumber(n) },
}

// parseUnits adds up numbers with units, the larger ones first and each at
// most once: "1h30m".
func parseUnits(s, units string, factors ...float64) (sum float64, ok bool) {
	for s != "" {
		i := strings.IndexAny(s, units)
		if i < 1 || strings.ContainsAny(s[:i], "+-eExXnNiI_ ") {
			return 0, false
		}
		n, err := strconv.ParseFloat(s[:i], 64)
		unit := strings.IndexByte(units, s[i])
		if err != nil {
			return 0, false
		}
		sum += n * factors[unit]
		s, units, factors, ok = s[i+1:], units[unit+1:], factors[unit+1:], true
	}
	return sum, ok
}
