// SPDX-License-Identifier: Apache-2.0

package county

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

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

// readKeys reads the key files of a folder: all that a backup is to have of it.
func readKeys(dir, as string) (out []backup.KeyFile, err error) {
	names := []string{codeFile, shardFile, recipientFile, operatorFile}
	if as == keysOfServer {
		names = []string{"ca.key", "ca.pem"}
	}
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, backup.KeyFile{Name: path.Join(as, name), Content: content})
	}
	return out, nil
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
