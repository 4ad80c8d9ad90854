package schedule

import "fmt"

// Error says what is wrong with an expression. Every error of Parse is one.
type Error struct {
	Expr    string // as it was given
	Message string // what is wrong, without the expression
	Hint    string // what to write instead; "" where that is not known
}

// Error is one sentence without the hint. It shortens an expression that is
// much too long.
func (e *Error) Error() string {
	expr := e.Expr
	if len(expr) > maxLength {
		expr = expr[:60] + "..."
	}
	return fmt.Sprintf("invalid schedule %q: %s", expr, e.Message)
}

func refuse(hint, message string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(message, args...), Hint: hint}
}
