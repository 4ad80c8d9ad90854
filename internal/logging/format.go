package logging

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"slavedriver/engine"
)

// format makes a whole line, newline included, of a message.
type format func(at time.Time, level engine.Level, message string, fields map[string]any) []byte

func lineFormat(name string) format {
	if name == "json" {
		return jsonLine
	}
	return textLine
}

// textLine is "TIME LEVEL MESSAGE key=value key=value", keys in order.
func textLine(at time.Time, level engine.Level, message string, fields map[string]any) []byte {
	return fmt.Appendf(nil, "%s %s %s\n", at.Format(time.RFC3339), level, withFields(message, fields))
}

func withFields(message string, fields map[string]any) string {
	var b strings.Builder
	b.WriteString(Escape(message))
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintf(&b, " %s=%s", word(key), word(fmt.Sprint(fields[key])))
	}
	return b.String()
}

// word quotes what would not read as one word.
func word(text string) string {
	if text == "" || strings.ContainsAny(text, " \"=\\") || Escape(text) != text {
		return strconv.Quote(text)
	}
	return text
}

// entry is a line of the JSON format.
type entry struct {
	Time    time.Time      `json:"time"`
	Level   engine.Level   `json:"level"`
	Message string         `json:"message"`
	Context map[string]any `json:"context,omitempty"`
}

func jsonLine(at time.Time, level engine.Level, message string, fields map[string]any) []byte {
	line, err := json.Marshal(entry{at, level, message, fields})
	if err != nil { // a NaN, a function: then all of them as text
		line, _ = json.Marshal(entry{at, level, message, asText(fields)})
	}
	return append(line, '\n')
}

func asText(fields map[string]any) map[string]any {
	text := make(map[string]any, len(fields))
	for key, value := range fields {
		text[key] = fmt.Sprint(value)
	}
	return text
}

// Escape makes one line of a message, in which nothing but text reaches a
// terminal: control characters, bytes that are not UTF-8 and invisible marks
// are written as in Go ("\n", "\x1b", "\u202e").
func Escape(message string) string {
	if !strings.ContainsFunc(message, unsafe) && utf8.ValidString(message) {
		return message
	}
	var b strings.Builder
	for len(message) > 0 {
		r, size := utf8.DecodeRuneInString(message)
		if r == utf8.RuneError && size == 1 || unsafe(r) {
			quoted := strconv.Quote(message[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(message[:size])
		}
		message = message[size:]
	}
	return b.String()
}

func unsafe(r rune) bool { return !unicode.IsPrint(r) }
