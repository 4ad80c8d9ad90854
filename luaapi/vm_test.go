package luaapi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLibraries runs Lua that prints what it sees; %DIR% is a folder.
func TestLibraries(t *testing.T) {
	for source, want := range map[string]string{
		`print(1, nil, "x", setmetatable({}, { __tostring = function() return "meta" end })) io.write("a", 1, "\n") io.stdout:write("b\n")`: "1\tnil\tx\tmeta\na1\nb\n",
		`local t = {} for i = 1, 100000 do t[i] = "x" end print(#table.concat(t), select("#", unpack(t)))`:                                  "100000\t100000\n",
		`print(os.execute("exit 3"), os.execute("true"), os.execute("kill -9 $$"), os.execute())`:                                           "3\t0\t137\t1\n",
		`print(os.execute("echo out"), os.execute("echo err >&2"))`:                                                                         "out\nerr\n0\t0\n",
		`print(os.execute("read x; echo \"[$x]\""))`:                                                                                        "[]\n0\n",
		// What we have open does not reach a command.
		`local function count() return io.popen("ls /proc/self/fd | wc -l"):read("*n") end local before = count()
		 local a, b = io.open("%DIR%/x", "w"), io.popen("cat", "w") print(before == count())`: "true\n",
		`local p = io.popen("printf 'a\\nb'; exit 4") for l in p:lines() do io.write("<", l, ">") end print(p:close(), io.type(p))`: "<a><b>4\tclosed file\n",
		`local p = io.popen("cat; exit 2", "w") p:write("in", 5, "\n") print(p:close())`:                                            "in5\n2\n",
		`print(pcall(io.popen, "true", "x"))`: "false\tslavedriver.lua:1: io.popen: the mode must be \"r\" or \"w\", not \"x\"\n",
		`local f = assert(io.open("%DIR%/x", "w")) f:write("one\ntwo\n3.5 rest") f:close()
		 f = io.open("%DIR%/x") print(f:read(), f:read("*l"), f:read("*n"), f:read(2), f:read("*a"), f:read("*a"), f:read(0), f:read()) f:close()
		 print(pcall(f.read, f)) for l in io.lines("%DIR%/x") do io.write(l, ";") end print(io.type(f), io.type(5), tostring(f))`: "one\ttwo\t3.5\t r\test\t\tnil\tnil\n" +
			"false\tslavedriver.lua:3: the file is closed\none;two;3.5 rest;closed file\tnil\tfile\n",
		`local f = io.open("%DIR%/x", "w+") f:write("abcdef") f:seek("set", 1) print(f:read(2), f:seek()) f:write("X") f:seek("set") print(f:read("*a"), f:seek("end"), f:seek("cur", -2))`: "bc\t3\nabcXef\t6\t4\n",
		`local f = io.tmpfile() f:write("x") f:seek("set") print(f:read("*a"))`: "x\n",
		`print(io.open("%DIR%/nowhere/x"))`:                                     "nil\topen %DIR%/nowhere/x: no such file or directory\t1\n",
		`print(io.open("%DIR%/x", "w"):read())`:                                 "nil\tthe file was not opened for reading\t1\n",
		`io.output("%DIR%/x") io.write("to the file") io.output():close() io.output(io.stdout) io.input("%DIR%/x") print(io.read("*a"))`:          "to the file\n",
		`print(io.read(), io.stdin:read("*a"), io.stdout:close(), io.type(io.stdout))`:                                                            "nil\t\ttrue\tfile\n",
		`print(("x"):rep(5000) == io.popen("head -c 5000 /dev/zero | tr '\\0' x"):lines()())`:                                                     "true\n",
		`print(debug.sethook, debug.getregistry, type(debug.traceback()), channel, os.setenv, _printregs)`:                                        "nil\tnil\tstring\tnil\tnil\tnil\n",
		`print(os.getenv("HOME"), os.getenv("NONE"))`:                                                                                             "/home/x\tnil\n",
		`print(require("slavedriver") == slavedriver, type(slavedriver))`:                                                                         "true\tuserdata\n",
		`local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) error("in co" .. b, 0) end) print(co(1), pcall(co, 2))`:           "2\tfalse\tin co2\n",
		`local co = coroutine.create(function() error("x", 0) end) print(coroutine.resume(co)) print(coroutine.status(co), coroutine.resume(co))`: "false\tx\ndead\tfalse\tcan not resume a dead thread\n",
		`print(pcall(string.rep, "x", -1)) print(loadstring("return 1")(), loadstring("= 1"))`:                                                    "true\t\n1\tnil\t<string> line:1(column:1) near '=':   syntax error\n\n",
	} {
		dir := t.TempDir()
		_, out := mustLoad(t, strings.ReplaceAll(source, "%DIR%", dir), func(o *Options) {
			o.Getenv = func(name string) string { return map[string]string{"HOME": "/home/x"}[name] }
		})
		equal(t, source, out.String(), strings.ReplaceAll(want, "%DIR%", dir))
	}
}

func TestModules(t *testing.T) {
	dir := files(t, map[string]string{
		"slavedriver.lua": `print(require("lib"), require("pkg").name, require("deep.er"), require("lib")) print(pcall(require, "broken"))`,
		"lib.lua":         `counter = (counter or 0) + 1 return counter`, "pkg/init.lua": `return { name = "pkg" }`,
		"deep/er.lua": `return "deeper"`, "broken.lua": "\nx = = 1",
	})
	_, out, err := loadIn(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "modules", out.String(), "1\tpkg\tdeeper\t1\nfalse\tbroken.lua:2: syntax error near `=`\n")
}

// panicking is a writer that has a bug.
type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("a bug") }

func TestAPanicOfGoIsAnErrorOfTheLine(t *testing.T) {
	e := loadError(t, "local x\npcall(print, 1)\nprint(2)", func(o *Options) { o.Stdout = panicking{} })
	equal(t, "error", e.Error(), "slavedriver.lua:3: a bug")
}

// TestProcessesOfAHandlerEndWithIt starts a child of a child, which holds a
// pipe: the pipe tells when both are gone.
func TestProcessesOfAHandlerEndWithIt(t *testing.T) {
	for name, source := range map[string]string{
		"overrun":             `os.execute("(sleep 60) <%FIFO% & sleep 60")`,
		"a process left open": `local p = io.popen("exec 3<%FIFO%; echo x; sleep 60") p:read() left = p`,
	} {
		t.Run(name, func(t *testing.T) {
			fifo := filepath.Join(t.TempDir(), "fifo")
			s, _ := mustLoad(t, oneJob+`os.execute("mkfifo `+fifo+`")
				slavedriver:attach("*", function() `+strings.ReplaceAll(source, "%FIFO%", fifo)+` end, { timeout = 2 })`)
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				f, err := os.OpenFile(fifo, os.O_WRONLY, 0)
				for err == nil {
					_, err = f.Write(make([]byte, 65536)) // waits until all readers are gone
				}
			}()
			s.Call(t.Context(), started(s))
			select {
			case <-gone:
			case <-time.After(20 * time.Second):
				t.Error("a process of the handler still runs")
			}
		})
	}
}
