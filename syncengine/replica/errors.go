// SPDX-License-Identifier: Apache-2.0

package replica

import "errors"

var (
	// ErrBusy is returned by Sync while another Sync of this replica runs.
	ErrBusy = errors.New("a sync is already running")
	// ErrLocked is wrapped by a Store whose bodies cannot be opened or sealed now.
	ErrLocked = errors.New("locked")
	// ErrDamaged is wrapped by a Store for a row whose body cannot be opened any more
	// although bodies can: its bytes on the disk are not those that were stored.
	ErrDamaged = errors.New("damaged on the disk")
	// ErrNotEnrolled is returned where a certificate is needed and there is none.
	ErrNotEnrolled = errors.New("not enrolled")
	// ErrOtherShard is returned for what belongs to another shard than this replica.
	ErrOtherShard = errors.New("of another shard")
	// ErrRole is wrapped for a certificate whose key makes no revisions: a desk's.
	ErrRole = errors.New("not a certificate of a tablet or hub")
	// ErrNoKey is wrapped by Keys that do not have the key asked for.
	ErrNoKey = errors.New("no such key")
	// ErrUnknownRecord is wrapped when nothing of a record is here.
	ErrUnknownRecord = errors.New("unknown record")
	// ErrNoForm is returned by Save for an existing record without the screen that
	// its form was opened on.
	ErrNoForm = errors.New("no screen to save from")
	// ErrNoScope is returned by Save when neither the screen nor the request has a
	// scope.
	ErrNoScope = errors.New("no scope")
	// ErrNotCentre is returned by a hub for what only the centre can do.
	ErrNotCentre = errors.New("only the centre can do this")
	// ErrEpochBehind is returned by Sync when the centre is in an older epoch than
	// this replica has seen: an older copy of its file is running.
	ErrEpochBehind = errors.New("the centre is older than what this replica has seen")
	// ErrHistoryRewritten is wrapped by Sync when the centre's ledger does not
	// extend the one it showed before. Both checkpoints are kept: see Evidence.
	ErrHistoryRewritten = errors.New("the centre's ledger does not extend the one it showed before")
	// ErrFingerprint is wrapped by Sync when states differ from the centre's even
	// after all of them were pulled again.
	ErrFingerprint = errors.New("states differ from the centre's")
	// ErrSuccession is wrapped by Sync when this replica has a fork and the centre
	// does not certify a new key: a person must enrol it anew.
	ErrSuccession = errors.New("no certificate for a new key")
	// ErrPage is wrapped by Sync when a page of a pull makes no sense.
	ErrPage = errors.New("page makes no sense")
	// ErrCorrupt is wrapped when a row of the store cannot be read.
	ErrCorrupt = errors.New("row cannot be read")
)
