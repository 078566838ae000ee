// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/transport/remote"
)

// Status is how a hub stands: how much waits for the centre and since when, and when
// the centre was last reached. Nothing in it is personal. Times are UTC milliseconds
// since 1970 by the hub's clock; 0: never.
type Status struct {
	Waiting    int    `json:"waiting"`          // saves held here that are not known to be at the centre
	SinceMs    int64  `json:"since_ms"`         // when the oldest of them came here
	LastSyncMs int64  `json:"last_sync_ms"`     // when a sync with the centre last came to its end
	LastTryMs  int64  `json:"last_try_ms"`      // when the last one ended, however
	Reason     string `json:"reason,omitempty"` // why that one failed; "" it did not
	Revoked    bool   `json:"revoked"`          // the centre takes what the hub hands over and gives nothing
	Centre     string `json:"centre"`           // the address at which it answered last
	AtMs       int64  `json:"at_ms"`            // when this was written
	// Contradictions is how often the centre contradicted what it had signed before: see
	// ReadTestimony.
	Contradictions int `json:"contradictions"`
}

// Reached reports whether the last try to reach the centre went well.
func (s Status) Reached() bool { return s.LastSyncMs > 0 && s.Reason == "" }

const statusFile = "status.json"

// ReadStatus returns what the hub in a folder last wrote of itself, whether or not it
// runs. Its error wraps fs.ErrNotExist for one that never did.
func ReadStatus(dir string) (Status, error) {
	var s Status
	raw, err := os.ReadFile(filepath.Join(dir, statusFile))
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		return s, fmt.Errorf("status of the hub: %w", err)
	}
	return s, nil
}

// Status returns how the hub stands now.
func (h *Hub) Status(ctx context.Context) (Status, error) {
	w, err := h.replica.Waiting(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.status
	s.Waiting, s.SinceMs, s.AtMs = w.Saves, 0, h.cfg.Clock().UnixMilli()
	if !w.Since.IsZero() {
		s.SinceMs = w.Since.UnixMilli()
	}
	return s, err
}

// recall takes up what the hub wrote before it was closed.
func (h *Hub) recall() error {
	s, err := ReadStatus(h.cfg.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var broken *json.SyntaxError
	if errors.As(err, &broken) {
		return nil // it is written anew, and nothing depends on it
	}
	h.status = s
	return err
}

// note keeps what came of a sync with the centre.
func (h *Hub) note(ctx context.Context, report replica.Report, failed error) error {
	contradictions, err := h.testify(ctx)
	if err != nil {
		return err
	}
	now := h.cfg.Clock().UnixMilli()
	h.mu.Lock()
	h.status.Contradictions = contradictions
	if reason := reasonOf(failed); reason != reasonStopped { // which says nothing of the centre
		h.status.LastTryMs, h.status.Reason = now, reason
	}
	if failed == nil {
		h.status.LastSyncMs, h.status.Revoked = now, report.Revoked
	}
	if h.centre != nil {
		h.status.Centre = h.centre.Address()
	}
	h.mu.Unlock()
	return h.tell(ctx)
}

// tell writes how the hub stands, and says so to who asked.
func (h *Hub) tell(ctx context.Context) error {
	s, err := h.Status(ctx)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if h.cfg.Tell != nil {
		h.cfg.Tell(s)
	}
	return replaceFile(filepath.Join(h.cfg.Dir, statusFile), append(raw, '\n'))
}

// reasonStopped: the hub itself was stopped.
const reasonStopped = "stopped"

// reasonOf returns why a sync failed, in snake_case; "" when it did not.
func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	if r := remote.ReasonOf(err); r != "" {
		return r
	}
	for _, known := range []struct {
		err  error
		name string
	}{
		{replica.ErrEpochBehind, "epoch_behind"},
		{replica.ErrHistoryRewritten, "history_rewritten"},
		{replica.ErrFingerprint, "fingerprint"},
		{replica.ErrSuccession, "succession"},
		{ErrNotJoined, "not_enrolled"},
		{context.Canceled, reasonStopped},
	} {
		if errors.Is(err, known.err) {
			return known.name
		}
	}
	return "internal"
}
