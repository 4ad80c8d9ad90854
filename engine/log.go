package engine

// Level is a log level of PSR-3, as in the original.
type Level string

// The levels, least first.
const (
	Debug    Level = "debug"
	Info     Level = "info"
	Notice   Level = "notice"
	Warning  Level = "warning"
	Error    Level = "error"
	Critical Level = "critical"
	Alert    Level = "alert"
)

// Levels lists the levels, least first.
var Levels = []Level{Debug, Info, Notice, Warning, Error, Critical, Alert}

// AtLeast says whether l is no less than least; the empty level is the least.
func (l Level) AtLeast(least Level) bool { return rank(l) >= rank(least) }

func rank(l Level) int {
	for i, known := range Levels {
		if l == known {
			return i
		}
	}
	return 0
}

// LogLevels are the levels of the original's messages, each of which a script
// may override.
type LogLevels struct {
	JobStartingAndFinishing           Level
	ErrorExitCode                     Level
	InvalidConfig                     Level
	NotFinishedWhenExpected           Level
	NeedingToBeKilled                 Level
	CannotStartNextAsLastStillRunning Level
}

// DefaultLogLevels are the original's.
func DefaultLogLevels() LogLevels {
	return LogLevels{
		JobStartingAndFinishing: Notice, ErrorExitCode: Error, InvalidConfig: Critical,
		NotFinishedWhenExpected: Warning, NeedingToBeKilled: Error, CannotStartNextAsLastStillRunning: Error,
	}
}

// Logger takes log messages; it must not block for long, never fails, and may
// be called from any goroutine.
type Logger interface {
	Log(level Level, message string, fields map[string]any)
}
