// SPDX-License-Identifier: Apache-2.0

package evidence

import "fmt"

// Claim is one thing that must hold of a proof, in the order in which it is checked.
type Claim uint8

// The claims.
const (
	ClaimFile        Claim = 1 + iota // the bytes are those of a proof file
	ClaimShard                        // it is of the shard with the key given
	ClaimSignature                    // the shard signed the file as it stands
	ClaimFormat                       // this build knows its format
	ClaimCheckpoint                   // the shard signed the checkpoint
	ClaimCertificate                  // the shard certified every key
	ClaimLedger                       // every leaf is in the ledger of the checkpoint
	ClaimSegment                      // every segment is the one its leaf names, signed by its replica
	ClaimRevision                     // every revision is in its segment, and of the record
	ClaimVerdict                      // every changed verdict is in its leaf, about a revision shown
	ClaimAct                          // every act is the centre's, about a revision shown
	ClaimBody                         // a body is missing by order only

	claimEnd
)

var claimNames = [claimEnd]string{
	ClaimFile: "file", ClaimShard: "shard", ClaimSignature: "signature", ClaimFormat: "format", ClaimCheckpoint: "checkpoint",
	ClaimCertificate: "certificate", ClaimLedger: "ledger", ClaimSegment: "segment", ClaimRevision: "revision",
	ClaimVerdict: "verdict", ClaimAct: "act", ClaimBody: "body",
}

// String returns the claim's name in one word.
func (c Claim) String() string {
	if c == 0 || c >= claimEnd {
		return fmt.Sprintf("claim %d", uint8(c))
	}
	return claimNames[c]
}

// Claims returns every claim in order, for tables that must name them all.
func Claims() []Claim {
	var out []Claim
	for c := ClaimFile; c < claimEnd; c++ {
		out = append(out, c)
	}
	return out
}

// Failure is the error of Check: the first claim that does not hold. Its text has ids
// and numbers only.
type Failure struct {
	Claim Claim
	What  string
}

func (f *Failure) Error() string { return fmt.Sprintf("proof: %s does not hold: %s", f.Claim, f.What) }

func failed(c Claim, format string, args ...any) error {
	return &Failure{c, fmt.Sprintf(format, args...)}
}
