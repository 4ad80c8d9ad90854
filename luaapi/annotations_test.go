package luaapi

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"

	"slavedriver/engine"
)

// annotated are the names in the annotations, by class.
func annotated(t *testing.T) (text string, names map[string][]string) {
	t.Helper()
	var out strings.Builder
	if err := WriteAnnotations(&out); err != nil {
		t.Fatal(err)
	}
	names = map[string][]string{}
	class, ofTable := "", map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(out.String())); lines.Scan(); {
		line := lines.Text()
		switch {
		case match(line, `^---@class (\S+)$`) != "":
			class = match(line, `^---@class (\S+)$`)
			names[class] = []string{}
		case match(line, `^---@field (\w+)`) != "":
			names[class] = append(names[class], match(line, `^---@field (\w+)`))
		case match(line, `^(?:local )?(\w+) = \{\}$`) != "":
			ofTable[match(line, `^(?:local )?(\w+) = \{\}$`)] = class
		case match(line, `^(?:function )?(\w+)[.:]`) != "":
			owner := ofTable[match(line, `^(?:function )?(\w+)[.:]`)]
			names[owner] = append(names[owner], match(line, `^(?:function )?\w+[.:](\w+)`))
		}
	}
	return out.String(), names
}

func match(text, pattern string) string {
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[1]
}

// offered are the names that objects of a class really have in a VM.
func offered[T any](s *Script, c *class[T], statics map[string]lua.LValue) (names []string) {
	c.members(s, statics).ForEach(func(name, _ lua.LValue) { names = append(names, name.String()) })
	for i := range c.fields.fields {
		if c.properties && c.fields.fields[i].get != nil {
			names = append(names, c.fields.fields[i].name)
		}
	}
	return names
}

func settable[T any](set *fieldSet[T]) (names []string) {
	for _, f := range set.fields {
		if f.set != nil {
			names = append(names, f.name)
		}
	}
	return names
}

// contents are the keys that a real alert has: of a failure, which has them all.
func contents(t *testing.T) (names []string) {
	s, out := mustLoad(t, `slavedriver.alert({ send = function(alert) for key in pairs(alert) do print(key) end end })`)
	s.UseState(mapState{values: map[string]any{}})
	fire(t, s, &engine.Event{
		Name: engine.EventJobError, Job: &engine.Job{Name: "a", Slug: "a"}, Run: &engine.RunInfo{}, Since: noonOfDocs, Time: noonOfDocs,
		Params: map[string]any{"exitCode": 1, "timedOut": false, "consecutiveFailures": 1},
	})
	return strings.Fields(out.String())
}

// keysOfNow are the keys that a schedule function really gets.
func keysOfNow(t *testing.T) []string {
	s, out := mustLoad(t, `slavedriver:addJob({ name = "a", command = "true", schedule = function(now) for key in pairs(now) do print(key) end end })`)
	if _, err := s.Due(t.Context(), s.Plan().Jobs[0], noonOfDocs); err != nil {
		t.Fatal(err)
	}
	return strings.Fields(out.String())
}

// TestAnnotationsAreComplete compares them with what the VM offers: nothing is
// missing, and nothing is there that is not.
func TestAnnotationsAreComplete(t *testing.T) {
	s, _ := mustLoad(t, "return")
	want := map[string][]string{
		"slavedriver":                     offered(s, slavedriverClass(), s.statics()),
		"slavedriver.Job":                 offered(s, jobClass(), nil),
		"slavedriver.Event":               offered(s, eventClass(), nil),
		"slavedriver.Run":                 offered(s, runClass(), nil),
		"slavedriver.State":               offered(s, stateClass(), nil),
		"slavedriver.Logger":              offered(s, loggerClass(), nil),
		"slavedriver.JobOptions":          settable(jobOptions()),
		"slavedriver.Limits":              settable(limitFields()),
		"slavedriver.AttachOptions":       settable(attachFields()),
		"slavedriver.AlertOptions":        settable(alertFields()),
		"slavedriver.Alert":               contents(t),
		"slavedriver.Now":                 keysOfNow(t),
		"slavedriver.OutputOptions":       settable(outputFields()),
		"slavedriver.LockStore":           settable(storeFields()),
		"slavedriver.LogLevels":           settable(levelFields()),
		"slavedriver.FileLoggerOptions":   settable(loggerKinds()[0].fields),
		"slavedriver.StderrLoggerOptions": settable(loggerKinds()[1].fields),
		"slavedriver.SyslogLoggerOptions": settable(loggerKinds()[2].fields),
	}
	for _, e := range engine.EventDocs {
		params := []string{}
		for _, p := range e.Params {
			params = append(params, p.Name)
		}
		want[paramsType(e)] = params
	}
	_, got := annotated(t)
	for class, names := range want {
		slices.Sort(names)
		slices.Sort(got[class])
		if !slices.Equal(names, got[class]) {
			t.Errorf("%s is annotated with\n%v\nand has\n%v", class, got[class], names)
		}
		delete(got, class)
	}
	for class := range got {
		t.Errorf("%s is annotated and not there", class)
	}
}

// plainTypes are those of LuaLS, and the aliases.
var plainTypes = map[string]bool{
	"string": true, "number": true, "integer": true, "boolean": true, "table": true, "any": true, "function": true, "nil": true, "true": true, "false": true,
	"slavedriver.Duration": true, "slavedriver.Size": true,
}

// TestAnnotationsAreWellFormed: they are Lua, each type that they name is one,
// and each event can be attached to with its params.
func TestAnnotationsAreWellFormed(t *testing.T) {
	text, names := annotated(t)
	if _, err := parse.Parse(strings.NewReader(text), "annotations"); err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(text) {
		if match(line, `^---@(return|overload|field|param|alias) `) == "" {
			continue
		}
		typ := match(line, `^---@(?:return|overload|(?:field|param|alias) [\w.]+\??) (.*)`)
		rest, found, ok := readType(typ)
		if !ok || rest != "" && rest[0] != ' ' {
			t.Errorf("this is not annotated with a type: %s", line)
		}
		for _, name := range found {
			if !plainTypes[name] && names[name] == nil {
				t.Errorf("there is no type %s: %s", name, line)
			}
		}
	}
	for _, e := range engine.EventDocs {
		if strings.Count(text, `pattern: "`+e.Name+`", handler: fun(job: `) != 1 {
			t.Errorf("attach has no overload for %s", e.Name)
		}
	}
}

// TestSignatures: each call has one, with the parameters that its documentation
// names; types of options and params are all known.
func TestSignatures(t *testing.T) {
	used := map[string]bool{}
	s := surfaceOf()
	for _, o := range append([]objectDoc{s.object, s.job}, s.objects...) {
		for _, c := range append(o.methods, o.constructors...) {
			name := o.name + "." + c.name
			used[name] = true
			if _, ok := signatures()[name]; !ok {
				t.Errorf("%s needs a row in signatures (surface.go)", name)
			}
			if want := parameters(c.args); want != len(c.params) {
				t.Errorf("%s(%s) has the parameters %v", name, c.args, c.params)
			}
		}
		for _, f := range o.fields {
			knownType(t, o.typ, f)
		}
		for _, a := range o.accessors {
			knownType(t, o.typ, a.field)
		}
	}
	for name := range signatures() {
		if !used[name] {
			t.Errorf("there is no %s for its row in signatures", name)
		}
	}
	for _, table := range s.options {
		for _, f := range table.fields {
			knownType(t, table.typ, f)
		}
	}
	for _, e := range engine.EventDocs {
		for _, p := range e.Params {
			knownType(t, e.Name, fieldDoc{name: p.Name, typ: p.Type})
		}
	}
}

// parameters counts those that the documentation of a call names; a table in
// braces is one.
func parameters(args string) int {
	switch {
	case args == "":
		return 0
	case strings.HasPrefix(args, "{"):
		return 1
	}
	return 1 + strings.Count(args, ",")
}

func knownType(t *testing.T, of string, f fieldDoc) {
	t.Helper()
	if luaType(f.typ) == "" {
		t.Errorf("%s, %s: the type %q needs a row in luaTypes (annotations.go)", of, f.name, f.typ)
	}
}

// TestAnnotationsCoverTheExamples stands in where there is no LuaLS: whatever the
// examples say to slavedriver, a job, an event, a run is annotated.
func TestAnnotationsCoverTheExamples(t *testing.T) {
	_, names := annotated(t)
	known := map[string][]string{
		"slavedriver": names["slavedriver"], "job": names["slavedriver.Job"], "event": names["slavedriver.Event"], "run": names["slavedriver.Run"],
	}
	checked := 0
	check := func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".lua" {
			return err
		}
		source, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		chunk, err := parse.Parse(source, path)
		if err != nil {
			t.Error(err)
		}
		uses(chunk, func(object, name string, line int) {
			checked++
			if all, ok := known[object]; ok && !slices.Contains(all, name) {
				t.Errorf("%s:%d: %s.%s is not annotated", path, line, object, name)
			}
		})
		return nil
	}
	_ = filepath.WalkDir("../examples", check)
	_ = filepath.WalkDir("../cmd/slavedriver/starter", check)
	if checked < 20 {
		t.Errorf("only %d uses were found", checked)
	}
}
