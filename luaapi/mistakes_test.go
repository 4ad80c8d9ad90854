package luaapi

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// mistakesIn are the mistakes of slavedriver.lua among these files.
func mistakesIn(t *testing.T, contents map[string]string) []string {
	t.Helper()
	out := &strings.Builder{}
	o := testOptions(files(t, contents), out)
	_, err := Load(context.Background(), "slavedriver.lua", o)
	var first *Error
	if !errors.As(err, &first) {
		t.Fatalf("loading gave %v", err)
	}
	out.Reset()
	var all []string
	for _, e := range Mistakes(context.Background(), "slavedriver.lua", o, first) {
		all = append(all, e.Error())
	}
	equal(t, "printed", out.String(), "")
	return all
}

func TestMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"one": {
			map[string]string{"slavedriver.lua": "print('x')\nslavedriver:addJob({})"},
			[]string{"slavedriver.lua:2: a job needs a name"},
		},
		"each file of a folder, and each job": {
			map[string]string{
				"slavedriver.lua": `slavedriver:addJob({ name = "A", timout = 1 })
					slavedriver:addAllJobsInDirectory("jobs")
					slavedriver:addJob({ name = "C", command = "true" })
					slavedriver:addJob({ name = "D", command = "true", schedule = "* * * * *" })
					slavedriver:run()`,
				"jobs/a.lua": "return { name = 'X',",
				"jobs/b.lua": "error('no')",
				"jobs/c.lua": "return { name = 'Y', command = 'true', schedule = '* * * * *' }",
				"jobs/d.lua": "local x = nil\nreturn x.y",
				"jobs/e.lua": "",
			},
			[]string{
				"slavedriver.lua:1: job `A`: unknown option `timout`, did you mean `timeout`?",
				"jobs/a.lua:1: syntax error: the file ends too early",
				"jobs/b.lua:1: no",
				"jobs/d.lua:2: attempt to index a non-table object(nil) with key 'y'",
				"jobs/e.lua:1: the file returns nothing",
				"slavedriver.lua:3: job `C` has neither a schedule nor a runAtDateTime",
			},
		},
		"what stops the file hides the rest": {
			map[string]string{"slavedriver.lua": "slavedriver:addJob({ name = 'A', nise = 1 })\nslavedriver:setMaxConcurrentJobs('x')\nslavedriver:addJob({})"},
			[]string{
				"slavedriver.lua:1: job `A`: unknown option `nise`, did you mean `nice`?",
				"slavedriver.lua:2: setMaxConcurrentJobs: the value must be a whole number of at least 1, not \"x\"",
			},
		},
		"run() in a job file": {
			map[string]string{
				"slavedriver.lua": "slavedriver:addAllJobsInDirectory('jobs')\nslavedriver:addJob({})",
				"jobs/a.lua":      "slavedriver:run()",
				"jobs/b.lua":      "error('no')",
			},
			[]string{"jobs/a.lua:1: run() ends the entry file, and can only be called there", "jobs/b.lua:1: no", "slavedriver.lua:2: a job needs a name"},
		},
		"it cannot be read": {nil, []string{"slavedriver.lua: cannot be read: no such file or directory"}},
	} {
		if got := mistakesIn(t, c.files); !slices.Equal(got, c.want) {
			t.Errorf("%s: got\n%s", name, strings.Join(got, "\n"))
		}
	}
}
