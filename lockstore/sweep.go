package lockstore

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// sweepEvery is how often the folder is looked through. Jobs that may overlap
// have a key for each instant, so there would soon be a great many files.
const sweepEvery = time.Hour

// sweep removes, once in sweepEvery, the records that say nothing any more.
// The time is noted first: should the clock turn out to have been ahead, what
// was removed is known to be missing.
func (s *folderStore) sweep(ctx context.Context) error {
	lock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()
	now := s.now().UnixMilli()
	f, err := s.folder(now)
	if err != nil || now-f.Swept < sweepEvery.Milliseconds() {
		return err
	}
	f.Swept = now
	if err := s.saveFolder(f); err != nil {
		return err
	}
	return s.removeSpent(now, f.Born)
}

func (s *folderStore) removeSpent(now, born int64) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(s.dir, entry.Name())
		if filepath.Ext(path) != ".json" {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		r := record{}
		if json.Unmarshal(data, &r) != nil || r.Key == "" || !r.spent(now, born) {
			continue // corrupt, the folder's own, or still needed
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}
