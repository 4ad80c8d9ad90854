//go:build linux

package runfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func damage(t *testing.T, r *Run, at int64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(r.Dir(), "cursor"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{0xff, 0xee}, at); err != nil {
		t.Fatal(err)
	}
}

func told(n int64) Told {
	return Told{
		Call: 3, Deaths: 2, Done: 1 << 31, Offset: [2]int64{n, 1 << 60},
		CallEnd: -n, CallBoot: time.Duration(n),
	}
}

func TestCursorKeepsBothRecords(t *testing.T) {
	r := create(t)
	other := adopt(t, r.Dir())
	if got, err := other.ReadTold(); got != (Told{}) || err != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range int64(5) {
		writer := []*Run{r, other}[i%2] // two shifts, one after the other
		if err := writer.NoteTold(told(i)); err != nil {
			t.Fatal(err)
		}
		if err := writer.NoteKept(Kept{Recorded: true, Flags: uint32(i), Dropped: [2]int64{9, 9}}); err != nil {
			t.Fatal(err)
		}
		for _, reader := range []*Run{r, other} {
			if got, err := reader.ReadTold(); got != told(i) || err != nil {
				t.Fatalf("%+v, %v", got, err)
			}
			if got, err := reader.ReadKept(); got != (Kept{Recorded: true, Flags: uint32(i)}) || err != nil {
				t.Fatalf("%+v, %v", got, err)
			}
		}
	}
	if info, err := os.Stat(filepath.Join(r.Dir(), "cursor")); err != nil || info.Size() != cursorSize {
		t.Errorf("the file has changed its size: %v, %v", info, err)
	}
}

func TestTornSlotLeavesTheOther(t *testing.T) {
	r := create(t)
	damage(t, r, toldAt+slotSize+20) // the first write goes there
	if got, err := r.ReadTold(); got != (Told{}) || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range int64(4) {
		if err := r.NoteTold(told(i)); err != nil {
			t.Fatal(err)
		}
	}
	damage(t, r, toldAt+20) // that of the fourth write
	if got, err := r.ReadTold(); got != told(2) || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	damage(t, r, toldAt+slotSize+20)
	if _, err := r.ReadTold(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("both damaged: %v", err)
	}
	if _, err := r.ReadKept(); err != nil {
		t.Errorf("the other record: %v", err)
	}
	if err := r.NoteTold(told(7)); err != nil {
		t.Fatal(err)
	}
	if got, err := r.ReadTold(); got != told(7) || err != nil {
		t.Errorf("written anew: %+v, %v", got, err)
	}
}

func TestRecordsAreNotTakenForEachOther(t *testing.T) {
	r := create(t)
	if err := r.NoteTold(told(1)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(r.Dir(), "cursor")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(data[keptAt:], data[toldAt:keptAt])
	data[keptAt]++ // nor is a slot of zeros what is read
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := r.ReadKept(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadTold(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("too short: %v", err)
	}
}
