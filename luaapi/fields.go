package luaapi

import (
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// field declares one named value of a T: an option of a job, a setting, a key
// of a table. Setters, getters, table forms, checks, messages and the
// documentation are all made from such declarations.
type field[T any] struct {
	name string
	typ  string // of the value, for people
	def  string // its default, for people; "" where there is none
	doc  string // one sentence, with units
	// set checks v and stores it; nil where the field can only be read.
	set func(at site, into *T, v lua.LValue) error
	// get gives the value back, as set would take it.
	get func(at site, from *T) lua.LValue
	// unset goes back to the default.
	unset func(*T)
}

// stored declares a field that is kept at one place of T. Its default is put
// there by unset.
func stored[T, V any](name string, k kind[V], place func(*T) *V, def V, defText, doc string) field[T] {
	return field[T]{
		name: name, typ: k.name, def: defText, doc: doc,
		set: func(at site, into *T, v lua.LValue) error {
			value, err := k.decode(at, v)
			if err == nil {
				*place(into) = value
			}
			return err
		},
		get:   func(_ site, from *T) lua.LValue { return k.encode(*place(from)) },
		unset: func(into *T) { *place(into) = def },
	}
}

// mostFields is how many fields a set may have; job.given has a bit for each.
const mostFields = 64

// fieldSet is all fields of a T.
type fieldSet[T any] struct {
	what   string // one of them, in messages: "option"
	fields []field[T]
	index  map[string]int
}

// newFields makes a set; what is one of its fields in messages.
func newFields[T any](what string, fields ...field[T]) *fieldSet[T] {
	set := &fieldSet[T]{what: what, fields: fields, index: make(map[string]int, len(fields))}
	for i := range fields {
		set.index[fields[i].name] = i
	}
	return set
}

func (f *fieldSet[T]) names() []string {
	names := make([]string, len(f.fields))
	for i := range f.fields {
		names[i] = f.fields[i].name
	}
	return names
}

// each calls set with each field that the table has, in the order of the
// declarations. Keys that are no fields are an error, the first of them.
func (f *fieldSet[T]) each(t *lua.LTable, set func(i int, v lua.LValue) error) error {
	values := make([]lua.LValue, mostFields) // of a constant size: not on the heap
	var strangers []string
	listed := false
	t.ForEach(func(key, v lua.LValue) {
		name, ok := key.(lua.LString)
		if !ok {
			listed = true
		} else if i, ok := f.index[string(name)]; ok {
			values[i] = v
		} else {
			strangers = append(strangers, string(name))
		}
	})
	switch {
	case len(strangers) > 0:
		return unknown(f.what, slices.Min(strangers), f.names())
	case listed:
		m := &mistake{message: "every " + f.what + " needs a name, but there is an entry without one", whole: true}
		return m.hinting(hintOfUnnamed(t.RawGetInt(1)))
	}
	for i := range f.fields {
		if values[i] == nil {
			continue
		}
		if err := set(i, values[i]); err != nil {
			return err
		}
	}
	return nil
}

// hintOfUnnamed says what the first entry of a table probably is that was to have
// names alone.
func hintOfUnnamed(v lua.LValue) string {
	_, table := v.(*lua.LTable)
	switch {
	case table, objectOf[job](v) != nil:
		return "this is a list of jobs: take one of them, the first is job[1]"
	case v != lua.LNil:
		return "write what " + describe(v) + " is, as in name = " + describe(v)
	}
	return ""
}

// read stores a table's values in into.
func (f *fieldSet[T]) read(at site, v lua.LValue, into *T) error {
	t, ok := v.(*lua.LTable)
	if !ok {
		return mustBe("a table of "+f.what+"s", v)
	}
	return f.each(t, func(i int, v lua.LValue) error {
		if err := f.fields[i].set(at, into, v); err != nil {
			return about("`"+f.fields[i].name+"`", err)
		}
		return nil
	})
}

// capital is the name of a field as it stands after "set" and "get".
func capital(name string) string { return strings.ToUpper(name[:1]) + name[1:] }
