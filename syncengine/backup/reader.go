// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"filippo.io/age"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// County is what a backup folder has of one county.
type County struct {
	Shard segment.ShardID
	Dir   string
	// Backups are in order of number, one at least.
	Backups []Manifest
	// Unreadable are the names of manifests that cannot be read.
	Unreadable []string
}

// Find returns the counties that a folder has backups of, in order of shard.
// Errors: ErrGone, ErrNone.
func Find(dir string) ([]County, error) {
	top := folder{dir}
	if !top.there() {
		return nil, fmt.Errorf("%w: %s", ErrGone, dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, top.explain(err)
	}
	var out []County
	for _, e := range entries {
		shard, err := segment.ParseShardID(e.Name())
		if err != nil || !e.IsDir() {
			continue
		}
		c, err := find(filepath.Join(dir, e.Name()), shard)
		if err != nil {
			return nil, err
		}
		if len(c.Backups) > 0 {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNone, dir)
	}
	return out, nil
}

func find(dir string, shard segment.ShardID) (County, error) {
	c := County{Shard: shard, Dir: dir}
	all, unreadable, err := manifests(folder{dir}, shard)
	for _, m := range all {
		c.Backups = append(c.Backups, m.Manifest)
	}
	c.Unreadable = unreadable
	return c, err
}

// Newest returns the last backup that was made.
func (c County) Newest() Manifest { return c.Backups[len(c.Backups)-1] }

// Numbered returns the backup with a number. Error: ErrNone.
func (c County) Numbered(n uint64) (Manifest, error) {
	for _, m := range c.Backups {
		if m.Number == n {
			return m, nil
		}
	}
	return Manifest{}, fmt.Errorf("%w with number %d", ErrNone, n)
}

// Loses reports whether a restore from this backup can lose what nobody has any more:
// devices may have dropped what the last two backups cover (I9).
func (c County) Loses(m Manifest) bool { return m.Number+1 < c.Newest().Number }

// After returns the highest epoch of which there is a backup.
func (c County) After() ledger.Epoch {
	var e ledger.Epoch
	for _, m := range c.Backups {
		if m.Checkpoint.Epoch.Number > e.Number {
			e = m.Checkpoint.Epoch
		}
	}
	return e
}

// Backup is one backup to be read. Every file is held against its manifest when it is.
type Backup struct {
	Manifest
	f   folder
	ids []age.Identity
}

// Open returns a backup of a county. ids open its files, if it is encrypted.
func (c County) Open(m Manifest, ids ...age.Identity) *Backup {
	return &Backup{Manifest: m, f: folder{c.Dir}, ids: ids}
}

// load returns what a file holds. Errors: ErrDamaged, ErrIdentity, ErrGone.
func (b *Backup) load(f File) ([]byte, error) {
	raw, err := b.f.load(f)
	if err != nil || !b.Encrypted() {
		return raw, err
	}
	if len(b.ids) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrIdentity, b.Recipient)
	}
	r, err := age.Decrypt(bytes.NewReader(raw), b.ids...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return nil, fmt.Errorf("%w: %s", ErrIdentity, b.Recipient)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, f.Name, err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		err = fmt.Errorf("%w: %s: %w", ErrDamaged, f.Name, err)
	}
	return out, err
}

// Keys returns the county's keys, or ErrNone when they were kept apart.
func (b *Backup) Keys() ([]KeyFile, error) {
	if b.Manifest.Keys.Name == "" {
		return nil, fmt.Errorf("%w of the keys", ErrNone)
	}
	raw, err := b.load(b.Manifest.Keys)
	if err != nil {
		return nil, err
	}
	return decodeKeys(b.Shard(), raw)
}

// Snapshot returns what does not follow from leaves.
func (b *Backup) Snapshot() (syncengine.Snapshot, error) {
	raw, err := b.load(b.Rest)
	if err != nil {
		return syncengine.Snapshot{}, err
	}
	s, err := decodeRest(b.Shard(), raw)
	s.Checkpoint = b.Signed
	return s, err
}

// Leaves returns the leaves from one on, in order. It ends with an error.
func (b *Backup) Leaves(from ledger.Index) iter.Seq2[syncengine.StoredLeaf, error] {
	return func(yield func(syncengine.StoredLeaf, error) bool) {
		for _, p := range b.Parts {
			if p.end() <= from {
				continue
			}
			leaves, err := b.part(p)
			if err != nil {
				yield(syncengine.StoredLeaf{}, err)
				return
			}
			for _, l := range leaves[max(0, from-p.First):] {
				if !yield(l, nil) {
					return
				}
			}
		}
	}
}

func (b *Backup) part(p Part) ([]syncengine.StoredLeaf, error) {
	raw, err := b.load(p.File)
	if err != nil {
		return nil, err
	}
	leaves, err := decodePart(b.Shard(), p.First, raw)
	if err == nil && ledger.Size(len(leaves)) != p.Leaves {
		err = fmt.Errorf("%w: %s has %d leaves, not %d", ErrDamaged, p.Name, len(leaves), p.Leaves)
	}
	return leaves, err
}

// Rebuilding returns what a store is rebuilt from.
func (c County) Rebuilding(b *Backup) (syncengine.Rebuilding, error) {
	s, err := b.Snapshot()
	return syncengine.Rebuilding{Snapshot: s, Leaves: b.Leaves, After: c.After()}, err
}
