package runfile

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCommandForms(t *testing.T) {
	bash := shell(`[[ x == x ]] && echo "$BASH_VERSION" | grep -c .; echo $$`)
	bash.ShellPath = "/bin/bash"
	for _, test := range []struct {
		name   string
		launch Launch
		exit   int
		stdout string
	}{
		{"words", shell("echo a b; exit 5"), 5, "a b\n"},
		{"no positional parameters", shell(`echo $# "$0" "$*"`), 0, "0 sh \n"},
		{"nor in a shell of its own", shell(`: $$; echo $# "$0" "$*"`), 0, "0 sh \n"},
		{"a comment first", shell("# hello\necho x"), 0, "x\n"},
		{"a here-document", shell("cat <<E\nx\nE"), 0, "x\n"},
		{"a syntax error", shell("echo x; )"), 2, ""},
		{"an attempt to leave the subshell", shell(") >&1; echo out; ("), 2, ""},
		{"set -e", shell("set -e; false; echo x"), 1, ""},
		{"exec", shell("exec echo x"), 0, "x\n"},
		{"an exit trap", shell("trap 'echo bye' EXIT; exit 9"), 9, "bye\n"},
		{"no such program", shell("/nonexistent/x"), 127, ""},
		{"killed by a signal", shell("sh -c 'kill -9 $$'"), 137, ""},
		{"stdin is empty", shell("cat; echo end"), 0, "end\n"},
		{"no trap is left", shell("trap"), 0, ""},
		{"descriptor 3 is closed", shell("echo exit 0 >&3; echo exit 0 >&4; exit 6"), 2, ""},
		{"a list", Launch{Args: []string{"printf", "%s|", "a b", "$HOME", "`x`", "*", "\"", "'", "", "\n", "-n"}, Umask: -1, Env: os.Environ()}, 0, "a b|$HOME|`x`|*|\"|'||\n|-n|"},
		{"a list with no such program", Launch{Args: []string{"nonexistent-x"}, Umask: -1}, 127, ""},
	} {
		t.Run(test.name, func(t *testing.T) { wantOutput(t, test.launch, test.exit, test.stdout) })
	}
}

func TestOwnShell(t *testing.T) {
	needProgram(t, "bash")
	l := shell(`[[ x == x ]] && a=(1 2 3) && echo ${#a[@]}`)
	l.ShellPath, _ = exec.LookPath("bash")
	wantOutput(t, l, 0, "3\n")
}

func TestDollarsMeanTheJob(t *testing.T) {
	r, _ := finish(t, shell("echo $$ $PPID"))
	var own, parent int
	if _, err := fmt.Sscan(content(t, r, Stdout), &own, &parent); err != nil {
		t.Fatal(err)
	}
	if own == r.child.pid || parent != r.child.pid {
		t.Errorf("$$ %d, $PPID %d, wrapper %d", own, parent, r.child.pid)
	}
}

func TestNoDescriptorReachesTheJob(t *testing.T) {
	leak, err := syscall.Open(os.DevNull, syscall.O_RDONLY, 0) // not close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(leak)
	closeOnExec() // as at the first start, which another test had
	for _, l := range []Launch{
		shell("ls /proc/self/fd"), shell(": $$; ls /proc/self/fd"),
		{Args: []string{"ls", "/proc/self/fd"}, Env: os.Environ(), Umask: -1},
	} {
		wantOutput(t, l, 0, "0\n1\n2\n3\n") // 3 is the folder that ls reads
	}
}

func TestEnvironmentIsExactlyThatOfTheLaunch(t *testing.T) {
	l := Launch{
		Args: []string{"/usr/bin/env"}, Dir: "/", Umask: -1,
		Env: []string{"PATH=/bin:/usr/bin", "s=mine", "PWD=/", RunIDVar + "=forged", "OLDPWD=/x"},
	}
	r, _ := finish(t, l)
	got := map[string]bool{}
	for line := range strings.Lines(content(t, r, Stdout)) {
		got[strings.TrimSpace(line)] = true
	}
	for _, name := range []string{"SHLVL=0", "SHLVL=1", "_=/usr/bin/env"} { // where bash is sh
		delete(got, name)
	}
	want := []string{"PATH=/bin:/usr/bin", "s=mine", "PWD=/", RunIDVar + "=" + r.Intent.ID}
	for _, entry := range want {
		if !got[entry] {
			t.Errorf("no %s", entry)
		}
		delete(got, entry)
	}
	if len(got) > 0 {
		t.Errorf("there is also %v", got)
	}
}

func TestDirUmaskNice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "-a 'b' $c\n*")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l := shell("pwd; umask; nice")
	l.Dir, l.Umask, l.Nice = dir, 0o27, 7
	wantOutput(t, l, 0, dir+"\n0027\n7\n")
	wantOutput(t, shell("nice"), 0, "0\n") // the threads are as they were
}

func TestLimits(t *testing.T) {
	l := shell("while read -r line; do echo \"$line\"; done < /proc/self/limits")
	l.Limits = Limits{
		AddressSpace: 1<<30 + 1, FileSize: 1 << 20, CPUTime: 90*time.Second + 1,
		OpenFiles: 64, Processes: 5000,
	}
	r, look := finish(t, l)
	want := map[string]int64{
		"Max address space": 1<<30 + 1024, "Max file size": 1 << 20, "Max cpu time": 91,
		"Max open files": 64, "Max processes": 5000,
	}
	for scan := bufio.NewScanner(strings.NewReader(content(t, r, Stdout))); scan.Scan(); {
		for name, value := range want {
			if rest, ok := strings.CutPrefix(scan.Text(), name); ok {
				if f := strings.Fields(rest); f[0] != fmt.Sprint(value) || f[1] != fmt.Sprint(value) {
					t.Errorf("%s = %v, want %d", name, f, value)
				}
				delete(want, name)
			}
		}
	}
	if len(want) > 0 || look.Exit != 0 {
		t.Errorf("missing: %v, %+v, %s", want, look, content(t, r, Stderr))
	}
}

func TestLimitsBite(t *testing.T) {
	l := shell("head -c 3000 /dev/zero; echo $?")
	l.Limits.FileSize = 1024
	r, _ := finish(t, l)
	if size, _ := r.Size(Stdout); size > 1024 {
		t.Errorf("%d bytes", size)
	}
	l = shell("while :; do :; done")
	l.Limits.CPUTime = time.Second
	if _, look := finish(t, l); look.Exit <= 128 {
		t.Errorf("%+v", look)
	}
}

func TestWhatCannotBeSetUpDoesNotRun(t *testing.T) {
	folder := shell("echo ran")
	folder.Dir = "/nonexistent/folder"
	limit := shell("echo ran")
	limit.Limits.OpenFiles = 1 << 40 // more than any system's most
	for want, l := range map[string]Launch{
		"cannot enter the working directory": folder,
		"cannot set the limit openFiles":     limit,
	} {
		r, look := finish(t, l)
		if look.Why != want || look.Exit != 125 || content(t, r, Stdout) != "" {
			t.Errorf("%+v, want %q", look, want)
		}
	}
}

func TestAnotherUser(t *testing.T) {
	needRoot(t)
	nobody := &Credential{UID: 65534, GID: 65534, Groups: []uint32{4}}
	r, err := Create(t.TempDir(), testIntent(), nobody)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bury(t, r) })
	l := shell("id -u; id -G; echo a > /dev/stdout; echo b > /dev/stderr; ls " + r.Dir())
	l.Credential, l.Nice = nobody, -3
	if err := r.Start(l); err != nil {
		t.Fatal(err)
	}
	look := wait(t, r)
	if got := content(t, r, Stdout); look.Exit == 0 || !strings.HasPrefix(got, "a\n") {
		t.Errorf("%+v, stdout %q, stderr %q", look, got, content(t, r, Stderr))
	}
	if got := content(t, r, Stderr); !strings.HasPrefix(got, "b\n") || !strings.Contains(got, "denied") {
		t.Errorf("stderr %q: the run's folder is open to the job", got)
	}
	if r.Intent.UID != 65534 {
		t.Errorf("UID %d", r.Intent.UID)
	}
}

func TestStartFailsWithoutAProcess(t *testing.T) {
	r := create(t)
	for _, l := range []Launch{{}, {Shell: "x", Args: []string{"x"}}, {Args: []string{"-x"}}} {
		if err := r.Start(l); err == nil {
			t.Errorf("%+v was started", l)
		}
	}
	if err := r.Start(shell(": " + strings.Repeat("x", 1<<20))); !errors.Is(err, syscall.E2BIG) {
		t.Errorf("a command of 1 MiB: %v", err)
	}
	if got := look(t, r); !got.Held || got.PID != 0 {
		t.Errorf("after a failed start: %+v", got)
	}
	if err := r.Start(shell("echo x")); err != nil {
		t.Fatal(err)
	}
	if wait(t, r); content(t, r, Stdout) != "x\n" {
		t.Error("the second try did not run")
	}
	if err := r.Start(shell("echo x")); err == nil {
		t.Error("it was started twice")
	}
}

func TestCreateLeavesNothingOnError(t *testing.T) {
	active := t.TempDir()
	first, err := Create(active, testIntent(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := Create(active, testIntent(), nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the same run again: %v", err)
	}
	if entries, _ := os.ReadDir(active); len(entries) != 1 {
		t.Errorf("%v", entries)
	}
	bad := testIntent()
	bad.ID = "../x"
	if _, err := Create(active, bad, nil); err == nil {
		t.Error("a run outside of its folder")
	}
}

func TestSweepMoveRemove(t *testing.T) {
	r, _ := finish(t, shell("echo x"))
	active := filepath.Dir(r.Dir())
	leftover := filepath.Join(active, hidden+"old")
	if err := os.Mkdir(leftover, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(active); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(active); len(entries) != 1 {
		t.Errorf("%v", entries)
	}
	base := t.TempDir()
	if err := r.MoveTo(filepath.Join(base, "ended", "job")); err != nil {
		t.Fatal(err)
	}
	if content(t, r, Stdout) != "x\n" || look(t, r).Exit != 0 {
		t.Error("the run did not move whole")
	}
	for range 2 {
		if err := Remove(r.Dir(), filepath.Join(base, "trash")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(r.Dir()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(filepath.Join(base, "trash")); len(entries) != 0 {
		t.Errorf("%v", entries)
	}
}

func BenchmarkStartWait(b *testing.B) {
	active := b.TempDir()
	in := testIntent()
	for i := range b.N {
		in.ID = fmt.Sprint("job-", i)
		r, err := Create(active, in, nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Start(shell("true")); err != nil {
			b.Fatal(err)
		}
		if look := wait(b, r); !look.Exited || look.Exit != 0 {
			b.Fatalf("%+v", look)
		}
		_ = r.Close()
	}
	reportCPU(b)
}

// BenchmarkPlainShell is what there is to compare with.
func BenchmarkPlainShell(b *testing.B) {
	for range b.N {
		pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "true"}, &syscall.ProcAttr{Env: os.Environ()})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
			b.Fatal(err)
		}
	}
	reportCPU(b)
}

func reportCPU(b *testing.B) {
	b.StopTimer()
	var own, children syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &own)
	_ = syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children)
	var total int64
	for _, t := range []syscall.Timeval{own.Utime, own.Stime, children.Utime, children.Stime} {
		total += t.Nano()
	}
	b.ReportMetric(float64(total-cpuBefore)/float64(b.N)/1e3, "cpu-µs/op")
	cpuBefore = total
}

var cpuBefore int64
