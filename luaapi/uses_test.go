package luaapi

import (
	"reflect"

	"github.com/yuin/gopher-lua/ast"
)

// uses calls found for each x.name and x:name(...) in a piece of Lua, x being
// the last name before it: "run" in event.run:output().
func uses(node any, found func(object, name string, line int)) {
	switch n := node.(type) {
	case *ast.AttrGetExpr:
		if key, ok := n.Key.(*ast.StringExpr); ok {
			found(lastName(n.Object), key.Value, n.Line())
		}
	case *ast.FuncCallExpr:
		if n.Receiver != nil {
			found(lastName(n.Receiver), n.Method, n.Line())
		}
	}
	children(reflect.ValueOf(node), func(child any) { uses(child, found) })
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.IdentExpr:
		return e.Value
	case *ast.AttrGetExpr:
		if key, ok := e.Key.(*ast.StringExpr); ok {
			return key.Value
		}
	}
	return ""
}

// children finds the nodes below one, whatever its type.
func children(v reflect.Value, found func(any)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			children(v.Elem(), found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			child(v.Index(i), found)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				child(v.Field(i), found)
			}
		}
	default:
	}
}

// child hands a node over, and looks into what only holds some.
func child(v reflect.Value, found func(any)) {
	switch v.Kind() {
	case reflect.Slice:
		children(v, found)
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			found(v.Interface())
		}
	default:
	}
}
