// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const vectors = "../../proto/vectors/ledger"

// hexed is bytes as lower-case hexadecimal digits.
type hexed []byte

func (h hexed) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexed) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

type leafVector struct {
	Name         string          `json:"name"`
	Segment      hexed           `json:"segment_hash"`
	Gap          hexed           `json:"gap"`
	ReceivedAtMs int64           `json:"received_at_ms"`
	Verdicts     []string        `json:"verdicts"`
	Changed      []changedVector `json:"changed"`
	ByRoot       bool            `json:"by_root"`
	Leaf         hexed           `json:"leaf"`
	Hashed       hexed           `json:"hashed"`
	Hash         hexed           `json:"hash"`
}

type changedVector struct {
	Record  string `json:"record"`
	Dot     string `json:"dot"`
	Verdict string `json:"verdict"`
}

func leafOf(name string, l Leaf) leafVector {
	hash := LeafHash(l.Encode())
	v := leafVector{
		Name: name, Segment: hexed{}, Gap: append(hexed{}, l.Gap...), ReceivedAtMs: l.ReceivedAt.UnixMilli(),
		Verdicts: []string{}, Changed: []changedVector{}, ByRoot: l.ByRoot,
		Leaf: l.Encode(), Hashed: Hashed(l.Encode()), Hash: hash[:],
	}
	if !l.Segment.IsZero() {
		v.Segment = l.Segment[:]
	}
	for _, verdict := range l.Verdicts {
		v.Verdicts = append(v.Verdicts, verdict.String())
	}
	for _, c := range l.Changed {
		v.Changed = append(v.Changed, changedVector{c.Record.String(), c.Dot.String(), c.Verdict.String()})
	}
	return v
}

func leafVectors(t *testing.T) []leafVector {
	all := leaves(t)
	var out []leafVector
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, leafOf(name, all[name]))
	}
	return out
}

// treeVector is one ledger with the proofs of its last size.
type treeVector struct {
	Leaves      []hexed   `json:"leaves"`
	Roots       []hexed   `json:"roots"` // of the first 0, 1, 2, … leaves
	Stored      []hexed   `json:"stored_hashes"`
	Inclusion   [][]hexed `json:"inclusion"`   // of leaf i
	Consistency [][]hexed `json:"consistency"` // with the first i leaves
}

func hashes(in []tlog.Hash) []hexed {
	out := []hexed{}
	for _, h := range in {
		out = append(out, h[:])
	}
	return out
}

func treeVectorOf(t *testing.T, n int) treeVector {
	s := grown(t, n)
	v := treeVector{Leaves: []hexed{}, Stored: hashes(*s), Inclusion: [][]hexed{}, Consistency: [][]hexed{}}
	var roots []tlog.Hash
	for i := range n + 1 {
		r, err := Root(s, Size(i))
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, r)
		proof, err := ProveTree(s, Size(n), Size(i))
		if err != nil {
			t.Fatal(err)
		}
		v.Consistency = append(v.Consistency, hashes(proof))
	}
	for i := range n {
		proof, err := ProveRecord(s, Size(n), Index(i))
		if err != nil {
			t.Fatal(err)
		}
		v.Leaves, v.Inclusion = append(v.Leaves, leafBytes(i)), append(v.Inclusion, hashes(proof))
	}
	v.Roots = hashes(roots)
	return v
}

type checkpointVector struct {
	ShardSeed  hexed  `json:"shard_seed"`
	ShardKey   hexed  `json:"shard_public_key"`
	Shard      hexed  `json:"shard"`
	Epoch      string `json:"epoch"`
	Size       int64  `json:"size"`
	Root       hexed  `json:"root"`
	Text       string `json:"text"`
	Checkpoint string `json:"checkpoint"`
}

func checkpointVectors(t *testing.T) []checkpointVector {
	seed := sha256.Sum256([]byte("county"))
	var out []checkpointVector
	for _, c := range []Checkpoint{checkpoint(), {Shard: county(), Epoch: Epoch{1, [8]byte{9}}, Root: root(nil)}} {
		out = append(out, checkpointVector{
			seed[:], hexed(key("county").Public()), c.Shard[:], c.Epoch.String(), int64(c.Size), c.Root[:], c.Text(),
			string(signedCheckpoint(t, c)),
		})
	}
	return out
}

type acksVector struct {
	ShardSeed hexed          `json:"shard_seed"`
	Shard     hexed          `json:"shard"`
	Epoch     string         `json:"epoch"`
	Segments  []storedVector `json:"segments"`
	Signed    hexed          `json:"signed_message"`
	Acks      hexed          `json:"acks"`
}

type storedVector struct {
	Hash     hexed  `json:"segment_hash"`
	Index    uint64 `json:"ledger_index"`
	Position uint64 `json:"position"`
}

func acksVectors(t *testing.T) []acksVector {
	seed, shard := sha256.Sum256([]byte("county")), county()
	a := acks()
	a.Segments[2] = StoredSegment{segment.Hash{3}, 4711, 1 << 40}
	raw, err := SignAcks(a, key("county"))
	if err != nil {
		t.Fatal(err)
	}
	v := acksVector{ShardSeed: seed[:], Shard: shard[:], Epoch: a.Epoch.String(), Signed: signedMessage(t, DomainAcks, raw), Acks: raw}
	for _, s := range a.Segments {
		v.Segments = append(v.Segments, storedVector{s.Hash[:], uint64(s.Index), s.Position})
	}
	return []acksVector{v}
}

type markVector struct {
	ShardSeed    hexed  `json:"shard_seed"`
	Shard        hexed  `json:"shard"`
	Epoch        string `json:"epoch"`
	Number       uint64 `json:"number"`
	LedgerSize   int64  `json:"ledger_size"`
	VerifiedAtMs int64  `json:"verified_at_ms"`
	Signed       hexed  `json:"signed_message"`
	Mark         hexed  `json:"backup_mark"`
}

func markVectors(t *testing.T) []markVector {
	seed, shard, m := sha256.Sum256([]byte("county")), county(), mark()
	raw, err := SignBackupMark(m, key("county"))
	if err != nil {
		t.Fatal(err)
	}
	return []markVector{{
		seed[:], shard[:], m.Epoch.String(), m.Number, int64(m.LedgerSize), m.VerifiedAt.UnixMilli(),
		signedMessage(t, DomainBackup, raw), raw,
	}}
}

func signedMessage(t *testing.T, d segment.Domain, raw []byte) hexed {
	signed, err := segment.DecodeSigned(raw)
	if err != nil {
		t.Fatal(err)
	}
	return d.Message(signed.Body)
}

// vectorsHold writes want to a file of vectors with -update, and else demands that
// the file is what would be written.
func vectorsHold(t *testing.T, file string, want any) {
	t.Helper()
	path := filepath.Join(vectors, file)
	text, err := json.MarshalIndent(want, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.MkdirAll(vectors, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, text) {
		t.Errorf("%s is not what this build writes: %v", file, err)
	}
}

// readVectors reads a file of vectors.
func readVectors[V any](t *testing.T, file string) []V {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(vectors, file))
	if err != nil {
		t.Fatal(err)
	}
	var out []V
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLeafVectorsHold(t *testing.T) {
	vectorsHold(t, "leaves.json", leafVectors(t))
	for _, v := range readVectors[leafVector](t, "leaves.json") {
		l, err := DecodeLeaf(v.Leaf)
		if err != nil || len(l.Verdicts) != len(v.Verdicts) || l.ReceivedAt.UnixMilli() != v.ReceivedAtMs {
			t.Errorf("%s: %+v, %v", v.Name, l, err)
		}
	}
}

func TestTreeVectorsHold(t *testing.T) {
	vectorsHold(t, "trees.json", []treeVector{treeVectorOf(t, 7)})
	for _, v := range readVectors[treeVector](t, "trees.json") {
		n := len(v.Leaves)
		top := tlog.Hash(v.Roots[n])
		for i, leaf := range v.Leaves {
			if err := CheckRecord(proof(v.Inclusion[i]), Size(n), top, Index(i), LeafHash(leaf)); err != nil {
				t.Error(err)
			}
		}
		for i, root := range v.Roots {
			if err := CheckTree(tlog.TreeProof(proof(v.Consistency[i])), Size(n), top, Size(i), tlog.Hash(root)); err != nil {
				t.Error(err)
			}
		}
	}
}

func proof(in []hexed) tlog.RecordProof {
	out := tlog.RecordProof{}
	for _, h := range in {
		out = append(out, tlog.Hash(h))
	}
	return out
}

func TestStatementVectorsHold(t *testing.T) {
	vectorsHold(t, "checkpoints.json", checkpointVectors(t))
	vectorsHold(t, "acks.json", acksVectors(t))
	vectorsHold(t, "backup_marks.json", markVectors(t))
	for _, v := range readVectors[checkpointVector](t, "checkpoints.json") {
		if c, err := OpenCheckpoint([]byte(v.Checkpoint), []byte(v.ShardKey)); err != nil || c.Text() != v.Text {
			t.Errorf("checkpoint: %v", err)
		}
	}
	for _, v := range readVectors[acksVector](t, "acks.json") {
		if a, err := OpenAcks(v.Acks, key("county").Public()); err != nil || len(a.Segments) != len(v.Segments) {
			t.Errorf("acks: %v", err)
		}
	}
	for _, v := range readVectors[markVector](t, "backup_marks.json") {
		if m, err := OpenBackupMark(v.Mark, key("county").Public()); err != nil || m.Number != v.Number {
			t.Errorf("backup mark: %v", err)
		}
	}
}
