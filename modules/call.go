package modules

import (
	"context"
	"net/http"
	"time"

	"slavedriver/internal/outbox"
	"slavedriver/internal/redact"
)

// Call is one call of a function. Its Context ends with the deadline of the
// handler, or whatever else of the script is running.
type Call struct {
	Context context.Context
	*World
	Args Args
}

// Args are the arguments and options of a call that were given, by name, with
// values as their Type says. Each method gives the zero value for what is not there.
type Args map[string]any

// Has says whether an argument was given.
func (a Args) Has(name string) bool { return a[name] != nil }

func value[T any](a Args, name string) T {
	v, _ := a[name].(T)
	return v
}

// Text is an argument whose value is a string.
func (a Args) Text(name string) string { return value[string](a, name) }

// Flag is a boolean argument.
func (a Args) Flag(name string) bool { return value[bool](a, name) }

// Whole is a number, or a size.
func (a Args) Whole(name string) int64 { return value[int64](a, name) }

// Duration is a length of time.
func (a Args) Duration(name string) time.Duration { return value[time.Duration](a, name) }

// Strings is a list of strings.
func (a Args) Strings(name string) []string { return value[[]string](a, name) }

// World is what the functions act on.
type World struct {
	// Getenv is the environment of slavedriver.
	Getenv func(string) string
	// Sender carries requests and mails out: Network, or what a test imagines.
	Sender Sender
	// Outbox keeps what is to be sent later; nil: there is none yet.
	Outbox Outbox
	// LetterID makes the id of a letter with that content; the same for the
	// same call of a handler, when an event is told again.
	LetterID func(content []byte) string
	// Log hands a message to the configured loggers.
	Log func(level, message string, fields map[string]any) error
	// Secrets are kept out of whatever people read.
	Secrets *redact.Secrets
	// Missing are the secrets that the entry file did not get, a sentence each, why
	// included; nil: none.
	Missing func() []string
	// Doubt warns whoever calls check; an error once the entry file is loaded. nil:
	// nobody is warned.
	Doubt func(message string) error

	patterns patterns
}

// Sender carries messages out. Its errors are sentences without credentials
// that name the server; both methods return soon after ctx is done.
type Sender interface {
	// HTTP returns any answer that came, whatever its status.
	HTTP(ctx context.Context, r *Request) (*Response, error)
	// Mail returns once the server has taken the mail over.
	Mail(ctx context.Context, m *Mail) error
}

// Outbox keeps letters until they are sent. What is in it when Put returns is
// not lost by a crash.
type Outbox interface {
	Put(letter outbox.Letter) error
}

// Network is the Sender of the product. The zero value is ready; it is safe to
// use from any goroutine.
type Network struct {
	transports transports
}

var _ Sender = (*Network)(nil)

// statusText is a status with its name.
func statusText(status int) string {
	if name := http.StatusText(status); name != "" {
		return name
	}
	return "no standard status"
}
