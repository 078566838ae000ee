// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"filippo.io/age"

	"github.com/xunzhen/xunzhen/syncengine/bundle"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// BundleOptions may be null.
type BundleOptions struct {
	Progress Progress
}

// BundleFile says what ExportBundle wrote.
type BundleFile struct {
	Path     string
	Bytes    int64
	Segments int
	Saves    int64 // in them: all that the centre has not confirmed in writing
}

// How an answer fits: see BundleAnswer.
const (
	// FitsHere: all of it was taken, as in a sync.
	FitsHere = "here"
	// FitsPartly: it is older than what is here, was taken before, or answers a file
	// written before the last one. What was newer in it was taken.
	FitsPartly = "partly"
	// FitsNot: the centre was restored since. Nothing was taken.
	FitsNot = "not"
)

// BundleAnswer says what came of an answer.
type BundleAnswer struct {
	Sync      *SyncReport // what it brought; nothing in it was pushed now
	Fits      string
	MadeAtMs  int64 // when the centre wrote it
	BrokenOff bool  // the file ends early or is damaged from some place on: copy it again
}

// ExportBundle writes a file for the centre, to be carried there: what a sync would
// hand over, encrypted so that only the centre opens it. In a folder it gets a name of
// its own. Nothing here changes by it, and a later file has all that an earlier one had.
// While the tablet is locked, it has what was sealed. The file is read back before this
// returns. Reasons: not_enrolled, bundle_exists, bundle_file when it cannot be written.
func (t *Tablet) ExportBundle(ctx context.Context, path string, o *BundleOptions) (*BundleFile, error) {
	ctx, done, err := t.beginCall(ctx)
	if err != nil {
		return &BundleFile{}, fail("export", err)
	}
	defer done()
	out, err := t.exportBundle(ctx, path, o)
	return out, fail("export", err)
}

func (t *Tablet) exportBundle(ctx context.Context, path string, o *BundleOptions) (*BundleFile, error) {
	out := &BundleFile{}
	if !t.Locked() {
		if err := t.spend(reserveOpening, func() error {
			_, err := t.rep().Seal(ctx)
			return err
		}); err != nil {
			return out, err
		}
	}
	h, signer, err := t.bundleHeader(ctx)
	if err != nil {
		return out, err
	}
	t.mu.Lock()
	recipient := t.server.Recipient
	t.mu.Unlock()
	to, err := bundle.ShardRecipient(recipient)
	if err != nil {
		return out, err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, h.FileName())
	}
	out.Path = path
	out.Bytes, err = writeAside(path, func(file io.Writer) error {
		w, err := bundle.NewWriter(file, h, signer, to)
		if err != nil {
			return err
		}
		wrote, err := t.rep().Write(ctx, replica.Options{Locked: t.Locked(), Progress: o.progress()}, w.Write)
		out.Segments, out.Saves = wrote.Segments, int64(wrote.Saves)
		if err != nil {
			return err
		}
		return w.Close()
	})
	return out, err
}

// bundleHeader is that of a file written now, with the key that signs it.
func (t *Tablet) bundleHeader(ctx context.Context) (bundle.Header, segment.Signer, error) {
	cert, err := t.certificate(ctx)
	if err != nil {
		return bundle.Header{}, nil, err
	}
	signer, err := t.vault.Signer(cert.Replica())
	if err != nil {
		return bundle.Header{}, nil, err
	}
	h := bundle.Header{Direction: bundle.Up, Shard: cert.Shard, Replica: cert.Replica(), MadeAt: t.now().Truncate(time.Millisecond)}
	_, err = io.ReadFull(rand.Reader, h.ID[:])
	return h, signer, err
}

// ImportBundle takes the centre's answer from a file: acks, what changed, a renewed
// certificate. The same file again, an older one or half of one does no harm. Reasons:
// locked, not_enrolled, busy, not_bundle, bundle_not_for, bundle_damaged, newer_bundle,
// bundle_file when it cannot be read, history_rewritten, full.
func (t *Tablet) ImportBundle(ctx context.Context, path string, o *BundleOptions) (*BundleAnswer, error) {
	out := &BundleAnswer{Sync: &SyncReport{}}
	if t.Locked() {
		return out, fail("import", replica.ErrLocked)
	}
	ctx, done, err := t.beginCall(ctx)
	if err != nil {
		return out, fail("import", err)
	}
	defer done()
	return out, fail("import", t.importBundle(ctx, path, o, out))
}

func (t *Tablet) importBundle(ctx context.Context, path string, o *BundleOptions, out *BundleAnswer) error {
	var heard replica.Answered
	var roster []byte
	err := t.spend(reserveOpening, func() (err error) {
		heard, roster, err = t.takeFile(ctx, path, o, out)
		return errors.Join(err, t.hearServer(ctx, roster))
	})
	out.Sync.add(heard.Report)
	out.Sync.Renewed = heard.Renewed
	out.Fits = fitName(heard.Fit)
	if heard.News() {
		t.cameIn(ctx)
	}
	if heard.Fit != replica.FitsHere {
		return err // old news say nothing of how the tablet stands
	}
	w := &watched{heard: heard.Heard, marks: heard.Marks}
	ctx = context.WithoutCancel(ctx)
	return errors.Join(err, t.spend(reserveOpening, func() error { return t.noteRun(ctx, w, out.Sync, err) }))
}

// takeFile reads a file from its beginning. It returns the roster in it, too.
func (t *Tablet) takeFile(ctx context.Context, path string, o *BundleOptions, out *BundleAnswer) (heard replica.Answered, roster []byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return heard, nil, bundleFile(err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	r, err := bundle.NewReader(fileReader{file}, func(h bundle.Header) ([]age.Identity, error) { return t.opens(ctx, h) })
	if err != nil {
		return heard, nil, err
	}
	defer r.Close() //nolint:errcheck // nothing was written
	out.MadeAtMs, out.BrokenOff = r.Header().MadeAt.UnixMilli(), false
	records := 0
	heard, err = t.rep().TakeAnswer(ctx, func() (session.Said, error) {
		said, err := r.Next()
		if err == nil && said.Answering != nil {
			roster = said.Answering.Roster
		}
		if errors.Is(err, bundle.ErrCut) || errors.Is(err, bundle.ErrDamaged) {
			out.BrokenOff, err = true, io.EOF
		}
		if said.Page != nil && o != nil && o.Progress != nil {
			records += len(said.Page.Bases)
			o.Progress.Progress(phaseName(replica.PhasePull), records, 0)
		}
		return said, err
	})
	return heard, roster, err
}

// opens returns the key for an answer to one of this tablet's ids.
func (t *Tablet) opens(ctx context.Context, h bundle.Header) ([]age.Identity, error) {
	ids, err := t.rep().IDs(ctx)
	if err != nil {
		return nil, err
	}
	if h.Direction != bundle.Down || h.Shard != t.knownShard() || !slices.Contains(ids, h.Replica) {
		return nil, bundle.ErrNotForHere
	}
	id, err := t.vault.Identity(h.Replica)
	return []age.Identity{id}, err
}

func fitName(f replica.Fit) string {
	switch f {
	case replica.FitsHere:
		return FitsHere
	case replica.FitsPartly:
		return FitsPartly
	case replica.FitsNot:
		return FitsNot
	}
	return ""
}

func (o *BundleOptions) progress() func(replica.Progress) {
	if o == nil {
		return nil
	}
	return (&SyncOptions{Progress: o.Progress}).progress(&SyncReport{})
}

// bundleFile marks an error as one of the file that is carried.
func bundleFile(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errBundleFile, err)
}

// fileReader is a file whose errors are marked.
type fileReader struct{ f *os.File }

func (r fileReader) Read(b []byte) (int, error) {
	n, err := r.f.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = bundleFile(err)
	}
	return n, err
}
