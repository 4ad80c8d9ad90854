package modules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Null is JSON's null. In tables of Lua there is no nil, so it is a value of
// its own.
type Null struct{}

// MarshalJSON is "null".
func (Null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// firstUnsafe is the least whole number that another one is rounded to.
const firstUnsafe = 1 << 53

func jsonModule() *Module {
	return &Module{
		Name: "json", Doc: "Reads and writes JSON.",
		Constants: []Constant{{"null", "JSON's null: what decode gives for it, and encode takes.", Null{}}},
		Functions: []Function{
			{
				Name: "encode", Doc: "Writes a value as JSON. Keys are sorted. A table without entries is an object, unless json.array or decode made it; bytes that are not UTF-8 become U+FFFD.",
				Params: []Param{
					{Name: "value", Type: TypeValue, Required: true, Doc: "what is written: strings, finite numbers, booleans, json.null, and tables of these, with the keys 1 to n or with strings as keys"},
					{Name: "options", Type: TypeOptions},
				},
				Options: []Param{{Name: "pretty", Type: TypeFlag, Default: "false", Doc: "whether it is spread over lines and indented"}},
				Returns: []Param{{Name: "text", Type: TypeString, Doc: "the JSON"}},
				call:    encodeJSON,
			},
			{
				Name: "decode", Doc: "Reads JSON. Null becomes json.null, an array a table that stays an array, and a number that Lua cannot hold exactly becomes what json.number makes.",
				Params:  []Param{{Name: "text", Type: TypeString, Required: true, Doc: "one JSON value"}},
				Returns: []Param{{Name: "value", Type: TypeValue, Doc: "what it says"}},
				Fails:   true, call: decodeJSON,
			},
			{
				Name: "array", Doc: "Copies a list into one that is written as an array even when it is empty.",
				Params:  []Param{{Name: "list", Type: TypeValue, Required: true, Doc: "a list; {} is an empty one", Check: isList}},
				Returns: []Param{{Name: "array", Type: TypeValue, Doc: "the array"}},
				call:    func(c *Call) ([]any, error) { return []any{asList(c.Args["list"])}, nil },
			},
			{
				Name: "number", Doc: "Makes a number that is written digit by digit, whatever its size. It can be compared with ==, and tostring and .. give its digits.",
				Params:  []Param{{Name: "digits", Type: TypeLine, Required: true, Doc: "a number as JSON writes it", Check: isNumber}},
				Returns: []Param{{Name: "number", Type: TypeValue, Doc: "the number"}},
				call:    func(c *Call) ([]any, error) { return []any{json.Number(c.Args.Text("digits"))}, nil },
			},
		},
	}
}

func isList(v any) error {
	if asList(v) == nil {
		return errors.New("must be a list")
	}
	return nil
}

// asList is v as a list, or nil. A table without entries may be meant as one.
func asList(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case map[string]any:
		if len(v) == 0 {
			return []any{}
		}
	}
	return nil
}

func isNumber(v any) error {
	digits, _ := v.(string)
	if !json.Valid([]byte(digits)) || strings.Trim(digits, "-+.eE0123456789") != "" {
		return errors.New("must be a number as JSON writes it, such as 12345678901234567890")
	}
	return nil
}

func encodeJSON(c *Call) ([]any, error) {
	text, err := marshal(c.Args["value"], c.Args.Flag("pretty"))
	if err != nil {
		return nil, &ArgumentError{Message: "the value cannot be written as JSON: " + err.Error()}
	}
	return []any{string(text)}, nil
}

// marshal leaves <, > and & as they are: nobody puts this into a page.
func marshal(v any, pretty bool) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if pretty {
		encoder.SetIndent("", "  ")
	}
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func decodeJSON(c *Call) ([]any, error) {
	text := c.Args.Text("text")
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, notJSON(err, text)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("this is not JSON: there is something behind the value, at byte %d", decoder.InputOffset())
	}
	return []any{exact(v)}, nil
}

// notJSON says where the text stops being JSON.
func notJSON(err error, text string) error {
	var syntax *json.SyntaxError
	switch {
	case strings.TrimSpace(text) == "":
		return errors.New("this is not JSON: it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("this is not JSON: it ends too early, at byte %d", len(text))
	case errors.As(err, &syntax):
		return fmt.Errorf("this is not JSON: %w, at byte %d", err, syntax.Offset)
	}
	return fmt.Errorf("this is not JSON: %w", err)
}

// exact puts Null and float64 into a decoded value, where a float64 is not
// another number than what was written; fractions are rounded as usual.
func exact(v any) any {
	switch v := v.(type) {
	case nil:
		return Null{}
	case json.Number:
		f, err := strconv.ParseFloat(v.String(), 64)
		if err != nil || math.Abs(f) >= firstUnsafe && !strings.ContainsAny(v.String(), ".eE") {
			return v
		}
		return f
	case []any:
		for i, item := range v {
			v[i] = exact(item)
		}
	case map[string]any:
		for name, item := range v {
			v[name] = exact(item)
		}
	}
	return v
}
