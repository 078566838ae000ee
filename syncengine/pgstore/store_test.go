// SPDX-License-Identifier: Apache-2.0

//go:build unix

package pgstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/pgstore"
	"github.com/xunzhen/xunzhen/syncengine/pgstore/pgtest"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/storetest"
)

// database is the one that all tests share, each with shards of its own; nil: there is none.
var (
	database *pgstore.Database
	dsn      string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	server, err := pgtest.Start(context.Background())
	switch {
	case errors.Is(err, pgtest.ErrNone):
		fmt.Println("SKIPPED: nothing of PostgreSQL is tested:", err)
	case err != nil:
		fmt.Println(err)
		return 1
	default:
		defer server.Stop()
		dsn = server.DSN
		if database, err = pgstore.Connect(context.Background(), server.DSN); err != nil {
			fmt.Println(err)
			return 1
		}
		defer database.Close()
	}
	return m.Run()
}

// fresh returns an empty store.
func fresh(t testing.TB) *pgstore.Store {
	t.Helper()
	if database == nil {
		t.Skip("no PostgreSQL")
	}
	var shard segment.ShardID
	if _, err := rand.Read(shard[:]); err != nil {
		t.Fatal(err)
	}
	s, err := database.Open(t.Context(), shard, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) syncengine.Store { return fresh(t) })
}

func TestRandomUpdatesAgreeWithMemory(t *testing.T) {
	for seed := range uint64(6) {
		storetest.Compare(t, seed, 40, memstore.New(), fresh(t))
	}
}
