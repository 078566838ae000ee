// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

func checkpoint() Checkpoint {
	return Checkpoint{Shard: county(), Epoch: epoch(), Size: 4711, Root: LeafHash([]byte("root"))}
}

func signedCheckpoint(t testing.TB, c Checkpoint) []byte {
	t.Helper()
	raw, err := Sign(c, key("county"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestCheckpointText(t *testing.T) {
	c := Checkpoint{Shard: segment.ShardID{0xab}, Epoch: epoch(), Size: 7, Root: tlog.Hash{1}}
	const want = "xunzhen/ab000000000000000000000000000000\n7\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nepoch 3-0102030405060708\n"
	if c.Text() != want {
		t.Errorf("%q, want %q", c.Text(), want)
	}
	if got, err := ParseCheckpoint(want); err != nil || got != c {
		t.Errorf("read as %v: %v", got, err)
	}
	for name, text := range map[string]string{
		"nothing":              "",
		"no last line end":     strings.TrimSuffix(want, "\n"),
		"a line more":          want + "more\n",
		"another origin":       strings.Replace(want, "xunzhen", "sunzhen", 1),
		"a shard in capitals":  strings.Replace(want, "/ab", "/AB", 1),
		"a short shard":        strings.Replace(want, "/ab00", "/ab", 1),
		"a size of words":      strings.Replace(want, "\n7\n", "\nseven\n", 1),
		"a size with a zero":   strings.Replace(want, "\n7\n", "\n07\n", 1),
		"a size with a sign":   strings.Replace(want, "\n7\n", "\n+7\n", 1),
		"a size below zero":    strings.Replace(want, "\n7\n", "\n-7\n", 1),
		"a size of 2^63":       strings.Replace(want, "\n7\n", "\n9223372036854775808\n", 1),
		"a short root":         strings.Replace(want, "AQAA", "", 1),
		"a root with odd bits": strings.Replace(want, "AAA=", "AAB=", 1),
		"no epoch":             strings.Replace(want, "epoch 3-0102030405060708\n", "\n", 1),
		"epoch 0":              strings.Replace(want, "epoch 3", "epoch 0", 1),
	} {
		if _, err := ParseCheckpoint(text); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEpochText(t *testing.T) {
	for _, e := range []Epoch{epoch(), {1, [8]byte{}}, {math.MaxUint64, [8]byte{255}}} {
		if got, err := ParseEpoch(e.String()); err != nil || got != e {
			t.Errorf("%s is read as %v: %v", e, got, err)
		}
	}
	for _, text := range []string{"", "3", "3-", "-0102030405060708", "0-0102030405060708", "03-0102030405060708", "3-010203040506070", "3-01020304050607080", "3-010203040506070G", "3-0102030405060A08", "3-0102030405060708-"} {
		if _, err := ParseEpoch(text); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCheckpointIsOpenedWithTheShardsKeyOnly(t *testing.T) {
	for _, c := range []Checkpoint{checkpoint(), {Shard: county(), Epoch: epoch(), Root: root(nil)}, {Shard: county(), Epoch: epoch(), Size: math.MaxInt64}} {
		got, err := OpenCheckpoint(signedCheckpoint(t, c), key("county").Public())
		if err != nil || got != c {
			t.Errorf("opened as %v: %v", got, err)
		}
	}
	raw := signedCheckpoint(t, checkpoint())
	for name, pub := range map[string]ed25519.PublicKey{"another key": key("other").Public(), "no key": nil} {
		if _, err := OpenCheckpoint(raw, pub); !errors.Is(err, segment.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Sign(checkpoint(), key("other")); err == nil {
		t.Error("signed for another shard")
	}
	if _, err := Sign(Checkpoint{Shard: county(), Epoch: epoch(), Size: -1}, key("county")); err == nil {
		t.Error("signed a ledger of -1 leaves")
	}
	if _, err := Sign(Checkpoint{Shard: county()}, key("county")); err == nil {
		t.Error("signed without epoch")
	}
}

// A note under the county's key that is no checkpoint of the county.
func TestOtherNotesAreNoCheckpoints(t *testing.T) {
	verifier, err := shardVerifier(key("county").Public())
	if err != nil {
		t.Fatal(err)
	}
	other := checkpoint()
	other.Shard = segment.ShardID{1}
	for name, text := range map[string]string{"another shard": other.Text(), "a greeting": "hello\n"} {
		raw, err := note.Sign(&note.Note{Text: text}, noteSigner{verifier, key("county")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenCheckpoint(raw, key("county").Public()); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, raw := range map[string][]byte{"nothing": nil, "the text alone": []byte(checkpoint().Text()), "too long": make([]byte, 1<<20)} {
		if _, err := OpenCheckpoint(raw, key("county").Public()); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWitnessesMaySignBesideTheShard(t *testing.T) {
	secret, _, err := note.GenerateKey(bytes.NewReader(make([]byte, 32)), "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	witness, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	raw := signedCheckpoint(t, checkpoint())
	verifier, err := shardVerifier(key("county").Public())
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(raw, note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	cosigned, err := note.Sign(n, witness)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenCheckpoint(cosigned, key("county").Public()); err != nil || got != checkpoint() {
		t.Errorf("opened as %v: %v", got, err)
	}
}

// statement is something that the shard signs, and what opens it.
type statement struct {
	raw  []byte
	open func([]byte, ed25519.PublicKey) (any, error)
}

func statements(t testing.TB) map[string]statement {
	rawAcks, err := SignAcks(acks(), key("county"))
	if err != nil {
		t.Fatal(err)
	}
	rawMark, err := SignBackupMark(mark(), key("county"))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]statement{
		"acks":        {rawAcks, func(b []byte, k ed25519.PublicKey) (any, error) { return OpenAcks(b, k) }},
		"backup mark": {rawMark, func(b []byte, k ed25519.PublicKey) (any, error) { return OpenBackupMark(b, k) }},
		"checkpoint":  {signedCheckpoint(t, checkpoint()), func(b []byte, k ed25519.PublicKey) (any, error) { return OpenCheckpoint(b, k) }},
	}
}

func acks() Acks {
	return Acks{Shard: county(), Epoch: epoch(), Segments: []StoredSegment{
		{segment.Hash{1}, 0, 0}, {segment.Hash{2}, 1, 300}, {segment.Hash{3}, math.MaxInt64, math.MaxUint64},
	}}
}

func mark() BackupMark {
	return BackupMark{Shard: county(), Epoch: epoch(), Number: 12, LedgerSize: 4711, VerifiedAt: at(1_790_000_000_000)}
}

func TestAcksAndMarksAreOpenedWithTheShardsKeyOnly(t *testing.T) {
	wanted := map[string]string{"acks": fmt.Sprint(acks()), "backup mark": fmt.Sprint(mark()), "checkpoint": fmt.Sprint(checkpoint())}
	all := statements(t)
	for name, s := range all {
		got, err := s.open(s.raw, key("county").Public())
		if err != nil || fmt.Sprint(got) != wanted[name] {
			t.Errorf("%s are opened as %v: %v", name, got, err)
		}
		for _, pub := range []ed25519.PublicKey{key("other").Public(), nil, make([]byte, 31)} {
			if _, err := s.open(s.raw, pub); !errors.Is(err, segment.ErrSignature) {
				t.Errorf("%s under another key: %v", name, err)
			}
		}
		for other, o := range all {
			if _, err := o.open(s.raw, key("county").Public()); (err == nil) != (name == other) {
				t.Errorf("%s opened as %s: %v", name, other, err)
			}
		}
	}
}

func TestAlteredStatementsAreRefused(t *testing.T) {
	for name, s := range statements(t) {
		want, err := s.open(s.raw, key("county").Public())
		if err != nil {
			t.Fatal(err)
		}
		refused := func(what string, raw []byte) {
			got, err := s.open(raw, key("county").Public())
			if err == nil && fmt.Sprint(got) == fmt.Sprint(want) {
				return // such as another spelling of the signature's base64
			}
			if !errors.Is(err, ErrUnreadable) && !errors.Is(err, segment.ErrSignature) {
				t.Errorf("%s %s: %v", name, what, err)
			}
		}
		for i := range s.raw {
			for bit := range 8 {
				other := slices.Clone(s.raw)
				other[i] ^= 1 << bit
				refused(fmt.Sprintf("with bit %d of byte %d flipped", bit, i), other)
			}
			refused(fmt.Sprintf("cut at %d", i), s.raw[:i])
		}
		refused("with a byte more", append(slices.Clone(s.raw), 0))
	}
}

func TestStatementsThatCannotBeAreNotSigned(t *testing.T) {
	for name, a := range map[string]Acks{
		"another shard": {Epoch: epoch()}, "no epoch": {Shard: county()},
		"an index below 0": {Shard: county(), Epoch: epoch(), Segments: []StoredSegment{{Index: -1}}},
	} {
		if _, err := SignAcks(a, key("county")); err == nil {
			t.Errorf("acks with %s", name)
		}
	}
	for name, b := range map[string]BackupMark{
		"another shard": {Epoch: epoch(), Number: 1}, "no epoch": {Shard: county(), Number: 1},
		"no number": {Shard: county(), Epoch: epoch()}, "a size below 0": {Shard: county(), Epoch: epoch(), Number: 1, LedgerSize: -1},
	} {
		if _, err := SignBackupMark(b, key("county")); err == nil {
			t.Errorf("a backup mark with %s", name)
		}
	}
}

// Even the shard's own signature does not make nonsense readable.
func TestSignedNonsenseIsRefused(t *testing.T) {
	shard := county()
	name := [8]byte{1}
	good := encodeEpoch(1, name[:])
	for what, body := range map[string][]byte{
		"noise":                   []byte("noise"),
		"nothing of use":          {0x20, 1},
		"another shard":           appendBytes(appendBytes(nil, 1, make([]byte, 16)), 2, good),
		"no epoch":                appendBytes(nil, 1, shard[:]),
		"epoch 0":                 appendBytes(appendBytes(nil, 1, shard[:]), 2, encodeEpoch(0, name[:])),
		"an epoch of half a name": appendBytes(appendBytes(nil, 1, shard[:]), 2, encodeEpoch(1, name[:4])),
		"half a hash":             appendBytes(appendBytes(appendBytes(nil, 1, shard[:]), 2, good), 3, appendBytes(nil, 1, make([]byte, 16))),
		"an index of 2^63":        appendBytes(appendBytes(appendBytes(nil, 1, shard[:]), 2, good), 3, appendNumber(appendBytes(nil, 1, make([]byte, 32)), 2, 1<<63)),
		"a size of 2^63":          appendNumber(appendNumber(appendBytes(appendBytes(nil, 1, shard[:]), 2, good), 3, 1), 4, 1<<63),
	} {
		if _, err := OpenAcks(segment.SignBody(key("county"), DomainAcks, body).Encode(), key("county").Public()); !errors.Is(err, ErrUnreadable) && what != "a size of 2^63" {
			t.Errorf("acks of %s: %v", what, err)
		}
		if _, err := OpenBackupMark(segment.SignBody(key("county"), DomainBackup, body).Encode(), key("county").Public()); !errors.Is(err, ErrUnreadable) {
			t.Errorf("a backup mark of %s: %v", what, err)
		}
	}
}

func encodeEpoch(number uint64, name []byte) []byte {
	return appendBytes(appendNumber(nil, 1, number), 2, name)
}
