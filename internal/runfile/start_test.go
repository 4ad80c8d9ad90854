//go:build linux

package runfile

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCommandForms(t *testing.T) {
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
		{"descriptor 3 is closed", shell("echo exit 0 >&3; echo exit 0 >&4; exit 6"), 6, ""},
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

// The wrapper's text has to mean the same to every shell that may be /bin/sh.
func TestWrapperInOtherShells(t *testing.T) {
	for _, shells := range [][]string{{"bash"}, {"busybox", "sh"}, {"mksh"}, {"ksh"}, {"yash"}, {"zsh"}} {
		t.Run(shells[0], func(t *testing.T) {
			needProgram(t, shells[0])
			r := create(t)
			l := shell(`echo "$# $0"; ulimit -n; umask; echo err >&2; trap; ls /proc/self/fd; kill -TERM $PPID; exit 5`)
			l.Dir, l.Umask, l.Limits = "/", 0o27, Limits{OpenFiles: 77, Processes: 5000, FileSize: 1 << 20}
			startIn(t, r, l, shells)
			look := wait(t, r)
			if want := "0 sh\n77\n0027\n0\n1\n2\n3\n"; content(t, r, Stdout) != want || look.Exit != 5 || !look.Began {
				t.Errorf("%+v, %q", look, content(t, r, Stdout))
			}
			if other := lookLater(t, r); !other.CPUKnown || content(t, r, Stderr) != "err\n" {
				t.Errorf("%+v, %q", other, content(t, r, Stderr))
			}
		})
	}
}

// startIn starts a run with another shell as the wrapper's.
func startIn(t *testing.T, r *Run, l Launch, shells []string) {
	t.Helper()
	path, err := exec.LookPath(shells[0])
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "sh") // by which name a shell knows that it is to be sh
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	args := append(append([]string{link}, shells[1:]...), wrapperArgs(l)[1:]...)
	r.child, err = spawn(args, &syscall.ProcAttr{
		Env:   r.environ(l.Env),
		Files: []uintptr{null.Fd(), uintptr(r.pipes[0]), null.Fd(), uintptr(r.lock), uintptr(r.pipes[1])},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	r.closeStartFiles()
}

// lookLater is what a later shift sees.
func lookLater(t *testing.T, r *Run) Look {
	t.Helper()
	return look(t, adopt(t, r.Dir()))
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
	want := []string{"PATH=/bin:/usr/bin", "s=mine", "PWD=/", RunIDVar + "=" + r.Intent.ID, RunMarkVar + "=" + r.Intent.Mark}
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
	own, err := exec.Command("nice").Output()
	if err != nil {
		t.Skipf("there is no nice here: %v", err)
	}
	ours, _ := strconv.Atoi(strings.TrimSpace(string(own)))
	l := shell("pwd; umask; nice")
	l.Dir, l.Umask, l.Nice = dir, 0o27, 3
	wantOutput(t, l, 0, fmt.Sprintf("%s\n0027\n%d\n", dir, min(19, ours+3)))
	wantOutput(t, shell("nice"), 0, string(own)) // the threads are as they were
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
