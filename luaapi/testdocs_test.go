package luaapi

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestTestingIsCurrent fails when docs/testing.md does not have each function,
// method and key. Its tables, all from "## t" on, are written anew where
// $SLAVEDRIVER_UPDATE_DOCS is set.
func TestTestingIsCurrent(t *testing.T) {
	const file, begin = "../docs/testing.md", "\n## t\n"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, tables, found := strings.Cut(string(data), begin)
	want := newTestDocs().String()
	if os.Getenv("SLAVEDRIVER_UPDATE_DOCS") != "" {
		if err := os.WriteFile(file, []byte(head+begin+want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !found || tables != want {
		t.Errorf("%s is stale: SLAVEDRIVER_UPDATE_DOCS=1 go test ./luaapi -run %s", file, t.Name())
	}
}

// testDocs is what tests can say.
type testDocs struct {
	functions []rowDoc // of the module
	options   []rowDoc // of t.world
	classes   []sectionDoc
	records   []sectionDoc
}

func (d testDocs) String() string {
	r := &reference{}
	r.add("What `require(\"slavedriver.test\")` returns. A check that does not hold ends the case; `about` is put in front of what it says.\n\n")
	r.columns("call", "meaning")
	for _, f := range d.functions {
		r.row(code("t."+f.name+"("+f.args+")"), f.doc)
	}
	r.head("The argument of t.world", "", "key", "value", "default", "meaning")
	for _, o := range d.options {
		r.row(code(o.name), o.args, o.def, o.doc)
	}
	for _, c := range d.classes {
		r.head("What "+c.name+" returns", "", "call", "meaning")
		for _, m := range c.rows {
			r.row(code(c.called()+":"+m.name+"("+m.args+")"), m.doc)
		}
	}
	r.add("\n## What tests read\nThe methods return lists of tables with these keys. To ask for another key is an error.\n\n")
	r.columns("of", "key", "value", "meaning")
	for _, c := range d.records {
		for _, k := range c.rows {
			r.row(code(c.name), code(k.name), k.args, k.doc)
		}
	}
	return r.String()
}

// called is what an object of a section is called in examples: its first letter.
func (c sectionDoc) called() string {
	_, name, _ := strings.Cut(c.name, ".")
	if name == "" {
		_, name, _ = strings.Cut(c.name, ":")
	}
	return name[:1]
}

// sectionDoc is a table of the documentation.
type sectionDoc struct {
	name string // "w:command"
	rows []rowDoc
}

// rowDoc is a row of one; args are those of a call, or the type of a key.
type rowDoc struct{ name, args, doc, def string }

func newTestDocs() testDocs {
	var d testDocs
	for _, f := range testFunctions() {
		d.functions = append(d.functions, rowDoc{f.name, f.args, f.doc, ""})
	}
	for _, f := range worldFields().fields {
		d.options = append(d.options, rowDoc{f.name, f.typ, f.doc, f.def})
	}
	d.classes = slices.Concat(
		[]sectionDoc{{"t.world", methodRows(worldClass().methods)}},
		[]sectionDoc{{"w:command", methodRows(commandClass().methods)}},
		[]sectionDoc{{"w:http", methodRows(answerClass().methods)}},
		[]sectionDoc{{"w:mail", methodRows(mailerClass().methods)}},
		[]sectionDoc{{"w:shell", methodRows(shellClass().methods)}},
		[]sectionDoc{{"w:slave", methodRows(slaveObjectClass().methods)}},
		[]sectionDoc{{"w:lockstore", methodRows(storeObjectClass().methods)}},
	)
	d.records = []sectionDoc{
		{"w:runs", keyRows(runRecord)}, {"w:requests", keyRows(requestRecord)}, {"w:mails", keyRows(mailRecord)},
		{"w:events", keyRows(eventRecord)}, {"w:log", keyRows(logRecord)}, {"w:commands", keyRows(executedRecord)},
	}
	return d
}

func methodRows[T any](methods []method[T]) (rows []rowDoc) {
	for _, m := range methods {
		rows = append(rows, rowDoc{m.name, m.args, m.doc, ""})
	}
	return rows
}

func keyRows[T any](kind recordKind[T]) (rows []rowDoc) {
	for _, k := range kind.keys {
		rows = append(rows, rowDoc{k.name, k.typ, k.doc, ""})
	}
	return rows
}
