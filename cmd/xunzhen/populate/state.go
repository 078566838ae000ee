// SPDX-License-Identifier: Apache-2.0

package populate

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// state is how far a run came: written when a week is stored, beside the county.
type state struct {
	Plan     Plan   `json:"plan"`
	Week     int    `json:"week"` // weeks that are stored
	Records  int    `json:"records"`
	Segments int    `json:"segments"`
	Tablets  []head `json:"tablets"`

	path string
}

// head is where a tablet's chain stands.
type head struct {
	Counter uint64 `json:"counter"`
	Last    string `json:"last"`
	ClockMs int64  `json:"clock_ms"`
}

const stateFile = "populate.json"

// openState reads how far the plan came in a folder. A folder with a county and without a
// state, or with one of another plan, is none of ours.
func openState(data string, p Plan) (*state, error) {
	s := &state{Plan: p, path: filepath.Join(data, stateFile)}
	raw, err := os.ReadFile(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		found, err := county.Find(data)
		if err != nil || len(found) == 0 {
			return s, errors.Join(err, s.save(nil))
		}
		return nil, fmt.Errorf("%w: a county that was not made here is in %s", ErrFolder, data)
	case err != nil:
		return nil, err
	}
	var was state
	if err := json.Unmarshal(raw, &was); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrFolder, s.path, err)
	}
	if was.Plan != p {
		return nil, fmt.Errorf("%w: %s was made with another plan: %+v", ErrFolder, data, was.Plan)
	}
	was.path = s.path
	return &was, nil
}

// resume puts the tablets where they stood.
func (s *state) resume(all []*tablet) error {
	if len(s.Tablets) == 0 {
		return nil
	}
	if len(s.Tablets) != len(all) {
		return fmt.Errorf("%w: %d tablets, not %d", ErrFolder, len(s.Tablets), len(all))
	}
	for i, h := range s.Tablets {
		raw, err := hex.DecodeString(h.Last)
		if err != nil || len(raw) != len(segment.Hash{}) {
			return fmt.Errorf("%w: tablet %d", ErrFolder, i)
		}
		all[i].counter, all[i].last, all[i].clock = h.Counter, segment.Hash(raw), time.UnixMilli(h.ClockMs)
	}
	return nil
}

// save writes the state in place of the former one.
func (s *state) save(all []*tablet) error {
	s.Tablets = s.Tablets[:0]
	for _, t := range all {
		s.Tablets = append(s.Tablets, head{t.counter, hex.EncodeToString(t.last[:]), t.clock.UnixMilli()})
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path+".new", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(s.path+".new", s.path)
}
