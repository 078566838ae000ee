// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// serving says how this machine reaches the server that runs on a data folder: what
// serve writes for the office's commands, and prints with --json. It holds no secret.
type serving struct {
	Address   string          `json:"address"`   // from this machine
	Addresses []string        `json:"addresses"` // from elsewhere, best first
	Pin       string          `json:"pin"`
	PID       int             `json:"pid"`
	Data      string          `json:"data"`
	Counties  []servingCounty `json:"counties"`
	// Invitation is the first enrolment code; only printed, never written.
	Invitation string `json:"invitation,omitempty"`
}

type servingCounty struct {
	Code        string `json:"code"`
	Shard       string `json:"shard"`
	Dir         string `json:"dir"`
	OperatorKey string `json:"operator_key"` // its file
}

const (
	servingFile     = "serving.json"
	operatorKeyFile = "operator.key" // in a county's folder, see package county
)

func servingOf(s *server.Server, data, address string) serving {
	pin := s.Pin()
	out := serving{Address: address, Addresses: s.Addresses(), Pin: hex.EncodeToString(pin[:]), PID: os.Getpid(), Data: data}
	for _, c := range s.Counties() {
		out.Counties = append(out.Counties, servingCounty{c.Code, c.Shard().String(), c.Dir, filepath.Join(c.Dir, operatorKeyFile)})
	}
	return out
}

// write puts s into the data folder, whole or not at all.
func (s serving) write(data string) error {
	s.Invitation = ""
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(data, servingFile)
	if err := os.WriteFile(path+".new", append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func readServing(data string) (serving, error) {
	var s serving
	raw, err := os.ReadFile(filepath.Join(data, servingFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, problemf("problem_not_serving", data)
	} else if err != nil {
		return s, err
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("%s: %w", servingFile, err)
	}
	return s, nil
}

// county returns the county with a code; "" is the only one.
func (s serving) county(code string) (servingCounty, error) {
	for _, c := range s.Counties {
		if c.Code == code || code == "" && len(s.Counties) == 1 {
			return c, nil
		}
	}
	return servingCounty{}, problemf("problem_which_county", codesOf(s.Counties))
}

func codesOf(counties []servingCounty) string {
	text := ""
	for i, c := range counties {
		if i > 0 {
			text += ", "
		}
		text += c.Code
	}
	return text
}

// connect opens the office's side of the server.
func (s serving) connect(code string) (*office.Office, error) {
	c, err := s.county(code)
	if err != nil {
		return nil, err
	}
	key, err := county.OperatorKey(c.Dir)
	if err != nil {
		return nil, &problem{key: "problem_operator_key", args: []any{c.OperatorKey}, cause: err}
	}
	shard, err := segment.ParseShardID(c.Shard)
	if err != nil {
		return nil, err
	}
	pin, err := hex.DecodeString(s.Pin)
	if err != nil || len(pin) != len(session.Pin{}) {
		return nil, fmt.Errorf("%s: the pin is damaged", servingFile)
	}
	return office.Connect(office.Config{Address: s.Address, Pin: session.Pin(pin), Shard: shard, Key: key})
}
