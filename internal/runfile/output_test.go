//go:build linux

package runfile

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
)

// appendTo writes to the run's stdout as the job would.
func appendTo(t *testing.T, r *Run, data string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(r.Dir(), "stdout"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(data); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, r *Run, from int64, mode ReadMode) Piece {
	t.Helper()
	p, err := r.Read(Stdout, from, mode, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Next != p.Offset+int64(len(p.Data)) {
		t.Fatalf("offset %d, %d bytes, next %d", p.Offset, len(p.Data), p.Next)
	}
	return p
}

func TestReadModes(t *testing.T) {
	for _, test := range []struct {
		text    string
		mode    ReadMode
		want    string
		partial bool
	}{
		{"", WholeLines, "", false},
		{"abc", WholeLines, "", false},
		{"abc", Partial, "abc", true},
		{"abc", All, "abc", true},
		{"a\nb\nc", WholeLines, "a\nb\n", false},
		{"a\nb\nc", Partial, "a\nb\nc", true},
		{"a\n", All, "a\n", false},
		{"a\xe2\x82", Partial, "a", true},
		{"\xe2\x82", Partial, "", false},
		{"a\xe2\x82", All, "a\xe2\x82", true},
		{"€", Partial, "€", true},
		{"\xff\xff\xff\xff", Partial, "\xff\xff\xff\xff", true},
		{"\x80\x80\x80\x80\x80", Partial, "\x80\x80\x80\x80\x80", true},
		{"\xff\n\xfe", WholeLines, "\xff\n", false},
	} {
		r := create(t)
		appendTo(t, r, test.text)
		p := read(t, r, 0, test.mode)
		if string(p.Data) != test.want || p.Partial != test.partial {
			t.Errorf("%q in mode %d: %q, partial %v", test.text, test.mode, p.Data, p.Partial)
		}
		_ = r.Close()
	}
}

func TestReadLongLineWithoutSplittingACharacter(t *testing.T) {
	r := create(t)
	text := "x" + strings.Repeat("€", 50000) + "\nend\n"
	appendTo(t, r, text)
	var got []byte
	for from, n := int64(0), 0; from < int64(len(text)); n++ {
		p := read(t, r, from, WholeLines)
		if !utf8.Valid(p.Data) || len(p.Data) == 0 || len(p.Data) > MaxPiece {
			t.Fatalf("piece %d of %d bytes", n, len(p.Data))
		}
		if p.Partial != (n < 2) {
			t.Errorf("piece %d: partial %v", n, p.Partial)
		}
		got = append(got, p.Data...)
		from = p.Next
	}
	if string(got) != text {
		t.Error("the text is not the same")
	}
}

func TestReadGivesEveryByteOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	r := create(t)
	var wrote, got []byte
	buf := make([]byte, MaxPiece)
	from := int64(0)
	take := func(mode ReadMode) bool {
		p, err := r.Read(Stdout, from, mode, buf)
		if err != nil || p.Offset != from {
			t.Fatalf("%+v, %v", p, err)
		}
		got = append(got, p.Data...)
		from = p.Next
		return len(p.Data) > 0
	}
	for range 80 {
		chunk := make([]byte, random.IntN(1<<12)<<(6*random.IntN(2)))
		for i := range chunk {
			chunk[i] = "\n\xe2\x82\xac\xffaaaaaaaaaaaa"[random.IntN(17)]
		}
		appendTo(t, r, string(chunk))
		wrote = append(wrote, chunk...)
		take(ReadMode(random.IntN(2)))
	}
	for take(All) {
	}
	if !bytes.Equal(got, wrote) {
		t.Errorf("read %d bytes of %d", len(got), len(wrote))
	}
}

func TestBinaryOutput(t *testing.T) {
	r, _ := finish(t, shell("head -c 300000 /dev/urandom | tee /dev/stderr"))
	for s := range Stderr + 1 {
		var got []byte
		for {
			p, err := r.Read(s, int64(len(got)), All, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Data) == 0 {
				break
			}
			got = append(got, p.Data...)
		}
		if string(got) != content(t, r, Stdout) || len(got) != 300000 {
			t.Errorf("%v: %d bytes", s, len(got))
		}
	}
}

func TestTruncatedByTheJob(t *testing.T) {
	r, _ := finish(t, shell("echo one; echo two"))
	p := read(t, r, 0, All)
	if string(p.Data) != "one\ntwo\n" || p.Truncated {
		t.Errorf("%+v", p)
	}
	if err := os.Truncate(filepath.Join(r.Dir(), "stdout"), 0); err != nil {
		t.Fatal(err)
	}
	if p = read(t, r, p.Next, All); !p.Truncated || p.Next != 0 {
		t.Errorf("%+v", p)
	}
	appendTo(t, r, "new\n")
	if p = read(t, r, 8, All); !p.Truncated || string(p.Data) != "new\n" || p.Offset != 0 {
		t.Errorf("%+v", p)
	}
}

func TestTail(t *testing.T) {
	r := create(t)
	appendTo(t, r, "one\ntwo\n\nf€ur\nend")
	for _, test := range []struct {
		lines int
		bytes int64
		want  string
	}{
		{0, 0, "one\ntwo\n\nf€ur\nend"},
		{1, 0, "end"},
		{2, 0, "f€ur\nend"},
		{3, 0, "\nf€ur\nend"},
		{99, 0, "one\ntwo\n\nf€ur\nend"},
		{2, 7, "ur\nend"}, // not the rest of the euro
		{0, 3, "end"},
	} {
		if got, err := r.Tail(Stdout, test.lines, test.bytes); got != test.want || err != nil {
			t.Errorf("%d lines, %d bytes: %q, %v", test.lines, test.bytes, got, err)
		}
	}
	appendTo(t, r, "\n")
	if got, _ := r.Tail(Stdout, 2, 0); got != "f€ur\nend\n" {
		t.Errorf("%q", got)
	}
	if got, err := r.Tail(Stderr, 5, 0); got != "" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func onDisk(t *testing.T, r *Run) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(r.Dir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	return blocks(info) * 512
}

func TestTrimBoundsTheDisk(t *testing.T) {
	r := create(t)
	r.Intent.KeepOutput, r.Intent.MaxBacklog = 1<<20, 8<<20
	line := strings.Repeat("0123456789abcde\n", 1<<16) // 1 MiB
	var size int64
	for i := range 40 { // the reader keeps up
		appendTo(t, r, line)
		size += int64(len(line))
		lost, err := r.Trim([2]int64{size, 0})
		if lost != [2]int64{} || err != nil {
			t.Fatalf("lost %v, %v", lost, err)
		}
		if got := onDisk(t, r); got > 1<<20+trimStep+1<<20 {
			t.Fatalf("%d bytes on disk after %d", got, i)
		}
	}
	if got, _ := r.Tail(Stdout, 0, 1<<20); got != line {
		t.Errorf("only %d bytes are kept", len(got))
	}
	delivered, dropped := size, int64(0)
	for range 40 { // the reader is gone
		appendTo(t, r, line)
		size += int64(len(line))
		lost, err := r.Trim([2]int64{delivered, 0})
		if err != nil {
			t.Fatal(err)
		}
		dropped += lost[Stdout]
		if got := onDisk(t, r); got > 8<<20+trimStep+1<<20 {
			t.Fatalf("%d bytes on disk", got)
		}
	}
	p := read(t, r, delivered, WholeLines)
	if dropped == 0 || p.Dropped != dropped || p.Offset != delivered+dropped || p.Data[0] != '0' {
		t.Errorf("Trim lost %d, Read dropped %d at %d", dropped, p.Dropped, p.Offset)
	}
	if p := read(t, r, p.Next, WholeLines); p.Dropped != 0 {
		t.Errorf("dropped again: %d", p.Dropped)
	}
}

func TestTrimOfAFileThatWasTruncated(t *testing.T) {
	r := create(t)
	r.Intent.KeepOutput = 0
	line := strings.Repeat("0123456789abcde\n", 1<<16)
	appendTo(t, r, strings.Repeat(line, 10))
	if _, err := r.Trim([2]int64{10 << 20, 0}); err != nil {
		t.Fatal(err)
	}
	if k, err := r.ReadKept(); err != nil || k.Dropped[Stdout] != 10<<20 {
		t.Fatalf("%+v, %v", k, err)
	}
	if err := os.Truncate(filepath.Join(r.Dir(), "stdout"), 0); err != nil {
		t.Fatal(err)
	}
	appendTo(t, r, line)
	for i, from := range []int64{10 << 20, 16} { // the mark is older than the data
		if p := read(t, r, from, WholeLines); p.Dropped != 0 || p.Truncated != (i == 0) || p.Data[0] != '0' {
			t.Errorf("from %d: dropped %d, truncated %v", from, p.Dropped, p.Truncated)
		}
	}
	appendTo(t, r, strings.Repeat(line, 5))
	if _, err := r.Trim([2]int64{6 << 20, 0}); err != nil {
		t.Fatal(err)
	}
	if got := onDisk(t, r); got != 0 {
		t.Errorf("%d bytes on disk", got)
	}
}

func TestFloodIsReadWhole(t *testing.T) {
	const size = 64 << 20
	r := start(t, shell("yes 0123456789abcde | head -c 67108864"))
	r.Intent.KeepOutput = 1 << 20
	buf := make([]byte, MaxPiece)
	most := int64(0)
	for from := int64(0); from < size; {
		p, err := r.Read(Stdout, from, WholeLines, buf)
		if err != nil || p.Dropped != 0 || p.Offset != from {
			t.Fatalf("at %d: %d dropped, %v", p.Offset, p.Dropped, err)
		}
		if bytes.Count(p.Data, []byte("0123456789abcde\n"))*16 != len(p.Data) {
			t.Fatal("not what the job wrote")
		}
		if from = p.Next; len(p.Data) == 0 {
			continue
		}
		if _, err := r.Trim([2]int64{from, 0}); err != nil {
			t.Fatal(err)
		}
		most = max(most, onDisk(t, r))
	}
	wait(t, r)
	if got := onDisk(t, r); got > 1<<20+trimStep+trimUnit {
		t.Errorf("%d bytes on disk in the end, %d at most", got, most)
	}
}
func blocks(info fs.FileInfo) int64 { return info.Sys().(*syscall.Stat_t).Blocks }
