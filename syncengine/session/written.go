// SPDX-License-Identifier: Apache-2.0

package session

import (
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Said is one thing said in a session that is held in writing, through files that
// somebody carries. Exactly one field is set. A replica writes Hellos, which offer
// all that it has not settled, then Pushes. The centre answers with an Answering
// first; then what became of each push, a renewed certificate if there is one, what a
// Hello says once all that is done, and the pages of a pull.
type Said struct {
	Hello       *HelloRequest
	Push        *PushRequest
	Answering   *Answering
	PushReply   *PushReply
	Certificate []byte // serialised
	HelloReply  *HelloReply
	Page        *Page
}

// Answering says what an answer is an answer to. Its pages go on from there, and so
// they are of use only to a replica that still stands there.
type Answering struct {
	Epoch ledger.Epoch // the centre's
	Seen  ledger.Epoch // the newest that the replica had seen when it wrote
	// Certificate is the one that the pages are for.
	Certificate segment.Hash
	// Cursor and Checkpoint are where the replica stood when it wrote: its cursor, and
	// the size of its checkpoint if that is of this epoch. Nothing and 0: nobody asked,
	// and the pages are for one who has nothing.
	Cursor     []byte
	Checkpoint ledger.Size
	// CursorHolds says that the pages go on at Cursor; else they begin from nothing.
	CursorHolds bool
	// Roster is what the shard says of its server, see Roster.Raw; nil from an engine,
	// which knows of no server, and from an older centre.
	Roster []byte
}
