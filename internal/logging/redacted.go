package logging

import (
	"slavedriver/engine"
	"slavedriver/internal/redact"
)

// Redacted hands messages on without the secrets that are known by then.
func Redacted(to engine.Logger, secrets *redact.Secrets) engine.Logger {
	return redacted{to, secrets}
}

type redacted struct {
	to      engine.Logger
	secrets *redact.Secrets
}

func (r redacted) Log(level engine.Level, message string, fields map[string]any) {
	r.to.Log(level, r.secrets.String(message), r.secrets.Fields(fields))
}
