// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/bundle"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
	"github.com/xunzhen/xunzhen/tablet/vault"
	"github.com/xunzhen/xunzhen/transport"
	"github.com/xunzhen/xunzhen/transport/remote"
)

// Error is why something was not done. Its text is for developers; Reason is a
// word in snake_case that an app turns into advice. Neither has names or
// measurements in it.
type Error struct {
	Doing  string
	Reason string
	err    error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s: %v", e.Doing, e.Reason, e.err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.err }

// ReasonOf returns the reason of an error of this package, "" for none.
func ReasonOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// Causes of this package itself.
var (
	errForm     = errors.New("this is no form token, or it was cut")
	errJSON     = errors.New("this is no form of its kind")
	errSubject  = errors.New("which resident is it about?")
	errID       = errors.New("this is no record id")
	errPath     = errors.New("no such register with siblings")
	errStaff    = errors.New("this person is not on the certificate")
	errAuthor   = errors.New("who saves?")
	errClosed   = errors.New("the tablet is closed")
	errSame     = errors.New("nothing was changed")
	errHub      = errors.New("this tablet knows no such hub")
	errHubName  = errors.New("another hub has this name")
	errHubShut  = errors.New("only the centre opens what a locked tablet sends")
	errDeparted = errors.New("no form may be opened of this record")

	errBundleFile   = errors.New("the file of a bundle")
	errBundleExists = errors.New("there is a file of this name")
)

// cause is an error with the reason it stands for.
type cause struct {
	reason string
	err    error
}

// causes are the local ones; the first that fits counts. Reasons of the network
// are those of package remote.
func causes() []cause {
	return []cause{
		{"answer", errAnswer},
		{"not_corrected", errNotCorrected},
		{"bundle_file", errBundleFile},
		{"bundle_exists", errBundleExists},
		{"not_bundle", bundle.ErrNotBundle},
		{"bundle_not_for", bundle.ErrNotForHere},
		{"bundle_damaged", bundle.ErrDamaged},
		{"bundle_damaged", bundle.ErrCut},
		{"newer_bundle", bundle.ErrNewer},
		{"closed", errClosed},
		{"closed", fs.ErrClosed},
		{"none", vault.ErrNone},
		{"exists", vault.ErrExists},
		{"in_use", sqlitefile.ErrLocked},
		{"in_use", sqlitefile.ErrBusy},
		{"moved", sqlitefile.ErrMoved},
		{"newer", sqlitefile.ErrNewer},
		{"full", sqlitefile.ErrFull},
		{"full", errNoRoom},
		{"read_only", sqlitefile.ErrReadOnly},
		{"damaged", sqlitefile.ErrCorrupt},
		{"damaged", sqlitefile.ErrForeign},
		{"damaged", vault.ErrDamaged},
		{"damaged", replica.ErrCorrupt},
		{"damaged", replica.ErrDamaged},
		{"secret", vault.ErrSecret},
		{"weak_secret", vault.ErrWeak},
		{"taken_secret", vault.ErrTaken},
		{"last_secret", vault.ErrLast},
		{"locked", replica.ErrLocked},
		{"not_enrolled", replica.ErrNotEnrolled},
		{"not_enrolled", vault.ErrNotEnrolled},
		{"other_shard", replica.ErrOtherShard},
		{"no_key", replica.ErrNoKey},
		{"invitation", session.ErrInvitation},
		{"staff", errStaff},
		{"author", errAuthor},
		{"busy", replica.ErrBusy},
		{"epoch_behind", replica.ErrEpochBehind},
		{"history_rewritten", replica.ErrHistoryRewritten},
		{"fingerprint", replica.ErrFingerprint},
		{"succession", replica.ErrSuccession},
		{"protocol", replica.ErrPage},
		{"unknown_hub", errHub},
		{"taken_hub", errHubName},
		{"locked", errHubShut},
		{"form", errForm},
		{"departed", errDeparted},
		{"unchanged", errSame},
		{"json", errJSON},
		{"subject", errSubject},
		{"id", errID},
		{"review_level", care.ErrReviewLevel},
		{"review_reason", care.ErrReviewReason},
		{"not_reviewed", care.ErrNotReviewed},
		{"not_returned", care.ErrNotReturned},
		{"path", errPath},
		{"path", care.ErrUnknownPath},
		{"division", care.ErrNoDivision},
		{"date", care.ErrNoDate},
		{"no_scope", replica.ErrNoScope},
		{"unknown_record", replica.ErrUnknownRecord},
		{"unknown_kind", care.ErrUnknownKind},
		{"limits", errLimits},
		{"too_large", record.ErrTooLarge},
		{"malformed", record.ErrMalformed},
		{"stopped", context.Canceled},
		{"timeout", context.DeadlineExceeded},
	}
}

// Reasons returns every reason that an error of this package can have, sorted: for
// tables that must name them all.
func Reasons() *Strings {
	all := []string{"wait", "internal", remote.ReasonUnreachable, remote.ReasonPin, remote.ReasonProtocol, remote.ReasonNotHub, remote.ReasonNotServed}
	for _, c := range causes() {
		all = append(all, c.reason)
	}
	for number := range syncv1.Reason_name {
		if r := syncv1.Reason(number); r != syncv1.Reason_REASON_UNSPECIFIED {
			all = append(all, transport.ReasonName(r))
		}
	}
	slices.Sort(all)
	return &Strings{slices.Compact(all)}
}

// fail gives err its reason; nil stays nil.
func fail(doing string, err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	return &Error{doing, reasonOf(err), err}
}

func reasonOf(err error) string {
	var wait *vault.WaitError
	if errors.As(err, &wait) {
		return "wait"
	}
	for _, c := range causes() {
		if errors.Is(err, c.err) {
			return c.reason
		}
	}
	if r := remote.ReasonOf(err); r != "" {
		return r
	}
	return "internal"
}

// WaitMs returns how long nobody may try a secret, when that is what err says;
// else 0.
func WaitMs(err error) int64 {
	var wait *vault.WaitError
	if errors.As(err, &wait) {
		return wait.Left.Milliseconds()
	}
	return 0
}
