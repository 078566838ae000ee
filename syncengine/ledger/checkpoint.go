// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// maxCheckpoint leaves room for a few dozen signatures of witnesses, in bytes.
const maxCheckpoint = 16 << 10

// Epoch is the life of one ledger between restores.
type Epoch struct {
	Number uint64  // from 1; a restore adds 1
	Name   [8]byte // random: two restores of one backup do not share a name
}

// String returns number and name, for example 3-0102030405060708.
func (e Epoch) String() string {
	return strconv.FormatUint(e.Number, 10) + "-" + hex.EncodeToString(e.Name[:])
}

// ParseEpoch reads what String writes, of an epoch with a number. Its error wraps
// ErrUnreadable.
func ParseEpoch(s string) (Epoch, error) {
	number, name, _ := strings.Cut(s, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	b, nameErr := hex.DecodeString(name)
	if err != nil || nameErr != nil || n == 0 || len(b) != len(Epoch{}.Name) {
		return Epoch{}, fmt.Errorf("epoch %q: %w", s, ErrUnreadable)
	}
	e := Epoch{n, [8]byte(b)}
	if e.String() != s {
		return Epoch{}, fmt.Errorf("epoch %q: %w", s, ErrUnreadable)
	}
	return e, nil
}

// Checkpoint says how large a shard's ledger is and what its root is.
type Checkpoint struct {
	Shard segment.ShardID
	Epoch Epoch
	Size  Size
	Root  tlog.Hash
}

// Origin returns the first line of a shard's checkpoints and the name of the key
// that signs them.
func Origin(shard segment.ShardID) string { return "xunzhen/" + shard.String() }

// Text returns c in the layout of C2SP tlog-checkpoint:
//
//	xunzhen/<shard>
//	<size>
//	<root, base64>
//	epoch <number>-<name>
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\nepoch %s\n", Origin(c.Shard), c.Size, base64.StdEncoding.EncodeToString(c.Root[:]), c.Epoch)
}

// ParseCheckpoint reads what Text writes. Its error wraps ErrUnreadable.
func ParseCheckpoint(text string) (Checkpoint, error) {
	c, err := parseCheckpoint(strings.Split(text, "\n"))
	if err != nil || c.Text() != text {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", errors.Join(err, ErrUnreadable))
	}
	return c, nil
}

func parseCheckpoint(lines []string) (c Checkpoint, err error) {
	if len(lines) != 5 {
		return c, fmt.Errorf("%d lines", len(lines)-1)
	}
	shard, ours := strings.CutPrefix(lines[0], "xunzhen/")
	epoch, hasEpoch := strings.CutPrefix(lines[3], "epoch ")
	if !ours || !hasEpoch {
		return c, errors.New("origin or epoch")
	}
	if c.Shard, err = segment.ParseShardID(shard); err != nil {
		return c, err
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil {
		return c, err
	}
	c.Size = Size(size)
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return c, err
	}
	c.Epoch, err = ParseEpoch(epoch)
	return c, err
}

// Sign returns c as a note signed with the shard's key. It returns an error
// unless the key is that of c's shard and c can be read back.
func Sign(c Checkpoint, shard segment.Signer) ([]byte, error) {
	if segment.ShardOf(shard.Public()) != c.Shard {
		return nil, fmt.Errorf("checkpoint of %s: the signer is another shard", c.Shard)
	}
	if _, err := ParseCheckpoint(c.Text()); err != nil {
		return nil, err
	}
	verifier, err := shardVerifier(shard.Public())
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: c.Text()}, noteSigner{verifier, shard})
}

// OpenCheckpoint reads a signed checkpoint of the shard with the given key.
// Signatures of others beside it are let pass. Its error wraps
// segment.ErrSignature when the shard did not sign it, else ErrUnreadable.
func OpenCheckpoint(raw []byte, shard ed25519.PublicKey) (Checkpoint, error) {
	if len(raw) > maxCheckpoint {
		return Checkpoint{}, fmt.Errorf("checkpoint of %d bytes: %w", len(raw), ErrUnreadable)
	}
	verifier, err := shardVerifier(shard)
	if err != nil {
		return Checkpoint{}, err
	}
	n, err := note.Open(raw, note.VerifierList(verifier))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %v: %w", err, noteReason(err))
	}
	c, err := ParseCheckpoint(n.Text)
	if err == nil && c.Shard != segment.ShardOf(shard) {
		err = fmt.Errorf("checkpoint of shard %s: %w", c.Shard, ErrUnreadable)
	}
	if err != nil {
		return Checkpoint{}, err
	}
	return c, nil
}

// noteReason tells unsigned from unreadable notes.
func noteReason(err error) error {
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	if errors.As(err, &unverified) || errors.As(err, &invalid) {
		return segment.ErrSignature
	}
	return ErrUnreadable
}

func shardVerifier(key ed25519.PublicKey) (note.Verifier, error) {
	if len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("shard key of %d bytes: %w", len(key), segment.ErrSignature)
	}
	text, err := note.NewEd25519VerifierKey(Origin(segment.ShardOf(key)), key)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(text)
}

// noteSigner signs notes with a key that need not be in memory.
type noteSigner struct {
	note.Verifier
	key segment.Signer
}

func (s noteSigner) Sign(text []byte) ([]byte, error) { return s.key.Sign(text), nil }
