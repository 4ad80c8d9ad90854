package lockstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"slavedriver/engine"
	"slavedriver/internal/durable"
)

// folderStore keeps leases in a folder of one host, for any number of
// processes. In FOLDER/<namespace>-<hash>/, of mode 0700:
//
//	folder.json          when its memory begins, and was last swept (a folder)
//	<key>-<hash>.json    what is known of one key (a record), until nothing is
//	*.corrupt            a file that could not be read, set aside
//	lock                 held (flock) while a record is read and replaced
//
// A record is replaced by a synced rename, so that a kill -9, a full disk and a
// power cut leave the old one or the new one.
type folderStore struct {
	dir   string
	terms terms
	now   func() time.Time
}

func openFolder(a address, o Options) (engine.Store, error) {
	folder := a.Folder
	if !filepath.IsAbs(folder) {
		if o.Dir == "" {
			return nil, a.errorf("the folder must be absolute here, file:///folder")
		}
		folder = filepath.Join(o.Dir, folder)
	}
	dir := filepath.Join(folder, fileName(o.Namespace))
	return &folderStore{dir: dir, terms: engineTerms(), now: time.Now}, nil
}

// fileName is a name that a file can have, a different one for each text, also
// where the file system does not tell upper from lower case.
func fileName(text string) string {
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("%s-%x", engine.Slug(text), sum[:8])
}

func (s *folderStore) Acquire(ctx context.Context, claims []engine.Claim) ([]engine.Grant, error) {
	return s.each(ctx, claims, (*record).acquire)
}

func (s *folderStore) Confirm(ctx context.Context, claims []engine.Claim) ([]engine.Grant, error) {
	return s.each(ctx, claims, (*record).confirm)
}

func (s *folderStore) Renew(ctx context.Context, holds []engine.Claim) ([]engine.Grant, error) {
	return s.each(ctx, holds, (*record).renew)
}

func (s *folderStore) Release(ctx context.Context, holds []engine.Claim) ([]engine.Grant, error) {
	return s.each(ctx, holds, (*record).release)
}

func (s *folderStore) Miss(ctx context.Context, missed []engine.Claim) ([]engine.Grant, error) {
	return s.each(ctx, missed, (*record).miss)
}

// Prepare makes the folder and notes its birth.
func (s *folderStore) Prepare(ctx context.Context) error {
	lock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()
	_, err = s.folder(s.now().UnixMilli())
	return err
}

// Close has nothing to do: no file stays open between calls.
func (s *folderStore) Close() error { return nil }

// decision changes a record by the rules, at a time of the store's clock.
type decision func(*record, engine.Claim, int64, terms) engine.Grant

func (s *folderStore) each(ctx context.Context, claims []engine.Claim, decide decision) ([]engine.Grant, error) {
	grants := make([]engine.Grant, len(claims))
	for i, c := range claims {
		grant, err := s.one(ctx, c, decide)
		if err != nil {
			return nil, fmt.Errorf("lock store %s: %w", s.dir, err)
		}
		grants[i] = grant
	}
	if len(claims) > 0 {
		_ = s.sweep(ctx) // what it leaves is for the next time
	}
	return grants, nil
}

// one answers one claim. The lock is had for each anew, so that a long batch
// does not keep others waiting; the clock is read after it is had.
func (s *folderStore) one(ctx context.Context, c engine.Claim, decide decision) (engine.Grant, error) {
	if err := ctx.Err(); err != nil {
		return engine.Grant{}, err
	}
	lock, err := s.lock(ctx)
	if err != nil {
		return engine.Grant{}, err
	}
	defer lock.Close()
	now := s.now().UnixMilli()
	r, before, err := s.load(c.Key, now)
	if err != nil {
		return engine.Grant{}, err
	}
	r.rebase(now)
	grant := decide(r, c, now, s.terms)
	grant.Now = time.UnixMilli(now)
	if err := s.save(r, before, now); err != nil {
		return engine.Grant{}, err
	}
	return grant, nil
}

// load reads a record, and what it is as JSON, or what stands in its place. A
// key without a file has nothing to remember: it is as old as the folder.
func (s *folderStore) load(key string, now int64) (*record, []byte, error) {
	path := s.path(key)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		f, err := s.folder(now)
		if err != nil {
			return nil, nil, err
		}
		r := &record{Key: key, Born: f.Born, Lost: f.Lost}
		data, err = json.Marshal(r)
		return r, data, err
	}
	if err != nil {
		return nil, nil, err
	}
	r := &record{}
	if json.Unmarshal(data, r) != nil || r.Key != key {
		return &record{Key: key, Born: now, Lost: true}, data, setAside(path)
	}
	return r, data, nil
}

// save replaces a record that was changed. Seen alone is no change, or each
// refusal would write.
func (s *folderStore) save(r *record, before []byte, now int64) error {
	data, err := json.Marshal(r)
	if err != nil || bytes.Equal(data, before) {
		return err
	}
	r.Seen = now
	if data, err = json.Marshal(r); err != nil {
		return err
	}
	return durable.WriteFile(s.path(r.Key), data, "lease")
}

// folder is what is known of the folder as a whole.
type folder struct {
	Born  int64 // when its memory begins
	Lost  bool  `json:",omitempty"` // there was one before
	Swept int64 // when spent records were last removed
}

// folder reads folder.json, and begins the memory now if there is none, or if
// it cannot be trusted because the clock went back far since it was written.
func (s *folderStore) folder(now int64) (folder, error) {
	data, err := os.ReadFile(s.folderFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return folder{}, err
	}
	var f folder
	if json.Unmarshal(data, &f) == nil && f.Born > 0 && f.Swept-now <= trustedStep {
		return f, nil
	}
	if data != nil {
		if err := setAside(s.folderFile()); err != nil {
			return folder{}, err
		}
	}
	f = folder{Born: now, Swept: now, Lost: data != nil}
	return f, s.saveFolder(f)
}

func (s *folderStore) saveFolder(f folder) error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return durable.WriteFile(s.folderFile(), data, "lease.folder")
}

func (s *folderStore) folderFile() string { return filepath.Join(s.dir, "folder.json") }

func (s *folderStore) path(key string) string {
	return filepath.Join(s.dir, fileName(key)+".json")
}

// setAside gives a corrupt file a second name. It keeps its first until it is
// replaced: without any file the key would look as if it had never been used.
func setAside(path string) error {
	aside := path + ".corrupt"
	if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Link(path, aside)
}
