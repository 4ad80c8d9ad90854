package logging

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"slavedriver/engine"
	"slavedriver/internal/redact"
)

func TestSecretsAreNotLogged(t *testing.T) {
	var secrets redact.Secrets
	var stderr bytes.Buffer
	path := filepath.Join(t.TempDir(), "log")
	to := New([]engine.LoggerConfig{{Kind: "stderr"}, {Kind: "file", Path: path}}, &stderr, nil)
	log := Redacted(to, &secrets)
	if err := secrets.Add("s3cret"); err != nil {
		t.Fatal(err)
	}
	log.Log(engine.Error, "said s3cret", map[string]any{"list": []any{"s3cret"}})
	to.Close()
	if got := stderr.String(); got != "slavedriver: error: said ***\n" {
		t.Errorf("%q", got)
	}
	if got := read(t, path); !strings.HasSuffix(got, " error said *** list=[***]\n") {
		t.Errorf("%q", got)
	}
}
