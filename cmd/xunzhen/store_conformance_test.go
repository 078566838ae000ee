// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestADatabaseIsHeldAgainstThePromises(t *testing.T) {
	dsn := postgres(t)
	t.Setenv(childVariable, "1")
	s := newShell(t)
	got := decode[conformance](t, s.ok("store", "conformance", "--dsn", dsn, "--seeds", "2", "--json"))
	if got.Broken != 0 || got.Kept < 40 || !strings.Contains(got.Engine, "PostgreSQL") {
		t.Errorf("%+v", got)
	}
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context()) //nolint:errcheck // nothing is lost with it
	left := -1
	if err := c.QueryRow(t.Context(), `SELECT count(*) FROM xz_shards`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d shards are left: %v", left, err)
	}

	// A database that loses what it acknowledged is found out, and it is said what it did.
	for _, text := range []string{
		`CREATE FUNCTION forget() RETURNS trigger AS $$ BEGIN RETURN NULL; END $$ LANGUAGE plpgsql`,
		`CREATE TRIGGER forget BEFORE INSERT ON xz_departures FOR EACH ROW EXECUTE FUNCTION forget()`,
	} {
		if _, err := c.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	status, out, errs := s.run("store", "conformance", "--dsn", dsn, "--seeds", "1")
	if status != exitFailed || !strings.Contains(out, "BROKEN") || !strings.Contains(out, "departure") || !strings.Contains(errs, "not safe") {
		t.Errorf("status %d\n%s\n%s", status, out, errs)
	}
	says(t, out, "kept    an empty store answers every question with nothing", "departures.go:")
}
