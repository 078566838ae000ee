// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"filippo.io/age"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// viewBytes is about how much is read from the store at a time.
const viewBytes = 1 << 20

// run is one backup in the making.
type run struct {
	*Writer
	f        folder
	ctx      context.Context
	progress Progress
	report   Report

	before   []stored // what lies in the folder
	snapshot syncengine.Snapshot
	made     Manifest
	zstd     *segment.Compressor
}

func (r *run) do() error {
	if err := r.look(); err != nil {
		return err
	}
	kept, err := r.keep()
	if err != nil {
		return err
	}
	r.made.Parts = kept
	if err := r.copy(); err != nil {
		return err
	}
	if err := r.putRest(); err != nil {
		return err
	}
	if err := r.publish(&r.made); err != nil {
		return err
	}
	if err := r.mark(); err != nil {
		return err
	}
	return r.tidy()
}

// look reads what lies in the folder, and shows it to the engine: a folder that knows
// more than the store means that an older store was put back.
func (r *run) look() (err error) {
	e := r.cfg.Engine
	if r.before, r.report.Unreadable, err = manifests(r.f, e.Shard()); err != nil {
		return err
	}
	for _, m := range append([]stored{{}}, r.before...) {
		if err := e.Witness(r.ctx, m.Signed); err != nil {
			return err
		}
	}
	if r.snapshot, err = e.Snapshot(r.ctx); err != nil {
		return err
	}
	c, err := ledger.OpenCheckpoint(r.snapshot.Checkpoint, e.ShardKey())
	if err != nil {
		return err
	}
	number, err := r.number()
	r.zstd = segment.NewCompressor()
	r.made = Manifest{
		Number: number, MadeAt: r.cfg.Clock(), County: r.cfg.County, Checkpoint: c, Signed: r.snapshot.Checkpoint,
		Recipient: r.cfg.Recipient, key: e.ShardKey(),
	}
	return err
}

// number returns the number of the backup in the making: after every one that this
// folder or the store knows.
func (r *run) number() (uint64, error) {
	n := uint64(0)
	if len(r.before) > 0 {
		n = r.before[len(r.before)-1].Number
	}
	marks, err := r.cfg.Engine.Marks(r.ctx)
	for _, m := range marks {
		n = max(n, m.Number)
	}
	return n + 1, err
}

// keep returns the parts of the last backup that are still true, those that are not as
// they should be written again.
func (r *run) keep() (out []Part, err error) {
	if len(r.before) == 0 {
		r.report.Anew = true
		return nil, nil
	}
	old, err := r.shared(r.before[len(r.before)-1].Manifest)
	if err != nil {
		return nil, err
	}
	r.report.Anew = len(old) == 0
	if n := len(old) - 1; n >= 0 && old[n].Size < r.cfg.PartBytes/2 && old[n].end() < ledger.Index(r.made.Checkpoint.Size) {
		old = old[:n] // a small one at the end becomes larger
	}
	for _, p := range old {
		good, err := r.good(p)
		if err != nil {
			return nil, err
		}
		again := []Part{p}
		if !good {
			if again, err = r.write(p.First, p.end()); err != nil {
				return nil, err
			}
		}
		out = append(out, again...)
		r.step(p.end())
	}
	return out, nil
}

// shared returns the first parts of a backup that hold what this ledger holds, for the
// same reader.
func (r *run) shared(m Manifest) ([]Part, error) {
	if m.Recipient != r.cfg.Recipient {
		return nil, nil
	}
	n := len(m.Parts)
	for ; n > 0; n-- {
		ours, err := r.ours(m.Parts[n-1])
		if err != nil {
			return nil, err
		}
		if ours {
			break
		}
	}
	return m.Parts[:n], nil
}

// ours reports whether the ledger up to the end of a part is what this one is there.
func (r *run) ours(p Part) (bool, error) {
	if p.end() > ledger.Index(r.made.Checkpoint.Size) {
		return false, nil
	}
	root, err := ledger.Root(r.cfg.Engine.Hashes(r.ctx), ledger.Size(p.end()))
	return [32]byte(root) == p.Root, err
}

// good reports whether a part can stay: it is there, and no body in it was ordered gone
// since.
func (r *run) good(p Part) (bool, error) {
	if !slices.Equal(p.Erased, r.erasedIn(p.First, p.end())) {
		return false, nil
	}
	err := r.check(p.File)
	if errors.Is(err, ErrDamaged) {
		r.report.Healed = append(r.report.Healed, p.Name)
		return false, nil
	}
	return err == nil, err
}

// check reads a file back, or only looks for it when that was done not long ago.
func (r *run) check(f File) error {
	if at, ok := r.seen[f.Name]; ok && r.cfg.Clock().Sub(at) < r.cfg.Reread && r.f.has(f) {
		return nil
	}
	_, err := r.f.load(f)
	if err == nil {
		r.seen[f.Name] = r.cfg.Clock()
	}
	return err
}

// erasedIn returns the dots in a run of leaves whose bodies are gone.
func (r *run) erasedIn(from, before ledger.Index) (out []causal.Dot) {
	for _, x := range r.snapshot.Erased {
		if from <= x.Leaf && x.Leaf < before {
			out = append(out, x.Dot)
		}
	}
	return out
}

// copy writes the leaves after the parts that were kept.
func (r *run) copy() error {
	from := ledger.Index(0)
	if n := len(r.made.Parts); n > 0 {
		from = r.made.Parts[n-1].end()
	}
	more, err := r.write(from, ledger.Index(r.made.Checkpoint.Size))
	r.made.Parts = append(r.made.Parts, more...)
	return err
}

// write writes a run of leaves as parts.
func (r *run) write(from, before ledger.Index) (out []Part, err error) {
	for from < before {
		p, err := r.writePart(from, before)
		if err != nil {
			return nil, err
		}
		out, from = append(out, p), p.end()
		r.step(from)
	}
	return out, nil
}

func (r *run) step(done ledger.Index) {
	if r.progress != nil {
		r.progress(ledger.Size(done), r.made.Checkpoint.Size)
	}
}

func (r *run) writePart(from, before ledger.Index) (Part, error) {
	leaves, err := r.read(from, before)
	if err != nil {
		return Part{}, err
	}
	p := Part{First: from, Leaves: ledger.Size(len(leaves))}
	p.Erased = r.erasedIn(p.First, p.end())
	if p.Root, err = r.root(p, leaves); err != nil {
		return p, err
	}
	p.File, err = r.put(fmt.Sprintf("part-%010d-", from), encodePart(r.made.Shard(), from, leaves))
	return p, err
}

// read returns leaves from one on for one part, in short views.
func (r *run) read(from, before ledger.Index) (out []syncengine.StoredLeaf, err error) {
	for size := 0; from < before && size < int(r.cfg.PartBytes); {
		leaves, err := r.cfg.Engine.Leaves(r.ctx, from, before, int(min(viewBytes, r.cfg.PartBytes)))
		if err != nil {
			return nil, err
		}
		for i, l := range leaves {
			if err := r.sound(l); err != nil {
				return nil, fmt.Errorf("leaf %d of the server's own store (look with verify): %w", from+ledger.Index(i), err)
			}
			size += len(l.Leaf) + len(l.Segment)
		}
		out, from = append(out, leaves...), from+ledger.Index(len(leaves))
	}
	return out, nil
}

// sound holds a segment against its leaf: what the store has spoilt must not replace
// what an earlier backup has whole.
func (r *run) sound(l syncengine.StoredLeaf) error {
	leaf, err := ledger.DecodeLeaf(l.Leaf)
	if err != nil || leaf.Gap != nil {
		return err
	}
	wire, err := r.zstd.Decompress(l.Segment)
	if err != nil {
		return err
	}
	seg, err := segment.Open(wire)
	if err == nil && seg.Hash() != leaf.Segment {
		err = errors.New("its segment is another one")
	}
	return err
}

// root returns the root of the ledger after a part, and wants the ledger to have it.
func (r *run) root(p Part, leaves []syncengine.StoredLeaf) ([32]byte, error) {
	hashes := r.cfg.Engine.Hashes(r.ctx)
	tree := ledger.NewBatch(hashes, ledger.Size(p.First))
	for _, l := range leaves {
		if _, err := tree.Add(l.Leaf); err != nil {
			return [32]byte{}, err
		}
	}
	made, err := tree.Root()
	if err != nil {
		return [32]byte{}, err
	}
	known, err := ledger.Root(hashes, tree.Size())
	if err == nil && known != made {
		err = fmt.Errorf("leaves %d to %d of the server's own store are not those of its ledger (look with verify)", p.First, p.end()-1)
	}
	return [32]byte(made), err
}

// put writes a file, encrypted if it must be, and reads it back.
func (r *run) put(prefix string, content []byte) (File, error) {
	content, err := r.seal(content)
	if err != nil {
		return File{}, err
	}
	f := named(prefix, content)
	if err := r.f.write(f.Name, content); err != nil {
		return f, err
	}
	r.report.Written += f.Size
	delete(r.seen, f.Name)
	return f, r.check(f)
}

func (r *run) seal(content []byte) ([]byte, error) {
	if r.to == nil {
		return content, nil
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r.to)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// putRest writes what does not follow from leaves, and the keys when nobody else can
// read them.
func (r *run) putRest() (err error) {
	if r.made.Rest, err = r.put("rest-", encodeRest(r.made.Shard(), r.snapshot)); err != nil {
		return err
	}
	if r.report.KeysApart = r.to == nil || r.cfg.Keys == nil; r.report.KeysApart {
		return nil
	}
	files, err := r.cfg.Keys()
	if err != nil {
		return err
	}
	r.made.Keys, err = r.put("keys-", encodeKeys(r.made.Shard(), files))
	return err
}

// publish signs a manifest and writes it: from then on the backup exists.
func (r *run) publish(m *Manifest) error {
	body, err := m.encode()
	if err != nil {
		return err
	}
	raw := r.cfg.Engine.SignBackup(Domain, body).Encode()
	f := named(fmt.Sprintf("%s%010d-", manifestPrefix, m.Number), raw)
	if err := r.f.write(f.Name, raw); err != nil {
		return err
	}
	_, err = r.f.load(f)
	return err
}

// mark lets acks say that the backup was made.
func (r *run) mark() error {
	at := r.cfg.Clock()
	mark, err := r.cfg.Engine.MarkBackupAs(r.ctx, r.made.Number, r.made.Checkpoint.Size, at)
	r.report.Number, r.report.Epoch, r.report.Size, r.report.At = mark.Number, mark.Epoch, mark.LedgerSize, mark.VerifiedAt
	r.report.Files = len(r.made.files())
	return err
}
