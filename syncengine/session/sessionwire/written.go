// SPDX-License-Identifier: Apache-2.0

package sessionwire

import (
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// AnsweringToWire writes what an answer is an answer to.
func AnsweringToWire(a session.Answering) *syncv1.BundleAnswering {
	return &syncv1.BundleAnswering{
		Epoch:           EpochToWire(a.Epoch),
		CertificateHash: hashToWire(a.Certificate),
		Cursor:          a.Cursor,
		CheckpointSize:  uint64(a.Checkpoint),
		CursorHolds:     a.CursorHolds,
		Seen:            EpochToWire(a.Seen),
		Roster:          a.Roster,
	}
}

// AnsweringFromWire reads what AnsweringToWire writes.
func AnsweringFromWire(m *syncv1.BundleAnswering) (a session.Answering, err error) {
	a = session.Answering{Cursor: m.GetCursor(), CursorHolds: m.GetCursorHolds(), Roster: m.GetRoster()}
	if a.Epoch, err = EpochFromWire(m.GetEpoch()); err != nil {
		return a, err
	}
	if a.Seen, err = EpochFromWire(m.GetSeen()); err != nil {
		return a, err
	}
	if a.Certificate, err = hashFromWire(m.GetCertificateHash()); err != nil {
		return a, err
	}
	size, err := int63(m.GetCheckpointSize(), "checkpoint size")
	a.Checkpoint = ledger.Size(size)
	return a, err
}
