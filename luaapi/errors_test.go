package luaapi

import (
	"os"
	"strings"
	"testing"
)

// expectation is what the comments of a snippet say about its error.
type expectation struct {
	line          int
	message, hint string
}

func expected(t *testing.T, snippet string) expectation {
	for i, text := range strings.Split(snippet, "\n") {
		_, comment, ok := strings.Cut(text, "-- error: ")
		if !ok {
			continue
		}
		message, hint, _ := strings.Cut(comment, " -- hint: ")
		return expectation{i + 1, message, strings.TrimSpace(hint)}
	}
	t.Fatalf("the snippet expects no error:\n%s", snippet)
	return expectation{}
}

func TestErrorsNameTheLineAndWhatIsWrong(t *testing.T) {
	data, err := os.ReadFile("testdata/errors.lua")
	if err != nil {
		t.Fatal(err)
	}
	snippets := strings.Split(string(data), "\n---\n")[1:]
	for _, snippet := range snippets {
		want := expected(t, snippet)
		t.Run(want.message, func(t *testing.T) {
			e := loadError(t, snippet)
			if e.File != "slavedriver.lua" || e.Line != want.line || !strings.Contains(e.Message, want.message) || !strings.Contains(e.Hint, want.hint) {
				t.Errorf("got %v (hint: %s)\nwant line %d: ...%s... (hint: %s)", e, e.Hint, want.line, want.message, want.hint)
			}
			if strings.Contains(e.Message, "slavedriver.lua:1:") || strings.Contains(e.Message, "\n") {
				t.Errorf("the message is not one clean sentence: %q", e.Message)
			}
		})
	}
}
