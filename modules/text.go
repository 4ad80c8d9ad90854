package modules

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

const (
	// largestText is the most bytes that replace makes.
	largestText = 256 << 20
	// mostMatches is the most places that one call finds with a regular
	// expression: each takes memory.
	mostMatches = 1 << 18
	// smallText is searched on the spot; with more, it is left behind when the
	// handler's time is over.
	smallText = 1 << 20
	// mostPatterns is how many compiled expressions are kept.
	mostPatterns = 100
)

func textModule() *Module {
	subject := Param{Name: "text", Type: TypeString, Required: true, Doc: "what is searched"}
	what := Param{Name: "what", Type: TypeString, Required: true, Doc: "a plain text; with the option regex, a regular expression", Check: notEmpty}
	pattern := Param{Name: "pattern", Type: TypeString, Required: true, Doc: "a regular expression of RE2", Check: notEmpty}
	regex := Param{Name: "regex", Type: TypeFlag, Default: "false", Doc: "whether it is a regular expression of RE2"}
	limit := Param{Name: "limit", Type: TypeWhole, Least: 1, Most: mostMatches, Default: "all", Doc: "how many at the most, from the start"}
	options := Param{Name: "options", Type: TypeOptions}
	return &Module{
		Name: "text", Doc: "Works on large texts, such as the output of jobs, in a time that grows with their length alone. Lua's own patterns can take its square.",
		Functions: []Function{
			{
				Name: "lines", Doc: "Goes through the lines: for line in text.lines(output) do ... end. They come without their newlines.",
				Params:  []Param{subject},
				Returns: []Param{{Name: "iterator", Type: TypeIterator, Doc: "gives the next line, then nil"}},
				call:    textLines,
			},
			{
				Name: "find", Doc: "Finds the first place. Returns nothing but nil if there is none.",
				Params: []Param{subject, what, options}, Options: []Param{regex},
				Returns: []Param{{Name: "first", Type: TypeWhole, Doc: "where it begins, from 1"}, {Name: "last", Type: TypeWhole, Doc: "where it ends"}, {Name: "...", Type: TypeString, Doc: "what the groups of a regular expression matched; false for one that took no part"}},
				call:    textFind,
			},
			{
				Name: "match", Doc: "Finds the first match of a regular expression. Returns nothing but nil if there is none.",
				Params:  []Param{subject, pattern},
				Returns: []Param{{Name: "...", Type: TypeString, Doc: "what its groups matched, or all of it where it has no groups"}},
				call:    textMatch,
			},
			{
				Name: "matchAll", Doc: "Lists what a regular expression matches: the whole of each match, or its first group where it has groups.",
				Params: []Param{subject, pattern, options}, Options: []Param{limit},
				Returns: []Param{{Name: "matches", Type: TypeStrings, Doc: "the list, empty if there is none"}},
				call:    textMatchAll,
			},
			{
				Name: "replace", Doc: "Replaces each place by another text.",
				Params:  []Param{subject, what, {Name: "with", Type: TypeString, Required: true, Doc: "what comes in its place; with the option regex, $1 or ${name} in it is what a group matched, $$ a dollar"}, options},
				Options: []Param{regex, limit},
				Returns: []Param{{Name: "text", Type: TypeString, Doc: "the new text"}, {Name: "count", Type: TypeWhole, Doc: "how many places there were"}},
				call:    textReplace,
			},
			{
				Name: "quote", Doc: "Makes a regular expression that matches a plain text.",
				Params:  []Param{{Name: "text", Type: TypeString, Required: true, Doc: "the plain text"}},
				Returns: []Param{{Name: "pattern", Type: TypeString, Doc: "the regular expression"}},
				call:    func(c *Call) ([]any, error) { return []any{regexp.QuoteMeta(c.Args.Text("text"))}, nil },
			},
		},
	}
}

func notEmpty(v any) error {
	if v == "" {
		return fmt.Errorf("must not be empty")
	}
	return nil
}

// patterns keeps compiled expressions: handlers use the same few again and again.
type patterns struct {
	mu       sync.Mutex
	compiled map[string]*regexp.Regexp
}

func (p *patterns) compile(expr string) (*regexp.Regexp, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if re := p.compiled[expr]; re != nil {
		return re, nil
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, &ArgumentError{
			Message: "the regular expression is not valid: " + strings.TrimPrefix(err.Error(), "error parsing regexp: "),
			Hint:    "these are regular expressions of RE2, not patterns of Lua: \\d instead of %d, and without back references",
		}
	}
	if p.compiled == nil || len(p.compiled) >= mostPatterns {
		p.compiled = map[string]*regexp.Regexp{}
	}
	p.compiled[expr] = re
	return re, nil
}

// search does find, which cannot be interrupted, but ends. In a large text it
// runs beside us, and is left behind at the deadline; it holds nothing but the text.
func search[T any](ctx context.Context, text string, find func() T) (T, error) {
	if len(text) <= smallText {
		return find(), nil
	}
	found := make(chan T, 1)
	go func() { found <- find() }()
	select {
	case v := <-found:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

func textLines(c *Call) ([]any, error) {
	rest := c.Args.Text("text")
	next := Iterator(func() (any, bool) {
		if rest == "" {
			return nil, false
		}
		line, after, _ := strings.Cut(rest, "\n")
		rest = after
		return line, true
	})
	return []any{next}, nil
}

func textFind(c *Call) ([]any, error) {
	text, what := c.Args.Text("text"), c.Args.Text("what")
	if !c.Args.Flag("regex") {
		at := strings.Index(text, what)
		if at < 0 {
			return []any{nil}, nil
		}
		return []any{int64(at + 1), int64(at + len(what))}, nil
	}
	place, _, err := c.first(text, what)
	if err != nil || place == nil {
		return []any{nil}, err
	}
	return append([]any{int64(place[0] + 1), int64(place[1])}, groups(text, place)...), nil
}

func textMatch(c *Call) ([]any, error) {
	text := c.Args.Text("text")
	place, re, err := c.first(text, c.Args.Text("pattern"))
	if err != nil || place == nil {
		return []any{nil}, err
	}
	if re.NumSubexp() == 0 {
		return []any{text[place[0]:place[1]]}, nil
	}
	return groups(text, place), nil
}

// first is the first match of an expression: the places of it and its groups.
func (c *Call) first(text, expr string) ([]int, *regexp.Regexp, error) {
	re, err := c.patterns.compile(expr)
	if err != nil {
		return nil, nil, err
	}
	place, err := search(c.Context, text, func() []int { return re.FindStringSubmatchIndex(text) })
	return place, re, err
}

// groups are what the groups matched; false for one that took no part, since
// a nil would end the list.
func groups(text string, place []int) []any {
	var out []any
	for i := 2; i < len(place); i += 2 {
		if place[i] < 0 {
			out = append(out, false)
			continue
		}
		out = append(out, text[place[i]:place[i+1]])
	}
	return out
}

func textMatchAll(c *Call) ([]any, error) {
	text := c.Args.Text("text")
	places, re, err := c.all(text, c.Args.Text("pattern"))
	if err != nil {
		return nil, err
	}
	out, group := make([]string, 0, len(places)), 0
	if re.NumSubexp() > 0 {
		group = 2
	}
	for _, place := range places {
		if place[group] < 0 {
			out = append(out, "")
			continue
		}
		out = append(out, text[place[group]:place[group+1]])
	}
	return []any{out}, nil
}

// all are the matches of an expression, up to the limit of the call.
func (c *Call) all(text, expr string) ([][]int, *regexp.Regexp, error) {
	re, err := c.patterns.compile(expr)
	if err != nil {
		return nil, nil, err
	}
	limit := int(c.Args.Whole("limit"))
	if limit == 0 {
		limit = mostMatches + 1
	}
	places, err := search(c.Context, text, func() [][]int { return re.FindAllStringSubmatchIndex(text, limit) })
	if len(places) > mostMatches {
		return nil, nil, &ArgumentError{Message: fmt.Sprintf("the regular expression matches at more than %d places", mostMatches),
			Hint: "work on a part of the text, or line by line"}
	}
	return places, re, err
}

func textReplace(c *Call) ([]any, error) {
	text, with := c.Args.Text("text"), c.Args.Text("with")
	if !c.Args.Flag("regex") {
		return replacePlain(c, text, with)
	}
	places, re, err := c.all(text, c.Args.Text("what"))
	if err != nil {
		return nil, err
	}
	out, from := make([]byte, 0, len(text)), 0
	for _, place := range places {
		out = append(out, text[from:place[0]]...)
		out = re.ExpandString(out, with, text, place)
		from = place[1]
		if len(out) > largestText {
			return nil, errTooLarge()
		}
	}
	return []any{string(append(out, text[from:]...)), int64(len(places))}, nil
}

func replacePlain(c *Call, text, with string) ([]any, error) {
	what := c.Args.Text("what")
	n := strings.Count(text, what)
	if limit := int(c.Args.Whole("limit")); limit > 0 {
		n = min(n, limit)
	}
	if len(text)+n*(len(with)-len(what)) > largestText {
		return nil, errTooLarge()
	}
	return []any{strings.Replace(text, what, with, n), int64(n)}, nil
}

func errTooLarge() error {
	return &ArgumentError{Message: fmt.Sprintf("the result would have more than %d bytes", largestText)}
}
