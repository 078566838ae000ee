// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"crypto/ed25519"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// Front is a segment without its columns: what was signed, and by it the segment's
// name. It shows nothing of any revision but how many there are.
type Front struct {
	head head
	hash Hash
}

// OpenFront reads what Segment.Front returns and nothing more. It does not check
// the signature. Every error wraps ErrUnreadable.
func OpenFront(front []byte) (Front, error) {
	h, rest, err := cutHead(front)
	if err != nil {
		return Front{}, err
	}
	if len(rest) > 0 {
		return Front{}, unreadable("%d bytes after the front", len(rest))
	}
	return Front{h, hashOf(front)}, nil
}

// Header returns what was signed.
func (f Front) Header() Header { return f.head.Header }

// Hash returns the name of the segment.
func (f Front) Hash() Hash { return f.hash }

// Verify is Segment.Verify.
func (f Front) Verify(pub ed25519.PublicKey) error { return f.head.verify(pub) }

// verify returns an error that wraps ErrSignature unless pub is the key of h's
// replica and signed h.
func (h head) verify(pub ed25519.PublicKey) error {
	if len(pub) != ed25519.PublicKeySize || causal.ReplicaOf(pub) != h.Replica {
		return fmt.Errorf("segment of %s: another replica's key: %w", h.Replica, ErrSignature)
	}
	if !ed25519.Verify(pub, h.message(), h.signature) {
		return fmt.Errorf("segment of %s: %w", h.Replica, ErrSignature)
	}
	return nil
}

// Front returns the bytes before the columns. The caller must not change them.
func (s *Segment) Front() []byte { return s.wire[:s.head.size():s.head.size()] }

// Body returns the body of revision i as sealed; nil when it is erased. The caller
// must not change it.
func (s *Segment) Body(i int) []byte { return s.rows[i].body }
