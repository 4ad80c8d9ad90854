package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"slavedriver/internal/durable"
)

// The var dir of a namespace. Paths below it are made here alone.
const (
	folderActive  = "active"  // run folders of what runs or is not yet told
	folderEnded   = "ended"   // <job slug>/<run id>
	folderTrash   = "trash"   // on its way out
	folderLedger  = "ledger"  // one file a day
	folderStarts  = "starts"  // what handlers asked for
	folderStops   = "stops"   // which runs are to be stopped that wait: stopretry.go
	folderStreaks = "streaks" // how often jobs failed in a row
	folderOutbox  = "outbox"  // letters: internal/outbox
	folderCorrupt = "corrupt" // run folders that could not be understood
	fileAgenda    = "agenda.json"
	fileKnown     = "jobs.json"
	fileTold      = "told" // which notices were told
)

func (d *duty) path(elem ...string) string {
	return filepath.Join(append([]string{d.Dir}, elem...)...)
}

func (d *duty) openFolders() error {
	if err := d.makeFolders(); err != nil {
		return fmt.Errorf("cannot use the var dir: %w", err)
	}
	d.ledger = ledger{d.path(folderLedger)}
	if err := d.openStreaks(); err != nil {
		return err
	}
	var err error
	if d.folder, err = os.Stat(d.Dir); err != nil {
		return fmt.Errorf("cannot use the var dir: %w", err)
	}
	return d.Supervisor.Sweep(d.path(folderActive))
}

// makeFolders makes the folders that are missing, and puts aside what is none: a
// job may have done that, while this shift runs too.
func (d *duty) makeFolders() error {
	for _, name := range []string{folderActive, folderEnded, folderTrash, folderLedger} {
		if err := d.sayOdd(durable.MakeFolder(d.path(name))); err != nil {
			return err
		}
	}
	for _, name := range []string{folderStreaks, folderStarts, folderStops, folderCorrupt, folderOutbox} { // are made when they are needed
		if err := d.sayOdd(durable.AsideUnless(d.path(name), fs.ModeDir)); err != nil {
			return err
		}
	}
	return nil
}

// sayOdd logs that something was put aside; any other error is returned.
func (d *duty) sayOdd(err error) error {
	if errors.Is(err, durable.ErrOdd) {
		d.Log.Log(Error, err.Error()+"; what was in it is lost", nil)
		return nil
	}
	return err
}

// stillOurs fails when the var dir is no longer the one in which this shift
// went on duty: then it is nobody's shift, and nobody would relieve it.
func (d *duty) stillOurs() error {
	now, err := os.Stat(d.Dir)
	if err == nil && !os.SameFile(now, d.folder) {
		err = errors.New("it was exchanged for another")
	}
	if err != nil {
		return fmt.Errorf("the var dir %s is no longer that of this shift: %w", d.Dir, err)
	}
	return nil
}

func (d *duty) openAgenda() error {
	_, gone := os.Lstat(d.path(fileAgenda))
	a, warning, err := loadAgenda(d.path(fileAgenda))
	if err != nil {
		return err
	}
	d.agenda = *a
	// One of a shift with --at has not evaluated anything, and is not lost.
	if d.inDoubt = gone != nil || warning != ""; gone != nil && len(d.recorded()) > 0 {
		warning = "the agenda is gone; starts that waited in it are lost, schedules go on from this minute"
	}
	if d.inDoubt {
		d.agenda.Ahead = d.ledger.aheadOf(d.now())
	}
	if warning != "" {
		d.Log.Log(Error, warning, nil)
	}
	if err := d.ledger.appendMissing(d.agenda.Outcomes...); err != nil {
		d.sayOnce("ledger", Error, err.Error())
		return nil // they stay in the agenda
	}
	d.agenda.Outcomes = nil
	return nil
}

// folderOf is where an active run has its folder.
func (d *duty) folderOf(run string) string { return d.path(folderActive, run) }

// endedFolder is where the ended runs of a job are kept.
func (d *duty) endedFolder(slug string) string { return d.path(folderEnded, slug) }

// keptIn are the folders in which an attempt's may be: it goes from the one to the other,
// and in this order it is not missed.
func keptIn(dir, attempt string) []string {
	return []string{
		filepath.Join(dir, folderActive, attempt), filepath.Join(dir, folderEnded, slugOfRun(attempt), attempt),
	}
}

// hasEnded says whether the folder of that run was moved to the ended ones.
func (d *duty) hasEnded(slug, run string) bool {
	_, err := os.Lstat(filepath.Join(d.endedFolder(slug), run))
	return err == nil
}
