package schedule

import "fmt"

// Error says what is wrong with an expression or with the name of a time zone.
// Every error of this package is one.
type Error struct {
	Text    string // what was given, as it was given
	Message string // what is wrong with it, without the text
	Hint    string // what to write instead; "" where that is not known
	what    string // what it was to be; "": a schedule
}

// Error is one sentence without the hint. It shortens a text that is much too
// long.
func (e *Error) Error() string {
	text, what := e.Text, e.what
	if len(text) > maxLength {
		text = text[:60] + "..."
	}
	if what == "" {
		what = "schedule"
	}
	return fmt.Sprintf("invalid %s %q: %s", what, text, e.Message)
}

func refuse(hint, message string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(message, args...), Hint: hint}
}
