// Package modules is what handlers load by name: slavedriver.http, .json,
// .mail, .text, .log and .secret.
//
// Each module is declared once, as a table of its functions with their
// parameters and options. The binding to Lua (luaapi), the checks and messages,
// the documentation and the editor's annotations all come from these tables.
// Nothing here knows Lua: values are those of Go, see Type.
package modules

import (
	"slices"
	"sync"
)

// Prefix stands in front of a module's name where it is required.
const Prefix = "slavedriver."

// Module is what require("slavedriver.NAME") returns.
type Module struct {
	Name      string // "http"
	Doc       string // one sentence
	Functions []Function
	Constants []Constant
}

// Constant is a value of a module that is no function.
type Constant struct {
	Name, Doc string
	Value     any
}

// Function is one function of a module.
type Function struct {
	Name, Doc string
	// Params are the parameters, in order; one of TypeOptions is the last.
	Params []Param
	// Options are the keys of the parameter of TypeOptions.
	Options []Param
	// Returns are the results when all went well.
	Returns []Param
	// Fails says that it returns nil and a message where it fails; the others
	// fail only by wrong arguments, which are thrown.
	Fails bool
	// Network says that it may wait for others, so it is refused while the
	// entry file loads.
	Network bool

	call func(*Call) ([]any, error)
}

// Run does what the function is for. Where its arguments are wrong in a way
// that their types do not show the error is a *ArgumentError, which is thrown.
func (f *Function) Run(c *Call) ([]any, error) { return f.call(c) }

// Param is a parameter, an option, a result, or a key of a record.
type Param struct {
	Name     string
	Type     Type
	Doc      string // what it is, with units
	Default  string // for people; "" where there is none
	Required bool
	// Choices are the values of TypeChoice.
	Choices []string
	// Least and Most bound TypeWhole.
	Least, Most int64
	// Keys are those of each record of TypeRecords.
	Keys []Param
	// Check says what is wrong with a value of the right type, as a predicate
	// that the name goes before: "must be ..."; nil: nothing can be.
	Check func(v any) error
}

// Type is the type of a Param, and says which value of Go stands for it.
type Type string

const (
	// TypeString is any string; numbers are taken for their digits. string.
	TypeString Type = "string"
	// TypeLine is a string of one line, neither empty nor with control characters. string.
	TypeLine Type = "line"
	// TypeFlag is a boolean. bool.
	TypeFlag Type = "boolean"
	// TypeWhole is a whole number from Least to Most. int64.
	TypeWhole Type = "number"
	// TypeDuration is more than no time: seconds, or "90s". time.Duration.
	TypeDuration Type = "duration"
	// TypeSize is a number of bytes, or "8M". int64.
	TypeSize Type = "size"
	// TypePath is a path; a relative one starts at the file that says it. string, absolute.
	TypePath Type = "path"
	// TypeChoice is one of Choices. string.
	TypeChoice Type = "choice"
	// TypeStrings is a list of strings, or one. []string.
	TypeStrings Type = "list of strings"
	// TypeMap has strings as keys, strings or numbers as values. map[string]string.
	TypeMap Type = "table of strings"
	// TypeRecords is a list of tables with the keys Keys. []Args.
	TypeRecords Type = "list of tables"
	// TypeValue is what JSON can hold: Null, bool, float64, json.Number, string,
	// []any, map[string]any.
	TypeValue Type = "value"
	// TypeFields is a table whose values are printed. map[string]any.
	TypeFields Type = "table"
	// TypeOptions is the table of a function's Options. Its values are found
	// among the other arguments.
	TypeOptions Type = "options"
	// TypeIterator is a function that returns one value after another, then nil.
	// Iterator; of results only.
	TypeIterator Type = "iterator"
)

// Iterator gives one value after another; ok is false after the last.
type Iterator func() (v any, ok bool)

// ArgumentError is what is wrong with the arguments of a call.
type ArgumentError struct{ Message, Hint string }

func (m *ArgumentError) Error() string { return m.Message }

// All are the modules, by name.
var All = sync.OnceValue(func() []*Module {
	return []*Module{httpModule(), jsonModule(), logModule(), mailModule(), secretModule(), textModule()}
})

// ByName is a module by its name without Prefix, or nil.
func ByName(name string) *Module {
	i := slices.IndexFunc(All(), func(m *Module) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return All()[i]
}

// Names are those of all modules, as they are required.
func Names() []string {
	var names []string
	for _, m := range All() {
		names = append(names, Prefix+m.Name)
	}
	return names
}
