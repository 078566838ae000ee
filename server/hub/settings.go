// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// settings are where the centre is and how to know it: the hub's enrolment.
type settings struct {
	Addresses []string        `json:"addresses"`
	Pin       session.Pin     `json:"pin"`
	Shard     segment.ShardID `json:"shard"`
	ShardKey  []byte          `json:"shard_key"`
	Roster    []byte          `json:"roster,omitempty"` // the newest one seen: session.Roster
}

const settingsFile = "hub.json"

// readSettings returns the settings in a folder; zero: none.
func readSettings(dir string) (settings, error) {
	var s settings
	raw, err := os.ReadFile(filepath.Join(dir, settingsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", settingsFile, err)
	}
	return s, nil
}

func (s settings) write(dir string) error {
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, settingsFile), append(raw, '\n'))
}

// replaceFile writes a file, whole or not at all, down to the disk.
func replaceFile(path string, content []byte) error {
	aside := path + ".new"
	if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := auth.WriteNew(aside, content, 0o600); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return err
	}
	return auth.SyncFolder(filepath.Dir(path))
}
