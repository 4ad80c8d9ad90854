package luaapi

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"
)

// nameUse is what a file of Lua says about names, in the order of its lines, read
// without running it.
type nameUse struct {
	reads    []nameRead      // of globals, but where the file asks for them first
	set      map[string]bool // globals that it sets anywhere
	asked    map[string]bool // globals that it looks at before it uses them: `if x then`
	locals   map[string]int  // the line of the first variable of that name
	twice    []keyTwice
	elusive  bool // it changes what globals are (setfenv, module), or makes code of texts
	visible  []string
	readLine int // of the expression around, for what has no line of its own
}

// nameRead is a global that is read.
type nameRead struct {
	name    string
	line    int
	key     string   // of the table or object that gets it as its value; "": it is not such a value
	visible []string // the variables that could be read there
}

// keyTwice is a key that one table constructor has twice.
type keyTwice struct {
	key         string
	line, first int
}

// namesOf reads a file.
func namesOf(chunk []ast.Stmt) *nameUse {
	n := &nameUse{set: map[string]bool{}, asked: map[string]bool{}, locals: map[string]int{}}
	n.block(chunk)
	n.reads = slices.DeleteFunc(n.reads, func(r nameRead) bool { return n.asked[r.name] })
	return n
}

// declare makes variables that are visible to the end of the block.
func (n *nameUse) declare(line int, locals ...string) {
	n.visible = append(n.visible, locals...)
	for _, name := range locals {
		if n.locals[name] == 0 {
			n.locals[name] = line
		}
	}
}

// block reads statements whose variables end with them.
func (n *nameUse) block(stmts []ast.Stmt, locals ...string) {
	before := len(n.visible)
	n.declare(n.readLine, locals...)
	for _, stmt := range stmts {
		n.stmt(stmt)
	}
	n.visible = n.visible[:before]
}

func (n *nameUse) stmt(stmt ast.Stmt) {
	n.readLine = max(n.readLine, stmt.Line())
	switch s := stmt.(type) {
	case *ast.AssignStmt:
		n.assign(s)
	case *ast.LocalAssignStmt:
		n.local(s)
	case *ast.FuncCallStmt:
		n.expr(s.Expr)
	case *ast.FuncDefStmt:
		n.define(s)
	case *ast.ReturnStmt:
		n.exprs(s.Exprs)
	case *ast.DoBlockStmt:
		n.block(s.Stmts)
	case *ast.IfStmt:
		n.condition(s.Condition)
		n.block(s.Then)
		n.block(s.Else)
	default:
		n.loop(stmt)
	}
}

func (n *nameUse) loop(stmt ast.Stmt) {
	switch s := stmt.(type) {
	case *ast.WhileStmt:
		n.condition(s.Condition)
		n.block(s.Stmts)
	case *ast.RepeatStmt: // its condition sees the variables of its block
		before := len(n.visible)
		for _, stmt := range s.Stmts {
			n.stmt(stmt)
		}
		n.condition(s.Condition)
		n.visible = n.visible[:before]
	case *ast.NumberForStmt:
		n.exprs([]ast.Expr{s.Init, s.Limit, s.Step})
		n.block(s.Stmts, s.Name)
	case *ast.GenericForStmt:
		n.exprs(s.Exprs)
		n.block(s.Stmts, s.Names...)
	}
}

// local declares after the values were read, but for a function, which may call
// itself.
func (n *nameUse) local(s *ast.LocalAssignStmt) {
	if len(s.Exprs) == 1 {
		if _, ok := s.Exprs[0].(*ast.FunctionExpr); ok {
			n.declare(s.Line(), s.Names...)
			n.exprs(s.Exprs)
			return
		}
	}
	n.exprs(s.Exprs)
	n.declare(s.Line(), s.Names...)
}

func (n *nameUse) assign(s *ast.AssignStmt) {
	for i, value := range s.Rhs {
		key := ""
		if i < len(s.Lhs) {
			if to, ok := s.Lhs[i].(*ast.AttrGetExpr); ok {
				key = textOf(to.Key)
			}
		}
		n.value(key, value)
	}
	for _, to := range s.Lhs {
		n.target(to)
	}
}

// target is what a value is given to.
func (n *nameUse) target(to ast.Expr) {
	switch to := to.(type) {
	case *ast.IdentExpr:
		if n.isGlobal(to.Value) {
			n.set[to.Value] = true
		}
	case *ast.AttrGetExpr:
		if object, ok := to.Object.(*ast.IdentExpr); ok && object.Value == "_G" {
			n.set[textOf(to.Key)] = true
		}
		n.expr(to)
	}
}

func (n *nameUse) define(s *ast.FuncDefStmt) {
	if s.Name.Func != nil {
		n.target(s.Name.Func)
		n.function(s.Func)
		return
	}
	n.expr(s.Name.Receiver)
	n.function(s.Func, "self")
}

func (n *nameUse) function(f *ast.FunctionExpr, more ...string) {
	n.readLine = max(n.readLine, f.Line())
	locals := slices.Concat(more, f.ParList.Names)
	if f.ParList.HasVargs {
		locals = append(locals, "arg")
	}
	n.block(f.Stmts, locals...)
}

func (n *nameUse) exprs(all []ast.Expr) {
	for _, e := range all {
		n.expr(e)
	}
}

func (n *nameUse) expr(expr ast.Expr) {
	switch e := expr.(type) {
	case *ast.IdentExpr:
		n.read("", e)
	case *ast.AttrGetExpr:
		n.exprs([]ast.Expr{e.Object, e.Key})
	case *ast.TableExpr:
		n.table(e)
	case *ast.FuncCallExpr:
		n.call(e)
	case *ast.LogicalOpExpr:
		n.condition(e.Lhs)
		n.expr(e.Rhs)
	case *ast.RelationalOpExpr:
		n.compare(e)
	case *ast.UnaryNotOpExpr:
		n.condition(e.Expr)
	case *ast.FunctionExpr:
		n.function(e)
	case *ast.StringConcatOpExpr:
		n.exprs([]ast.Expr{e.Lhs, e.Rhs})
	case *ast.ArithmeticOpExpr:
		n.exprs([]ast.Expr{e.Lhs, e.Rhs})
	case *ast.UnaryMinusOpExpr:
		n.expr(e.Expr)
	case *ast.UnaryLenOpExpr:
		n.expr(e.Expr)
	}
}

// condition is an expression of which matters whether it is nil: who asks that
// of a name knows that it may be.
func (n *nameUse) condition(expr ast.Expr) {
	switch e := expr.(type) {
	case *ast.IdentExpr:
		n.asked[e.Value] = n.asked[e.Value] || n.isGlobal(e.Value)
	case *ast.LogicalOpExpr:
		n.condition(e.Lhs)
		n.condition(e.Rhs)
	default:
		n.expr(expr)
	}
}

func (n *nameUse) compare(e *ast.RelationalOpExpr) {
	_, nilLeft := e.Lhs.(*ast.NilExpr)
	_, nilRight := e.Rhs.(*ast.NilExpr)
	if nilLeft || nilRight {
		n.condition(e.Lhs)
		n.condition(e.Rhs)
		return
	}
	n.exprs([]ast.Expr{e.Lhs, e.Rhs})
}

func (n *nameUse) call(e *ast.FuncCallExpr) {
	if e.Receiver != nil {
		n.expr(e.Receiver)
	} else {
		n.expr(e.Func)
	}
	if fn, ok := e.Func.(*ast.IdentExpr); ok && len(e.Args) > 0 {
		switch fn.Value {
		case "setfenv", "module", "loadstring", "load":
			n.elusive = true
		case "type":
			n.condition(e.Args[0])
			return
		case "rawset":
			if object, ok := e.Args[0].(*ast.IdentExpr); ok && object.Value == "_G" && len(e.Args) > 1 {
				n.set[textOf(e.Args[1])] = true
			}
		}
	}
	n.exprs(e.Args)
}

// table reads a table constructor, and notes the keys that it has twice.
func (n *nameUse) table(e *ast.TableExpr) {
	first := map[string]int{}
	for _, field := range e.Fields {
		if field.Key == nil {
			n.expr(field.Value)
			continue
		}
		line := max(field.Key.Line(), field.Value.Line(), e.Line())
		if at := field.Key.Line(); at > 0 {
			line = at
		}
		key := constantOf(field.Key)
		if at := first[key]; key != "" && at > 0 {
			n.twice = append(n.twice, keyTwice{textOf(field.Key), line, at})
		} else {
			first[key] = line
		}
		n.expr(field.Key)
		n.value(textOf(field.Key), field.Value)
	}
}

// value is an expression whose value something gets by that key.
func (n *nameUse) value(key string, value ast.Expr) {
	if ident, ok := value.(*ast.IdentExpr); ok {
		n.read(key, ident)
		return
	}
	n.expr(value)
}

func (n *nameUse) read(key string, e *ast.IdentExpr) {
	if n.isGlobal(e.Value) {
		n.reads = append(n.reads, nameRead{e.Value, e.Line(), key, slices.Clone(n.visible)})
	}
}

func (n *nameUse) isGlobal(name string) bool { return !slices.Contains(n.visible, name) }

// textOf is a constant key as text, "" of any other.
func textOf(key ast.Expr) string {
	switch key := key.(type) {
	case *ast.StringExpr:
		return key.Value
	case *ast.NumberExpr:
		return key.Value
	}
	return ""
}

// constantOf tells constant keys apart, a text from a number too.
func constantOf(key ast.Expr) string {
	if _, ok := key.(*ast.StringExpr); ok {
		return `"` + textOf(key)
	}
	return textOf(key)
}
