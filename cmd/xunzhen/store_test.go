// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine/pgstore/pgtest"
)

// postgres starts a database for a test, or skips it.
func postgres(t *testing.T) string {
	t.Helper()
	server, err := pgtest.Start(context.Background())
	if errors.Is(err, pgtest.ErrNone) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server.DSN
}

// furtherFolder copies a server's data folder, as an operator does for a further server.
func furtherFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"serving*", "*/projections.db*"} {
		found, _ := filepath.Glob(filepath.Join(to, pattern))
		for _, name := range found {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	err := filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return errors.Join(err, os.Chmod(path, 0o700))
		}
		return os.Chmod(path, 0o600) // CopyFS gives everybody the right to read
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Two servers serve one county over one database: what one was given the other shows, a code of one is good
// at the other, a tablet goes on at the second when the first is gone, and the ledger is one.
func TestTwoServersServeOneCounty(t *testing.T) {
	one := newShell(t)
	one.env[storeVariable] = postgres(t)
	// The county is made, with the files that all its servers have.
	_, stop := one.serve("--county", "431124")
	if status := stop(); status != exitOK {
		t.Fatalf("status %d", status)
	}
	other := one.tablet("second")
	other.env["XUNZHEN_DATA"] = filepath.Join(t.TempDir(), "copy")
	furtherFolder(t, one.env["XUNZHEN_DATA"], other.env["XUNZHEN_DATA"])
	at1, stop1 := one.serve()
	at2, _ := other.serve()
	if at1.Pin != at2.Pin || len(at2.Counties) != 1 || at1.Counties[0].Shard != at2.Counties[0].Shard {
		t.Fatalf("not the same county: %+v, %+v", at1, at2)
	}

	enrol := func(at *shell, tablet *shell, who string, address string) {
		t.Helper()
		code := strings.TrimSpace(at.ok("enrol", "--scope", village, "--staff", who))
		tablet.ok("tablet", "enrol", code, "--address", address)
	}
	li, wang := one.tablet("li"), one.tablet("wang")
	enrol(one, li, "li", address(at2)) // a code of the first, taken at the second
	enrol(other, wang, "wang", address(at1))

	resident := li.save(`{"name": "王试春"}`, "--kind", "resident")
	li.ok("tablet", "sync", "--address", address(at1))
	wang.ok("tablet", "sync", "--address", address(at2))
	if out := wang.ok("tablet", "search", "试春"); !strings.Contains(out, resident) {
		t.Errorf("what the first was given the second does not show:\n%s", out)
	}
	wang.edit(resident, "phone", "138")
	wang.ok("tablet", "sync", "--address", address(at2))
	stop1()
	li.ok("tablet", "sync", "--address", address(at2))
	if got := li.show(resident).Values["phone"]; got != "138" {
		t.Errorf("after the first server is gone the phone is %v", got)
	}

	// What is derived catches up with what the other server was given.
	found := ""
	for range 100 {
		if found = other.ok("people", "search", "王试春"); strings.Contains(found, "138") || strings.Contains(found, "王试春") {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if !strings.Contains(found, "王试春") {
		t.Errorf("the second server's people do not have the resident:\n%s", found)
	}
	other.ok("verify", "--replay")
}

// address returns where a server listens.
func address(at office.Serving) string { return at.Address }

func TestAStoreThatIsNotWhereItIsLookedForIsNamed(t *testing.T) {
	dsn := postgres(t)
	file := newShell(t)
	_, stop := file.serve("--county", "431124")
	stop()
	file.fails(exitFailed, []string{"in its folder", "without --store"}, "serve", "--store", dsn)

	in := newShell(t)
	_, stop = in.serve("--county", "431124", "--store", dsn)
	stop()
	in.fails(exitFailed, []string{"in a database", "--store"}, "serve")
	in.fails(exitFailed, []string{"in a database", "--store"}, "verify")
	in.ok("verify", "--store", dsn)

	for at, says := range map[string]string{
		"somewhere": "address", "postgres://127.0.0.1:1/x?connect_timeout=2": "does not answer",
		strings.Replace(dsn, "dbname=postgres", "dbname=nowhere", 1): "address",
	} {
		in.fails(exitFailed, []string{says}, "serve", "--store", at)
	}
	_, stop = in.serve("--store", dsn)
	in.fails(exitFailed, []string{"server"}, "serve", "--store", dsn) // the same folder twice
	stop()
}
