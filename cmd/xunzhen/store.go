// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/pgstore"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// storeFlag says where records are kept when that is not the data folder.
type storeFlag struct {
	Store string `help:"help_store" placeholder:"postgres://…"`
}

const storeVariable = "XUNZHEN_STORE"

// elsewhereFile stands in a county's folder whose records are in a database. It has no secret in it.
const elsewhereFile = "store"

var (
	errElsewhere = errors.New("the county's records are in a database")
	errInFolder  = errors.New("the county's records are in a file of its folder")
)

// connectFor is how long a database may take to answer at the start.
const connectFor = 30 * time.Second

// openStore opens the stores of counties by their path in the data folder.
type openStore func(path string, create bool) (syncengine.Store, error)

// connect returns how stores are opened, and what ends that.
func (f storeFlag) connect(c *call) (openStore, func(), error) {
	at := cmp.Or(f.Store, c.Env(storeVariable))
	if at == "" {
		return openInFolder, func() {}, nil
	}
	if !strings.HasPrefix(at, "postgres://") && !strings.HasPrefix(at, "postgresql://") && !strings.Contains(at, "=") {
		return nil, nil, problemf("problem_store_address")
	}
	ctx, cancel := context.WithTimeout(c.ctx, connectFor)
	defer cancel()
	db, err := pgstore.Connect(ctx, at)
	if err != nil {
		return nil, nil, explainDatabase(err)
	}
	return func(path string, create bool) (syncengine.Store, error) {
		return openInDatabase(c.ctx, db, path, create)
	}, db.Close, nil
}

// openInFolder opens the file, unless the county's records are in a database: another history would begin.
func openInFolder(path string, create bool) (syncengine.Store, error) {
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), elsewhereFile)); err == nil {
		return nil, errElsewhere
	}
	return sqlitestore.Open(path, sqlitestore.Options{Create: create})
}

// openInDatabase opens the shard whose folder the file would be in. The folder is locked as the file would
// lock it: one server has it at a time, and each further one has a copy of its own.
func openInDatabase(ctx context.Context, db *pgstore.Database, path string, create bool) (syncengine.Store, error) {
	dir := filepath.Dir(path)
	shard, err := segment.ParseShardID(strings.TrimPrefix(filepath.Base(dir), ".new-"))
	if err != nil {
		return nil, err
	}
	mark := filepath.Join(dir, elsewhereFile)
	if _, err := os.Stat(mark); errors.Is(err, fs.ErrNotExist) && !create {
		if _, err := os.Stat(path); err == nil {
			return nil, errInFolder
		}
	}
	release, err := sqlitefile.Hold(path)
	if err != nil {
		return nil, err
	}
	s, err := db.Open(ctx, shard, create)
	if err == nil {
		err = os.WriteFile(mark, []byte("postgres\n"), 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, release())
	}
	return heldStore{s, release}, nil
}

// heldStore lets the folder go when it is closed.
type heldStore struct {
	syncengine.Store
	release func() error
}

// Close closes the store.
func (s heldStore) Close() error { return errors.Join(s.Store.Close(), s.release()) }

// databaseProblems are what a database may say, and what a person reads of it.
var databaseProblems = []struct {
	err error
	key string
}{
	{errElsewhere, "problem_store_elsewhere"},
	{errInFolder, "problem_store_in_folder"},
	{pgstore.ErrAddress, "problem_store_address"},
	{pgstore.ErrUnreachable, "problem_store_unreachable"},
	{pgstore.ErrRights, "problem_store_rights"},
	{pgstore.ErrNewer, "problem_store_newer"},
	{pgstore.ErrForeign, "problem_store_foreign"},
	{pgstore.ErrReadOnly, "problem_store_read_only"},
	{pgstore.ErrNoShard, "problem_store_no_shard"},
	{syncengine.ErrAgain, "problem_store_unreachable"},
	{context.DeadlineExceeded, "problem_store_unreachable"},
}

// explainDatabase says what is wrong with a database, or with where records are looked for.
func explainDatabase(err error) error {
	for _, p := range databaseProblems {
		if errors.Is(err, p.err) {
			return &problem{key: p.key, cause: err}
		}
	}
	return err
}
