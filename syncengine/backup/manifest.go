// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Domain of the signature under a manifest.
const Domain segment.Domain = "xunzhen/backup-manifest/1"

const (
	maxManifest = 16 << 20 // bytes; a part of 8 MiB takes about 150
	maxFile     = 1 << 30  // bytes; what a manifest may make a reader read at once
)

// Manifest says what one backup consists of.
type Manifest struct {
	Number     uint64 // in the shard's life, ascending over epochs
	MadeAt     time.Time
	County     string // its code, for people
	Checkpoint ledger.Checkpoint
	Signed     []byte // the checkpoint as a signed note
	Recipient  string // whom the files are encrypted to; empty: nobody
	Parts      []Part
	Rest       File
	Keys       File // no name: the keys must be kept apart

	key ed25519.PublicKey
}

// File is one beside the manifest.
type File struct {
	Name string
	Size int64
	Hash [sha256.Size]byte
}

// Part is a file with a run of leaves.
type Part struct {
	File
	First  ledger.Index
	Leaves ledger.Size
	Root   [32]byte // of the ledger up to its end
	Erased []causal.Dot
}

// end returns the index after the part's last leaf.
func (p Part) end() ledger.Index { return p.First + ledger.Index(p.Leaves) }

// Encrypted reports whether the files can be read only by whom they were made for.
func (m Manifest) Encrypted() bool { return m.Recipient != "" }

// Shard returns whose backup it is.
func (m Manifest) Shard() segment.ShardID { return m.Checkpoint.Shard }

// files returns everything that the backup consists of.
func (m Manifest) files() []File {
	out := make([]File, 0, len(m.Parts)+2)
	for _, p := range m.Parts {
		out = append(out, p.File)
	}
	out = append(out, m.Rest)
	if m.Keys.Name != "" {
		out = append(out, m.Keys)
	}
	return out
}

// encode returns the body that is signed.
func (m Manifest) encode() ([]byte, error) {
	w := &syncv1.BackupManifestBody{
		ShardKey: m.key, Number: m.Number, MadeAtMs: m.MadeAt.UnixMilli(), Checkpoint: m.Signed, County: m.County,
		Recipient: m.Recipient, Rest: m.Rest.toWire(),
	}
	if m.Keys.Name != "" {
		w.Keys = m.Keys.toWire()
	}
	for _, p := range m.Parts {
		one := &syncv1.BackupPart{File: p.File.toWire(), FirstLeaf: uint64(p.First), Leaves: uint64(p.Leaves), Root: p.Root[:]}
		for _, d := range p.Erased {
			one.Erased = append(one.Erased, d.Append(nil))
		}
		w.Parts = append(w.Parts, one)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(w)
}

func (f File) toWire() *syncv1.BackupFile {
	return &syncv1.BackupFile{Name: f.Name, Size: uint64(f.Size), Sha256: f.Hash[:]}
}

// decodeManifest reads a manifest of a shard. Its error wraps ErrDamaged: it is not
// the shard's, or does not say what a manifest must.
func decodeManifest(raw []byte, shard segment.ShardID) (Manifest, error) {
	m, err := readManifest(raw, shard)
	if err != nil {
		return Manifest{}, fmt.Errorf("%w: manifest: %w", ErrDamaged, err)
	}
	return m, nil
}

func readManifest(raw []byte, shard segment.ShardID) (m Manifest, err error) {
	signed, err := segment.DecodeSigned(raw)
	if err != nil {
		return m, err
	}
	var w syncv1.BackupManifestBody
	if err := proto.Unmarshal(signed.Body, &w); err != nil {
		return m, err
	}
	if len(w.GetShardKey()) != ed25519.PublicKeySize || segment.ShardOf(w.GetShardKey()) != shard {
		return m, fmt.Errorf("of another county: %w", segment.ErrSignature)
	}
	m.key = w.GetShardKey()
	if err := signed.Verify(m.key, Domain); err != nil {
		return m, err
	}
	if m.Checkpoint, err = ledger.OpenCheckpoint(w.GetCheckpoint(), m.key); err != nil {
		return m, err
	}
	m.Number, m.MadeAt, m.Signed = w.GetNumber(), time.UnixMilli(w.GetMadeAtMs()).UTC(), w.GetCheckpoint()
	m.Recipient, m.County = w.GetRecipient(), w.GetCounty()
	if m.Rest, err = fileFromWire(w.GetRest()); err != nil {
		return m, err
	}
	if w.GetKeys() != nil {
		if m.Keys, err = fileFromWire(w.GetKeys()); err != nil {
			return m, err
		}
	}
	m.Parts, err = partsFromWire(w.GetParts(), m.Checkpoint)
	return m, err
}

func fileFromWire(w *syncv1.BackupFile) (File, error) {
	f := File{Name: w.GetName(), Size: int64(min(w.GetSize(), math.MaxInt64))}
	if !plainName(f.Name) || f.Size > maxFile || len(w.GetSha256()) != len(f.Hash) {
		return f, fmt.Errorf("file %q: %w", f.Name, segment.ErrUnreadable)
	}
	f.Hash = [sha256.Size]byte(w.GetSha256())
	return f, nil
}

// plainName reports whether a name is one that a Writer gives: it leads to no other folder.
func plainName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// partsFromWire wants parts that follow each other up to the checkpoint.
func partsFromWire(ws []*syncv1.BackupPart, c ledger.Checkpoint) (out []Part, err error) {
	next := ledger.Index(0)
	for _, w := range ws {
		p := Part{First: ledger.Index(w.GetFirstLeaf()), Leaves: ledger.Size(w.GetLeaves())}
		if p.File, err = fileFromWire(w.GetFile()); err != nil {
			return nil, err
		}
		if p.First != next || p.Leaves < 1 || p.end() > ledger.Index(c.Size) || len(w.GetRoot()) != len(p.Root) {
			return nil, fmt.Errorf("part of leaf %d: %w", p.First, segment.ErrUnreadable)
		}
		p.Root, next = [32]byte(w.GetRoot()), p.end()
		for _, raw := range w.GetErased() {
			d, _, err := causal.DecodeDot(raw)
			if err != nil {
				return nil, err
			}
			p.Erased = append(p.Erased, d)
		}
		out = append(out, p)
	}
	if next != ledger.Index(c.Size) || len(out) > 0 && out[len(out)-1].Root != [32]byte(c.Root) {
		return nil, fmt.Errorf("parts of %d leaves for %d: %w", next, c.Size, segment.ErrUnreadable)
	}
	return out, nil
}
