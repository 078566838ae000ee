// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
)

// Testimony is what a tablet or hub has seen of its shard's ledger: checkpoints that
// the shard signed. As bytes it is text, each checkpoint as it was signed:
//
//	xunzhen testimony 1
//	=== seen
//	<checkpoint>
//	=== before
//	<checkpoint>
//	=== after
//	<checkpoint>
//
// A before and the after that follows it are a contradiction: of one epoch, and the
// later ledger did not extend the earlier one.
type Testimony struct {
	Seen           [][]byte // the last one of each epoch, oldest first
	Contradictions []Contradiction
}

// Contradiction is two checkpoints, of which the second, shown later, was not shown to
// extend the first.
type Contradiction struct{ Before, After []byte }

const (
	testimonyHead = "xunzhen testimony 1\n"
	partSeen      = "seen"
	partBefore    = "before"
	partAfter     = "after"

	maxTestimony = 1 << 20
)

// Encode returns the bytes of t. It requires that its checkpoints are notes.
func (t Testimony) Encode() []byte {
	b := []byte(testimonyHead)
	part := func(name string, checkpoint []byte) {
		b = append(append(b, "=== "+name+"\n"...), checkpoint...)
	}
	for _, c := range t.Seen {
		part(partSeen, c)
	}
	for _, c := range t.Contradictions {
		part(partBefore, c.Before)
		part(partAfter, c.After)
	}
	return b
}

// IsTestimony reports whether a file says that it is one.
func IsTestimony(raw []byte) bool { return bytes.HasPrefix(raw, []byte(testimonyHead)) }

// Testified is what a testimony shows.
type Testified struct {
	Seen           []ledger.Checkpoint
	Contradictions []Contradicted
}

// Contradicted are two checkpoints that the shard signed.
type Contradicted struct {
	Before, After ledger.Checkpoint
	// Proven: they cannot both be of one ledger, whoever says so. Else the shard could
	// show a proof that the one extends the other, and did not.
	Proven bool
}

// CheckTestimony reads a testimony about the shard with the given key. Its error is a
// *Failure: ClaimFile for what is none, ClaimCheckpoint for what the shard did not sign.
func CheckTestimony(raw []byte, shard ed25519.PublicKey) (Testified, error) {
	if !IsTestimony(raw) || len(raw) > maxTestimony {
		return Testified{}, failed(ClaimFile, "no testimony, or of %d bytes", len(raw))
	}
	t, err := parseTestimony(string(raw))
	if err != nil || !bytes.Equal(t.Encode(), raw) {
		return Testified{}, failed(ClaimFile, "not as a testimony is written: %v", err)
	}
	var out Testified
	for _, signed := range t.Seen {
		c, err := ledger.OpenCheckpoint(signed, shard)
		if err != nil {
			return Testified{}, failed(ClaimCheckpoint, "%v", err)
		}
		out.Seen = append(out.Seen, c)
	}
	for _, pair := range t.Contradictions {
		c, err := pair.open(shard)
		if err != nil {
			return Testified{}, err
		}
		out.Contradictions = append(out.Contradictions, c)
	}
	return out, nil
}

// parseTestimony takes the parts apart.
func parseTestimony(text string) (t Testimony, err error) {
	var before []byte
	for i, part := range strings.Split("\n"+strings.TrimPrefix(text, testimonyHead), "\n=== ")[1:] {
		name, note, _ := strings.Cut(part, "\n")
		if !strings.HasSuffix(note, "\n") {
			note += "\n" // it went with the separator
		}
		switch {
		case name == partSeen && before == nil:
			t.Seen = append(t.Seen, []byte(note))
		case name == partBefore && before == nil:
			before = []byte(note)
		case name == partAfter && before != nil:
			t.Contradictions = append(t.Contradictions, Contradiction{before, []byte(note)})
			before = nil
		default:
			return t, fmt.Errorf("part %d is %q", i+1, name)
		}
	}
	if before != nil {
		return t, errors.New("a contradiction of one")
	}
	return t, nil
}

// open checks both checkpoints.
func (c Contradiction) open(shard ed25519.PublicKey) (out Contradicted, err error) {
	if out.Before, err = ledger.OpenCheckpoint(c.Before, shard); err != nil {
		return out, failed(ClaimCheckpoint, "%v", err)
	}
	if out.After, err = ledger.OpenCheckpoint(c.After, shard); err != nil {
		return out, failed(ClaimCheckpoint, "%v", err)
	}
	if out.Before.Epoch != out.After.Epoch {
		return out, failed(ClaimFile, "two epochs, %s and %s, cannot contradict each other", out.Before.Epoch, out.After.Epoch)
	}
	out.Proven = out.Before.Size == out.After.Size && out.Before.Root != out.After.Root
	return out, nil
}

// String says where a checkpoint stands, for messages.
func (c Contradicted) String() string {
	return fmt.Sprintf("epoch %s: %d %s, then %d %s", c.Before.Epoch, c.Before.Size, c.Before.Root, c.After.Size, c.After.Root)
}
