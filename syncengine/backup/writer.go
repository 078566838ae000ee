// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
)

// Config is what a Writer is made of. All but Recipient, Keys,
// Reread and PartBytes must be given.
type Config struct {
	Engine *syncengine.Engine
	County string // its code, for people
	// Folder holds a folder for each county. It must be there: one that was made where
	// no share is mounted would fill the wrong disk.
	Folder string
	// Owner names this server among those that write into the folder: one that finds
	// its own lock there takes it over.
	Owner string
	Clock func() time.Time
	// Recipient is whom the files are encrypted to (age1…); empty: to nobody.
	Recipient string
	// Keys returns the county's keys, for an encrypted backup; nil: they stay out.
	Keys func() ([]KeyFile, error)
	// Reread is how long a file that was read back counts as read; 0: a day. Others
	// must be there with their size.
	Reread time.Duration
	// PartBytes is about how large a part becomes before it is encrypted; 0: 8 MiB, small
	// enough to be written again and held in memory, large enough for few of them.
	PartBytes int64
}

const (
	usualReread = 24 * time.Hour
	usualPart   = 8 << 20
)

// Writer makes backups of one county, one after the other.
type Writer struct {
	cfg  Config
	to   age.Recipient // nil: nobody
	busy chan struct{}
	seen map[string]time.Time // when files were last read back; of the one who is busy
}

// Report says what a backup came to.
type Report struct {
	Number  uint64
	Epoch   ledger.Epoch
	Size    ledger.Size // it covers the leaves below
	At      time.Time   // when it was verified
	Written int64       // bytes that went into the folder
	Files   int         // that the backup consists of
	// Anew: nothing that lay in the folder could be built on.
	Anew bool
	// Healed are files that were lost or damaged in the folder and were written again.
	Healed []string
	// Unreadable are manifests that lie in the folder and cannot be read.
	Unreadable []string
	// KeysApart: the county's keys are not in it.
	KeysApart bool
}

// Progress is told how much of the ledger is safe, in leaves.
type Progress func(done, total ledger.Size)

// NewWriter returns a writer. Its error says that the recipient is none.
func NewWriter(cfg Config) (*Writer, error) {
	w := &Writer{cfg: cfg, busy: make(chan struct{}, 1), seen: map[string]time.Time{}}
	w.cfg.Reread = cmp.Or(cfg.Reread, usualReread)
	w.cfg.PartBytes = cmp.Or(cfg.PartBytes, usualPart)
	if cfg.Recipient == "" {
		return w, nil
	}
	to, err := age.ParseHybridRecipient(cfg.Recipient)
	if err == nil {
		w.to = to
		return w, nil
	}
	plain, err := age.ParseX25519Recipient(cfg.Recipient)
	if err != nil {
		return nil, fmt.Errorf("backup recipient: %w", err)
	}
	w.to = plain
	return w, nil
}

// Run makes a backup of the county as it stands now, reads it back, and marks it, so
// that acks say so. When it returns an error, the backups made before are whole.
// Errors: ErrGone, ErrFull, ErrLocked, ErrDamaged when the folder does not give back
// what was written into it, syncengine.ReasonRolledBack when the folder knows more of
// this county than its store does, or the store's.
func (w *Writer) Run(ctx context.Context, progress Progress) (Report, error) {
	select {
	case w.busy <- struct{}{}:
	case <-ctx.Done():
		return Report{}, ctx.Err()
	}
	defer func() { <-w.busy }()
	f, err := w.folder()
	if err != nil {
		return Report{}, fmt.Errorf("backup: %w", err)
	}
	unlock, err := f.lock(w.cfg.Owner)
	if err != nil {
		return Report{}, fmt.Errorf("backup: %w", err)
	}
	defer unlock()
	r := &run{Writer: w, f: f, ctx: ctx, progress: progress}
	if err := r.do(); err != nil {
		return Report{}, fmt.Errorf("backup: %w", f.explain(err))
	}
	return r.report, nil
}

// folder returns the county's folder, made when it is the first time.
func (w *Writer) folder() (folder, error) {
	top := folder{w.cfg.Folder}
	if !top.there() {
		return top, fmt.Errorf("%w: %s", ErrGone, w.cfg.Folder)
	}
	f := folder{filepath.Join(w.cfg.Folder, w.cfg.Engine.Shard().String())}
	if err := os.Mkdir(f.dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return f, top.explain(err)
	}
	return f, top.sync()
}
