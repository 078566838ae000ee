// SPDX-License-Identifier: Apache-2.0

package pgstore

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// forbidden is what some engine on PostgreSQL's wire does not have, or has with another meaning.
var forbidden = regexp.MustCompile(`(?i)\b(RETURNING|ON\s+CONFLICT|SERIAL|BIGSERIAL|SEQUENCE|NEXTVAL|GENERATED|pg_\w*advisory\w*|LISTEN|NOTIFY|TRIGGER|LOCK\s+TABLE|MERGE\s+INTO|WITH\s+RECURSIVE|xmin|ctid)\b`)

func TestTheSQLIsPortable(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(more) == 0 {
		t.Fatal(err, "no migrations")
	}
	questions := 0
	for _, name := range append(files, more...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			code, _, _ := strings.Cut(line, "--")
			if code, _, _ = strings.Cut(code, "//"); forbidden.MatchString(code) {
				t.Errorf("%s:%d: %s", name, i+1, forbidden.FindString(code))
			}
			if strings.Contains(code, "FROM xz_") || strings.Contains(code, "UPDATE xz_") {
				questions++
			}
		}
	}
	if questions < 20 {
		t.Errorf("only %d questions were looked at", questions)
	}
	for _, bad := range []string{"INSERT … ON  CONFLICT DO", "x bigserial", "select pg_advisory_lock(1)", "returning id"} {
		if !forbidden.MatchString(bad) {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestEveryTableIsKeyedByTheShardFirst(t *testing.T) {
	all, err := steps()
	if err != nil {
		t.Fatal(err)
	}
	keys := regexp.MustCompile(`(?m)PRIMARY KEY \((\w+)|ON xz_\w+ \((\w+)`)
	found := 0
	for _, s := range all {
		for _, m := range keys.FindAllStringSubmatch(s.text, -1) {
			if found++; m[1]+m[2] != "shard" {
				t.Errorf("%s: %s", s.name, m[0])
			}
		}
	}
	if found < 12 {
		t.Errorf("only %d keys were looked at", found)
	}
}
