// SPDX-License-Identifier: Apache-2.0

package office

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// ErrNotServing is wrapped when no server runs on a data folder.
var ErrNotServing = errors.New("no server is running on this folder")

// WhichCountyError says that a county must be named, and which there are.
type WhichCountyError struct{ Codes string }

func (e *WhichCountyError) Error() string { return "which county: " + e.Codes }

// KeyError says that the operator key cannot be read.
type KeyError struct {
	File string
	Err  error
}

func (e *KeyError) Error() string { return fmt.Sprintf("operator key %s: %v", e.File, e.Err) }

// Unwrap returns the cause.
func (e *KeyError) Unwrap() error { return e.Err }

// Serving says how this machine reaches the server that runs on a data folder: what
// serve leaves there for the office's commands, and prints for programs. It holds no
// secret but the first invitation, which is printed and never written.
type Serving struct {
	Address    string          `json:"address"`   // from this machine
	Addresses  []string        `json:"addresses"` // from elsewhere, best first
	Pin        string          `json:"pin"`
	PID        int             `json:"pid"`
	Data       string          `json:"data"`
	Counties   []ServingCounty `json:"counties"`
	Invitation string          `json:"invitation,omitempty"`
	Operate    string          `json:"operate,omitempty"` // where its figures are
}

// ServingCounty is one county of a running server.
type ServingCounty struct {
	Code        string `json:"code"`
	Shard       string `json:"shard"`
	Dir         string `json:"dir"`
	OperatorKey string `json:"operator_key"` // its file
	// Stopped says that it takes nothing until a restore: an older copy of its file was
	// put back, and a tablet has shown so.
	Stopped bool `json:"stopped,omitempty"`
}

const (
	servingFile     = "serving.json"
	operatorKeyFile = "operator.key" // in a county's folder, see package county
)

// ServingOf describes a server that listens; this machine reaches it at address.
func ServingOf(s *server.Server, data, address string) Serving {
	pin := s.Pin()
	out := Serving{Address: address, Addresses: s.Addresses(), Pin: hex.EncodeToString(pin[:]), PID: os.Getpid(), Data: data}
	for _, c := range s.Counties() {
		out.Counties = append(out.Counties, ServingCounty{
			c.Code, c.Shard().String(), c.Dir, filepath.Join(c.Dir, operatorKeyFile), c.Engine.Stopped(),
		})
	}
	return out
}

// Ready reports whether any county takes and gives something: one that is stopped
// does not.
func (s Serving) Ready() bool {
	return len(s.Counties) == 0 || slices.ContainsFunc(s.Counties, func(c ServingCounty) bool { return !c.Stopped })
}

// Write puts s into its data folder, whole or not at all.
func (s Serving) Write() error {
	s.Invitation = ""
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(s.Data, servingFile)
	if err := os.WriteFile(path+".new", append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Remove says that the server has stopped.
func (s Serving) Remove() error { return os.Remove(filepath.Join(s.Data, servingFile)) }

// ReadServing returns what runs on a data folder, or an error that wraps
// ErrNotServing. A server that was killed leaves its description behind.
func ReadServing(data string) (Serving, error) {
	var s Serving
	raw, err := os.ReadFile(filepath.Join(data, servingFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%s: %w", data, ErrNotServing)
	} else if err != nil {
		return s, err
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("%s: %w", servingFile, err)
	}
	return s, nil
}

// County returns the county with a code; "" is the only one. Error: a
// *WhichCountyError.
func (s Serving) County(code string) (ServingCounty, error) {
	codes := make([]string, len(s.Counties))
	for i, c := range s.Counties {
		if c.Code == code || code == "" && len(s.Counties) == 1 {
			return c, nil
		}
		codes[i] = c.Code
	}
	return ServingCounty{}, &WhichCountyError{strings.Join(codes, ", ")}
}

// Connect returns the office of a county; "" is the only one. Errors: a
// *WhichCountyError, a *KeyError.
func (s Serving) Connect(code string) (*Office, error) {
	c, err := s.County(code)
	if err != nil {
		return nil, err
	}
	key, err := county.OperatorKey(c.Dir)
	if err != nil {
		return nil, &KeyError{c.OperatorKey, err}
	}
	shard, err := segment.ParseShardID(c.Shard)
	if err != nil {
		return nil, err
	}
	pin, err := hex.DecodeString(s.Pin)
	if err != nil || len(pin) != len(session.Pin{}) {
		return nil, fmt.Errorf("%s: the pin is damaged", servingFile)
	}
	return Connect(Config{Address: s.Address, Pin: session.Pin(pin), Shard: shard, Key: key})
}
