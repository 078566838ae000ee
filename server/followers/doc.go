// SPDX-License-Identifier: Apache-2.0

// Package followers is what the centre derives from its feed by itself, beside the
// pushes and after them.
//
// The one invariant: a follower can be thrown away and begun anew from the first
// position, and comes to the same end. It never slows or fails a push: it reads
// what was committed, in commit order, and what it saves is an office act like a
// person's.
package followers

import (
	"context"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Shard is what followers need of one; *syncengine.Engine is one.
type Shard interface {
	// Epoch returns the present epoch: in another one positions begin anew.
	Epoch() ledger.Epoch
	// Changed returns a channel that is closed at the next commit.
	Changed() <-chan struct{}
	// Position returns the feed position of the last commit.
	Position() syncengine.Position
	// List returns rows in feed order.
	List(context.Context, syncengine.FeedQuery) ([]syncengine.RecordRow, error)
	// Get returns a record, or syncengine.ReasonNotFound.
	Get(context.Context, record.ID) (syncengine.RecordView, error)
	// Save saves by the centre's replica.
	Save(ctx context.Context, author string, saves ...syncengine.OfficeSave) ([]syncengine.Saved, error)
}
