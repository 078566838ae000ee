// SPDX-License-Identifier: Apache-2.0

package county

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/backup"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const restoring = ".restoring-" // begins the name of a folder that is being restored

// Errors of Restore, beside those of package backup.
var (
	// ErrThere is wrapped when the data folder has the county already.
	ErrThere = errors.New("the county is in this data folder already")
	// ErrKeys is wrapped when the keys given are not all, or of another county.
	ErrKeys = errors.New("the county's keys are needed: shard.key and recipient.key")
)

// Restoration says what a county is restored from.
type Restoration struct {
	From     backup.County
	Backup   *backup.Backup
	Keys     []backup.KeyFile
	Author   string // who restores
	Progress func(done, total ledger.Size)
}

// Restored is what a restore came to.
type Restored struct {
	Dir   string
	Epoch ledger.Epoch
	Size  ledger.Size // leaves that came from the backup
	// NewPin: the TLS authority was not among the keys, so tablets will not know the server.
	NewPin bool
}

// Restore makes a county's folder under data from a backup, aside and then renamed, and
// begins a new epoch. One that was cut off goes on when it is called again for the same
// backup; syncengine.ErrOccupied says that it was for another.
func Restore(ctx context.Context, data string, r Restoration, m Means) (Restored, error) {
	shard := r.From.Shard.String()
	out := Restored{Dir: filepath.Join(data, shard), Size: r.Backup.Checkpoint.Size}
	if _, err := os.Stat(out.Dir); err == nil {
		return out, fmt.Errorf("%w: %s", ErrThere, out.Dir)
	}
	aside := filepath.Join(data, restoring+shard)
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return out, err
	}
	key, err := r.writeKeys(data, aside, m)
	if err != nil {
		return out, err
	}
	if out.Epoch, err = r.rebuild(ctx, aside, key, m); err != nil {
		return out, err
	}
	if err := auth.SyncFolder(aside); err != nil {
		return out, err
	}
	if err := os.Rename(aside, out.Dir); err != nil {
		return out, err
	}
	out.NewPin = !r.knows(filepath.Join(data, keysOfServer))
	return out, auth.SyncFolder(data)
}

// knows reports whether the TLS authority in a folder is the one among the keys.
func (r Restoration) knows(tls string) bool {
	const certificate = "ca.pem"
	there, err := os.ReadFile(filepath.Join(tls, certificate))
	return err == nil && slices.ContainsFunc(r.Keys, func(k backup.KeyFile) bool {
		return k.Name == path.Join(keysOfServer, certificate) && bytes.Equal(k.Content, there)
	})
}

// writeKeys puts the keys where they belong, unless they are there, and returns the
// shard's.
func (r Restoration) writeKeys(data, aside string, m Means) (ed25519.PrivateKey, error) {
	for _, k := range r.Keys {
		of, name, _ := strings.Cut(k.Name, "/")
		if name == "" || filepath.Base(name) != name || !filepath.IsLocal(name) {
			continue
		}
		switch of {
		case keysOfCounty:
			if err := writeOnce(aside, name, k.Content); err != nil {
				return nil, err
			}
		case keysOfServer:
			if err := writeOnce(filepath.Join(data, keysOfServer), name, k.Content); err != nil {
				return nil, err
			}
		}
	}
	if err := writeOnce(aside, codeFile, []byte(r.Backup.County+"\n")); err != nil {
		return nil, err
	}
	if err := r.makeOperator(aside, m); err != nil {
		return nil, err
	}
	key, err := auth.ReadSigningKey(filepath.Join(aside, shardFile))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	if segment.ShardOf(key.Public().(ed25519.PublicKey)) != r.From.Shard {
		return nil, fmt.Errorf("%w: shard.key is of another county; remove %s", ErrKeys, aside)
	}
	if _, err := auth.ReadRecipientKey(filepath.Join(aside, recipientFile)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	return key, nil
}

// makeOperator makes a new operator key where none was kept: no one but this server
// knows it.
func (r Restoration) makeOperator(aside string, m Means) error {
	file := filepath.Join(aside, operatorFile)
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	seed, err := read(m.Rand, ed25519.SeedSize)
	if err != nil {
		return err
	}
	return auth.WriteKey(file, ed25519.NewKeyFromSeed(seed))
}

// writeOnce writes a file that is not there yet, in a folder that may not be.
func writeOnce(dir, name string, content []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	err := auth.WriteNew(filepath.Join(dir, name), content, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func (r Restoration) rebuild(ctx context.Context, aside string, key ed25519.PrivateKey, m Means) (e ledger.Epoch, err error) {
	from, err := r.From.Rebuilding(r.Backup)
	if err != nil {
		return e, err
	}
	from.Progress = r.Progress
	file := filepath.Join(aside, storeFile)
	_, statErr := os.Stat(file)
	store, err := m.OpenStore(file, errors.Is(statErr, fs.ErrNotExist))
	if err != nil {
		return e, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := syncengine.Rebuild(ctx, m.config(r.Backup.County, store, key), from); err != nil {
		return e, err
	}
	return r.reopen(ctx, m.config(r.Backup.County, store, key), m)
}

// reopen begins the new epoch, unless an earlier call did, and lets numbers of backups
// go on from those in the folder. The newest one is known to be whole: it was just read.
func (r Restoration) reopen(ctx context.Context, cfg syncengine.Config, m Means) (e ledger.Epoch, err error) {
	engine, err := syncengine.Open(ctx, cfg)
	if err != nil {
		return e, err
	}
	if engine.Stopped() {
		if err := engine.Restore(ctx, r.Author); err != nil {
			return e, err
		}
	}
	newest, size := r.From.Newest(), ledger.Size(0)
	if newest.Number == r.Backup.Number {
		size = r.Backup.Checkpoint.Size
	}
	_, err = engine.MarkBackupAs(ctx, newest.Number, size, m.Clock())
	return engine.Epoch(), err
}
