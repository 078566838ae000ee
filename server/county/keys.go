// SPDX-License-Identifier: Apache-2.0

package county

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xunzhen/xunzhen/syncengine/backup"
)

// Names of key files in a backup begin with what they belong to.
const (
	keysOfCounty = "county"
	keysOfServer = "tls"
)

// Keys returns what a county cannot be restored without and no ledger holds: the files
// beside its store, and those of the server's TLS authority, by whose pin tablets know it.
func (c *County) Keys(tls string) ([]backup.KeyFile, error) {
	out, err := readKeys(c.Dir, keysOfCounty)
	if err != nil {
		return nil, err
	}
	server, err := readKeys(tls, keysOfServer)
	return append(out, server...), err
}

// readKeys reads the files of a folder that a backup is to have: all keys, former ones
// too, and the few others that a county or an authority consists of.
func readKeys(dir, as string) (out []backup.KeyFile, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !isKey(e.Name()) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		out = append(out, backup.KeyFile{Name: path.Join(as, e.Name()), Content: content})
	}
	return out, nil
}

func isKey(name string) bool {
	return strings.HasSuffix(name, ".key") || slices.Contains([]string{codeFile, rosterFile, "ca.pem"}, name)
}

// KeysKeptApart reads the keys of a shard that somebody kept: dir is a copy of a data
// folder, or of the county's folder in one.
func KeysKeptApart(dir, shard string) ([]backup.KeyFile, error) {
	of := filepath.Join(dir, shard)
	if _, err := os.Stat(filepath.Join(of, shardFile)); err != nil {
		of = dir
	}
	out, err := readKeys(of, keysOfCounty)
	if err != nil {
		return nil, err
	}
	server, err := readKeys(filepath.Join(dir, keysOfServer), keysOfServer)
	return append(out, server...), err
}
