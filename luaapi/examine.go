package luaapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"

	"slavedriver/engine"
)

// Examine adds to the warnings of the plan what takes longer to find out than a
// shift has time for: what the sources say and Lua silently drops, and which
// schedule functions fail when they are asked about the minute of now. Each of
// those is called once, under its usual deadline, with an empty state; after one
// that took too long no others are. Afterwards the script is of no use but for its
// Plan.
func (s *Script) Examine(ctx context.Context, now time.Time) {
	sources := map[string][]byte{}
	for _, path := range s.files {
		source, err := s.source(path)
		if err != nil {
			continue // it was read a moment ago; what became of it is for the next load to say
		}
		sources[path] = source
		if path == s.entry {
			s.warnOfRest(source)
		}
		for _, e := range lostEscapes(string(source)) {
			if e.after == "%" { // who comes from a crontab
				s.warn("%s: Lua reads `\\%%` as `%%`: a %% needs no backslash here, as it does in a crontab", position{s.display(path), e.line})
				continue
			}
			s.warn("%s: Lua reads `\\%s` as `%s`: write `\\\\%s`, or the whole string as [[...]]", position{s.display(path), e.line}, e.after, e.after, e.after)
		}
	}
	s.warnOfNames(sources)
	s.warnOfFailing(ctx, now)
	s.plan.Warnings = s.warnings
}

// warnOfRest looks for what stands below slavedriver:run().
func (s *Script) warnOfRest(source []byte) {
	chunk, err := parse.Parse(bytes.NewReader(source), s.shown)
	if err != nil {
		return
	}
	if name, line := afterRun(chunk); line > 0 {
		s.warn("%s: what follows %s:run() is never executed", position{s.shown, line}, name)
	}
}

// afterRun is the line of the statement that follows the run() of slavedriver,
// and the name on which that is called; 0: none follows. A run() within an if or
// a function may not be reached, and is none.
func afterRun(chunk []ast.Stmt) (name string, line int) {
	names := []string{"slavedriver"} // a global too
	for i, stmt := range chunk[:max(0, len(chunk)-1)] {
		switch stmt := stmt.(type) {
		case *ast.LocalAssignStmt:
			for j, local := range stmt.Names {
				if j < len(stmt.Exprs) && isRequire(stmt.Exprs[j]) {
					names = append(names, local)
				}
			}
		case *ast.FuncCallStmt:
			_, isReturn := chunk[i+1].(*ast.ReturnStmt)
			if name := runOf(stmt.Expr); slices.Contains(names, name) && !isReturn {
				return name, chunk[i+1].Line()
			}
		}
	}
	return "", 0
}

// isRequire says whether an expression is require("slavedriver").
func isRequire(expr ast.Expr) bool {
	call, ok := expr.(*ast.FuncCallExpr)
	if !ok || len(call.Args) != 1 {
		return false
	}
	fn, isName := call.Func.(*ast.IdentExpr)
	module, isText := call.Args[0].(*ast.StringExpr)
	return isName && isText && fn.Value == "require" && module.Value == "slavedriver"
}

// runOf is the name of what run() is called on; "": it is another call.
func runOf(expr ast.Expr) string {
	call, ok := expr.(*ast.FuncCallExpr)
	if !ok || call.Method != "run" || len(call.Args) > 0 {
		return ""
	}
	if object, ok := call.Receiver.(*ast.IdentExpr); ok {
		return object.Value
	}
	return ""
}

// lostEscape is a backslash that Lua drops, as it makes nothing of what follows.
type lostEscape struct {
	line  int
	after string
}

// lostEscapes are those in the strings of a source, each kind once a string.
func lostEscapes(source string) (lost []lostEscape) {
	for _, t := range tokensOf(source) {
		if t.kind != stringToken || t.text[0] == '[' {
			continue
		}
		seen := ""
		for i := 1; i < len(t.text)-1; i++ {
			if t.text[i] != '\\' {
				continue
			}
			i++
			c := t.text[i]
			if strings.IndexByte("abfnrtv\\\"'\n0123456789"+seen, c) < 0 && c > ' ' && c < 0x7f {
				seen += string(c)
				lost = append(lost, lostEscape{t.line + strings.Count(t.text[:i], "\n"), string(c)})
			}
		}
	}
	return lost
}

// warnOfFailing asks the schedule functions of the jobs that are for this slave.
func (s *Script) warnOfFailing(ctx context.Context, now time.Time) {
	s.UseState(noState{})
	hung := make(chan struct{})
	s.OnHung(sync.OnceFunc(func() { close(hung) }))
	for _, j := range s.plan.Jobs {
		if !j.ScheduleFunc || !j.Enabled || !j.OnSlave(s.plan.Slave) {
			continue
		}
		answered := make(chan error, 1)
		go func() {
			_, err := s.Due(ctx, j, now.Truncate(time.Minute))
			answered <- err
		}()
		select {
		case err := <-answered:
			var late *overran
			if err != nil && ctx.Err() == nil {
				s.warnOfSchedule(j, err)
			}
			if errors.As(err, &late) {
				return // a person waits, and the next may take as long
			}
		case <-hung: // the goroutine is left behind
			s.warnOfSchedule(j, fmt.Errorf("%w, inside a function of Lua that cannot be interrupted", &overran{defaultDeadline}))
			return
		}
	}
}

// warnOfSchedule tells the error of a schedule function at its place.
func (s *Script) warnOfSchedule(j *engine.Job, err error) {
	subject := "job `" + j.Name + "`: "
	where, message := j.Source, err.Error()
	var e *Error
	if errors.As(err, &e) {
		message = strings.TrimPrefix(e.Message, subject)
		if e.Line > 0 {
			where = position{e.File, e.Line}.String()
		}
		if e.Hint != "" {
			message += " (" + e.Hint + ")"
		}
	}
	s.warn("%s", s.secrets.String(where+": "+subject+"its schedule function fails: "+message))
}

// noState is a state in which nothing was ever kept, and nothing is.
type noState struct{}

func (noState) Get(string) (any, bool, error)                           { return nil, false, nil }
func (noState) Set(string, any) error                                   { return nil }
func (noState) Increment(_ string, by float64) (sum float64, err error) { return by, nil }
