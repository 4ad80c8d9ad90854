package luaapi

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slavedriver/engine"
)

func writeJobs(b *testing.B, dir string, files, jobs int) {
	b.Helper()
	for i := range files {
		var source strings.Builder
		source.WriteString("return {\n")
		for j := range jobs {
			fmt.Fprintf(&source, "  { name = \"Job %d %d\", command = \"true %d\", schedule = \"%d %d * * *\", timeout = \"5m\" },\n", i, j, j, j%60, j%24)
		}
		source.WriteString("}\n")
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("j%d.lua", i)), []byte(source.String()), 0o644); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkLoad(b *testing.B, files, jobs int) {
	dir := b.TempDir()
	writeJobs(b, dir, files, jobs)
	entry := []byte(`slavedriver:addAllJobsInDirectory(".") slavedriver:run()`)
	if err := os.WriteFile(filepath.Join(dir, "_slavedriver.lua"), entry, 0o644); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s, err := Load(context.Background(), "_slavedriver.lua", testOptions(dir, &strings.Builder{}))
		if err != nil || len(s.Plan().Jobs) != files*jobs {
			b.Fatal(err)
		}
		s.Close()
	}
}

func BenchmarkLoadOneJob(b *testing.B)              { benchmarkLoad(b, 1, 1) }
func BenchmarkLoad10000JobsIn100Files(b *testing.B) { benchmarkLoad(b, 100, 100) }

func BenchmarkCallHandler(b *testing.B) {
	dir := b.TempDir()
	source := oneJob + `slavedriver:attach("*", function(job, params, event) return params.stdOut, event.name end)`
	if err := os.WriteFile(filepath.Join(dir, "slavedriver.lua"), []byte(source), 0o644); err != nil {
		b.Fatal(err)
	}
	s, err := Load(context.Background(), "slavedriver.lua", testOptions(dir, &strings.Builder{}))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	event := started(s)
	event.Name, event.Params = engine.EventJobStdout, map[string]any{"stdOut": strings.Repeat("x", 64<<10)}
	event.Run = &engine.RunInfo{ID: "r1"}
	b.ReportAllocs()
	for b.Loop() {
		if failures := s.Call(context.Background(), event); failures != nil {
			b.Fatal(failures)
		}
	}
}

func BenchmarkHandlerThatComputes(b *testing.B) {
	dir := b.TempDir()
	source := oneJob + `slavedriver:attach("*", function() local n = 0 for i = 1, 1e6 do n = n + i % 7 end end)`
	if err := os.WriteFile(filepath.Join(dir, "slavedriver.lua"), []byte(source), 0o644); err != nil {
		b.Fatal(err)
	}
	s, err := Load(context.Background(), "slavedriver.lua", testOptions(dir, &strings.Builder{}))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	event := started(s)
	for b.Loop() {
		if failures := s.Call(context.Background(), event); failures != nil {
			b.Fatal(failures)
		}
	}
}
