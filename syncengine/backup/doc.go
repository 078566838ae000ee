// SPDX-License-Identifier: Apache-2.0

// Package backup keeps a county outside of its store: in a folder, which may be on a
// mounted share, as runs of ledger leaves with their segments, what does not follow
// from them, and signed manifests that say which files make one backup.
//
// Its one invariant: a manifest that lies in the folder was made when every file that
// it names had been read back from there. Files are never changed, only replaced by
// others with other names, so that a backup made earlier stays whole.
//
// A Writer makes backups of a running engine and never holds it up for longer than a
// short view. A Backup is read for a restore. DESIGN.md has the bytes.
package backup

import "errors"

// Errors that a person can do something about. Others are the disk's.
var (
	// ErrGone: the folder is not there: the share is not mounted, or was lost.
	ErrGone = errors.New("the backup folder is not there")
	// ErrFull: there is no room left in the folder; what is there is as it was.
	ErrFull = errors.New("no room left in the backup folder")
	// ErrLocked: somebody else writes into the folder.
	ErrLocked = errors.New("another server writes into the backup folder")
	// ErrDamaged: a file is missing or not what its manifest says.
	ErrDamaged = errors.New("the backup is damaged")
	// ErrIdentity: a file is encrypted, and to others than those who read.
	ErrIdentity = errors.New("the backup is encrypted to another key")
	// ErrNone: there is no backup.
	ErrNone = errors.New("no backup")
)
