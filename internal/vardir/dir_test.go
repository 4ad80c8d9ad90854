package vardir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestBase(t *testing.T) {
	here, err := os.Getwd()
	must(t, err)
	for _, c := range []struct {
		name, flag string
		env        map[string]string
		root       bool
		want       string // "" is an error
	}{
		{name: "flag first", flag: "/f", env: map[string]string{EnvBase: "/e"}, root: true, want: "/f"},
		{name: "a relative flag", flag: "f", want: filepath.Join(here, "f")},
		{name: "then the environment", env: map[string]string{EnvBase: "/e", "HOME": "/h"}, root: true, want: "/e"},
		{name: "root", env: map[string]string{"HOME": "/root", "XDG_STATE_HOME": "/s"}, root: true, want: "/var/lib/slavedriver"},
		{name: "XDG", env: map[string]string{"HOME": "/h", "XDG_STATE_HOME": "/s"}, want: "/s/slavedriver"},
		{name: "relative XDG is none", env: map[string]string{"HOME": "/h", "XDG_STATE_HOME": "s"}, want: "/h/.local/state/slavedriver"},
		{name: "home", env: map[string]string{"HOME": "/h"}, want: "/h/.local/state/slavedriver"},
		{name: "nothing", want: ""},
	} {
		got, err := Base(c.flag, func(name string) string { return c.env[name] }, c.root)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}

func TestNamespaceIsReadableAndTheFilesOwn(t *testing.T) {
	a, b := Namespace("/srv/Shop/slavedriver.lua"), Namespace("/opt/Shop/slavedriver.lua")
	if a == b || !strings.HasPrefix(a, "shop-slavedriver-") || Namespace("/srv/Shop/slavedriver.lua") != a {
		t.Errorf("%s, %s", a, b)
	}
	for _, path := range []string{"/slavedriver.lua", "/", "/日本/語.lua", "/x/.lua", "/" + strings.Repeat("x", 300) + "/y.lua"} {
		if err := checkNamespace(Namespace(path)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestOpenCreatesPrivateFolders(t *testing.T) {
	base := filepath.Join(t.TempDir(), "state", "slavedriver")
	dir := open(t, base)
	for _, folder := range []string{base, dir.Path()} {
		info, err := os.Stat(folder)
		must(t, err)
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %o", folder, info.Mode().Perm())
		}
	}
	if dir.Path("a", "b") != filepath.Join(base, "ns", "a", "b") {
		t.Error(dir.Path("a", "b"))
	}
	if len(dir.Warnings()) != 0 {
		t.Error(dir.Warnings())
	}
}

func TestOpenRefusesWhatIsNotOursAlone(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, folder string)
		says  string
	}{
		{"written by its group", func(t *testing.T, f string) { must(t, os.Chmod(f, 0o770)) }, "chmod go-w "},
		{"written by all", func(t *testing.T, f string) { must(t, os.Chmod(f, os.ModeSticky|0o707)) }, "chmod go-w "},
		{"a link", func(t *testing.T, f string) {
			must(t, os.Rename(f, f+"-moved"))
			must(t, os.Symlink(f+"-moved", f))
		}, "symbolic link"},
		{"a file", func(t *testing.T, f string) {
			must(t, os.RemoveAll(f))
			must(t, os.WriteFile(f, nil, 0o600))
		}, "not a folder"},
		{"somebody else's", giveAway, "belongs to user 65534"},
	} {
		for _, which := range []string{"base", "base/ns"} {
			t.Run(c.name+" "+which, func(t *testing.T) {
				top := t.TempDir()
				base := filepath.Join(top, "base")
				open(t, base)
				c.spoil(t, filepath.Join(top, which))
				_, err := Open(base, "ns", "/srv/shop/slavedriver.lua")
				if err == nil {
					t.Fatal("it was accepted")
				}
				if c.says != "not a folder" && !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), filepath.Join(top, which)) {
					t.Errorf("it says: %v", err)
				}
			})
		}
	}
}

func TestOpenRefusesNamesThatAreNoFolder(t *testing.T) {
	for _, name := range []string{"", ".", "..", ".index.json", "a/b", "a\nb", "a\x00b", strings.Repeat("x", 201)} {
		if _, err := Open(t.TempDir(), name, "/x.lua"); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
}

func TestAnotherUserIsKeptOut(t *testing.T) {
	top, err := os.MkdirTemp("", "vardir") //nolint:usetesting // t.TempDir cannot be entered by others
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	must(t, os.Chmod(top, 0o755))
	must(t, os.Mkdir(filepath.Join(top, "theirs"), 0o700))
	giveAway(t, filepath.Join(top, "theirs"))
	open(t, filepath.Join(top, "roots"))
	other := start(t, filepath.Join(top, "roots"), "open", "VARDIR_UID=65534")
	if said := other.line(); !strings.HasPrefix(said, "error: ") {
		t.Errorf("another user opens root's var dir and says %q", said)
	}
	start(t, filepath.Join(top, "theirs"), "open", "VARDIR_UID=65534").endsBy(0)
	if _, err := Open(filepath.Join(top, "theirs"), "ns", "/x.lua"); err == nil {
		t.Error("root uses the var dir of another user")
	}
}

func TestIndexFindsTheNamespace(t *testing.T) {
	base := t.TempDir()
	if _, ok, err := Lookup(base, "/x.lua"); ok || err != nil {
		t.Errorf("an empty base: %v, %v", ok, err)
	}
	for file, namespace := range map[string]string{"/x.lua": "one", "/y.lua": "two"} {
		_, err := Open(base, namespace, file)
		must(t, err)
	}
	_, err := Open(base, "three", "/x.lua") // it was renamed
	must(t, err)
	for file, want := range map[string]string{"/x.lua": "three", "/y.lua": "two", "/z.lua": ""} {
		if got, ok, err := Lookup(base, file); got != want || ok != (want != "") || err != nil {
			t.Errorf("%s: %q, %v, %v", file, got, ok, err)
		}
	}
}

func TestTornIndexIsSetAside(t *testing.T) {
	for _, torn := range []string{"", "{\"/x.lua\": \"o", "null", "[]"} {
		base := t.TempDir()
		must(t, os.WriteFile(filepath.Join(base, indexFile), []byte(torn), 0o600))
		dir := open(t, base)
		if len(dir.Warnings()) != 1 || !strings.Contains(dir.Warnings()[0], ".corrupt-") {
			t.Errorf("%q: %v", torn, dir.Warnings())
		}
		if got, _, err := Lookup(base, "/srv/shop/slavedriver.lua"); got != "ns" || err != nil {
			t.Errorf("%q: %q, %v", torn, got, err)
		}
		if aside, _ := filepath.Glob(filepath.Join(base, indexFile+".corrupt-*")); len(aside) != 1 {
			t.Errorf("%q was not kept: %v", torn, aside)
		}
	}
}

// giveAway makes a file another user's. Only root can, and only where there is
// another user: not under `unshare -r`.
func giveAway(t *testing.T, path string) {
	t.Helper()
	if err := os.Chown(path, 65534, 65534); errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL) {
		t.Skip("no file can be given away here:", err)
	} else if err != nil {
		t.Fatal(err)
	}
}
