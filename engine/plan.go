package engine

import (
	"context"
	"time"
)

// Plan is what an entry file says: the jobs and settings of one namespace on
// one slave. It is complete and valid; who makes it reports what is not.
type Plan struct {
	EntryFile string // absolute, as it was given: symlinks are not resolved
	Namespace string // "" means: made from EntryFile
	Slave     string
	Jobs      []*Job // in the order of the file

	// KnownSlaves are all slaves there are, nil: not said. One of them that is
	// not heard of is an event.
	KnownSlaves []string

	LockStore LockStore // the zero value: run directories alone
	// LockStoreSource is where it was set: "file:line"; "" where that is the environment.
	LockStoreSource string
	// MonitorInterval is how often output goes out while a job runs.
	MonitorInterval time.Duration
	MaxConcurrent   int // 0: no limit
	ForwardOutput   bool

	Loggers []LoggerConfig
	Levels  LogLevels
	// Files are all files that were read to make the plan, absolute.
	Files []string
	// Warnings are sentences about what is valid and probably not meant.
	Warnings []string
	// MissingSecrets are the secrets that the entry file asked for and did not get,
	// each a sentence with file, line and reason; they are in Warnings too.
	MissingSecrets []string
}

// LockStore says where leases are kept: by a URL, by fields, or by a URL and
// those fields that it leaves out. The grammar is package lockstore's.
type LockStore struct {
	URL string // "file", "file:///folder", "redis://host:port/db"; "": see the fields

	Hosts   []string // "host:port" of the server, of sentinels, or of a cluster's nodes
	Socket  string   // absolute path of a server's socket
	Folder  string   // a folder of this host in place of a server
	Master  string   // what the sentinels call the server; "": Hosts are no sentinels
	Cluster bool     // Hosts are nodes of a Redis Cluster
	DB      int      // number of the database

	User, Password                 string // of the server
	SentinelUser, SentinelPassword string // of the sentinels

	TLS        bool
	CA         string // file with the authorities that may vouch for the server; "": the system's
	Cert, Key  string // files with this client's certificate; "": none
	ServerName string // the name in the server's certificate; "": the host's
}

// Set says whether anything was said about where leases are kept.
func (s LockStore) Set() bool {
	return s.URL != "" || len(s.Hosts) > 0 || s.Socket != "" || s.Folder != ""
}

// Shared says whether other hosts or projects may use the same store.
func (s LockStore) Shared() bool { return s.Set() && s.URL != "file" }

// LoggerConfig is one destination of log messages.
type LoggerConfig struct {
	Kind   string // "stderr", "file", "syslog" or "function"
	Path   string // of a file
	Format string // of a file: "text" or "json"
	Level  string // the least level that is written; "": all
	Tag    string // of syslog; "": slavedriver
	Index  int    // of a function: which one, for Script.Log
	Source string // where it was made, "file:line"; "" where that is not known
}

// Script is the entry file's side of a shift: handlers and functions in Lua.
// After the plan is made, all calls come from one goroutine.
type Script interface {
	// Wants says whether any handler would be called for such an event. It is
	// safe to call from any goroutine.
	Wants(event string, job *Job) bool
	// Call calls each handler of the event, in order, each under its own
	// deadline, and returns the failures of those that threw or overran.
	Call(ctx context.Context, event *Event) []HandlerError
	// Due asks a job's schedule function about the minute of now.
	Due(ctx context.Context, job *Job, now time.Time) (bool, error)
	// Condition asks a job's condition whether an instant is to start now, and
	// if not, why: never "". It is called only for a job that has one.
	Condition(ctx context.Context, job *Job, now time.Time) (ok bool, reason string, err error)
	// Log hands a message to logger function number index.
	Log(index int, level Level, message string, fields map[string]any)
	// OnHung has hung called, from another goroutine, when a call into the
	// script does not come back although it was cut off. It is called before
	// the first such call.
	OnHung(hung func())
	// LongestDeadline is the longest that one call of Call may take: the
	// deadlines of all handlers of one event together.
	LongestDeadline() time.Duration
}

// HandlerError is the failure of one handler.
type HandlerError struct {
	Handler string // where it was attached, file:line
	Number  int    // which handler it is, from 1 in the order of their attach
	Err     error
	Overran bool // it was cut off at its deadline
}
