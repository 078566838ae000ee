// SPDX-License-Identifier: Apache-2.0

// Package access writes the access log of a county: who took a file, or a list or a page with whole numbers
// and telephones, out of the system, and what for. Its entries are records like others, saved by the centre,
// so they stand signed in the ledger and in backups, and nobody takes one back unseen.
//
// The one invariant: an entry is on disk before the first byte of what it is about leaves. Whoever cannot
// write the entry hands nothing out.
//
// It never holds what was taken out, nor the name of a resident.
package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Codes of what is shown; those of tables stand where the tables are made.
const (
	WhatPeople = "people.search" // a page of a list of persons
	WhatPerson = "people.show"   // a person's page
)

// Operator is the Who of a session of the operator key; that of a desk is the id of its replica.
const Operator = "operator"

// Limits of an entry, in characters.
const (
	MaxWho     = 64
	MaxAuthor  = 64
	MaxWhat    = 64
	MaxPurpose = 200
	MaxPeriod  = 32
)

// Entry is one line of the log.
type Entry struct {
	At       time.Time       // by the centre's clock
	Who      string          // the installation: Operator, or the id of a desk's replica
	Author   string          // the staff id of who asked
	What     string          // code: lower-case letters, digits, and _ . - between them
	Purpose  string          // in words; never a resident's name
	Division record.Division // that it is about, 6 to 12 digits; the county's code for all of it
	Period   string          // that it is about, as asked for; empty: as things stand
	Rows     int
	Sha256   []byte    // of the file; empty for what is only shown
	Person   record.ID // whose page it is; zero: of no one person
}

// Saver saves by the centre's replica; *syncengine.Engine is one.
type Saver interface {
	Save(ctx context.Context, author string, saves ...syncengine.OfficeSave) ([]syncengine.Saved, error)
}

// Log writes an entry down to the disk. It goes to the whole county's scope: no village's tablet receives it.
// Errors: ReasonInvalid for an entry that is not whole, else Save's; then nothing may be handed out.
func Log(ctx context.Context, engine Saver, e Entry) error {
	save, err := e.save()
	if err != nil {
		return &syncengine.Error{Reason: syncengine.ReasonInvalid, Doing: "access log", Err: err}
	}
	if _, err := engine.Save(ctx, e.Author, save); err != nil {
		return fmt.Errorf("access log: %w", err)
	}
	return nil
}

// Book is the access log of one county.
type Book struct {
	Engine Saver
	County record.Division // its code, 6 digits
}

// Log is the function Log, for an entry that may leave its division out when it is about the whole county.
func (b Book) Log(ctx context.Context, e Entry) error {
	if e.Division == "" {
		e.Division = b.County
	}
	return Log(ctx, b.Engine, e)
}

func (e Entry) save() (syncengine.OfficeSave, error) {
	if err := e.check(); err != nil {
		return syncengine.OfficeSave{}, err
	}
	changes, err := care.Diff(care.KindAccessEntry, nil, e.form())
	if err != nil {
		return syncengine.OfficeSave{}, err
	}
	county := care.FullCode(e.Division[:care.LevelCounty])
	return syncengine.OfficeSave{
		Kind: care.KindAccessEntry, Changes: append(changes, record.Change{Path: record.PathScope, Value: record.Of([]byte(county))}),
	}, nil
}

func (e Entry) check() error {
	if len(e.Division) < int(care.LevelCounty) || !e.Division.ValidPrefix() {
		return errors.New("division must have 6 to 12 digits")
	}
	if e.At.IsZero() || e.Rows < 0 || len(e.Sha256) != 0 && len(e.Sha256) != 32 {
		return errors.New("time, rows or digest")
	}
	if !code(e.What) {
		return errors.New("what must be a code")
	}
	for _, f := range []struct {
		name, text string
		most       int
		empty      bool
	}{
		{"who", e.Who, MaxWho, false},
		{"author", e.Author, MaxAuthor, false},
		{"what", e.What, MaxWhat, false},
		{"purpose", strings.TrimSpace(e.Purpose), MaxPurpose, false},
		{"period", e.Period, MaxPeriod, true},
	} {
		if n := utf8.RuneCountInString(f.text); n > f.most || n == 0 && !f.empty || !utf8.ValidString(f.text) {
			return fmt.Errorf("%s of %d characters", f.name, n)
		}
	}
	return nil
}

// code reports whether text is a code: it cannot say anything about anybody.
func code(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == "" && text[0] >= 'a' && text[0] <= 'z'
}

func (e Entry) form() *carev1.AccessEntry {
	m := &carev1.AccessEntry{
		AtMs: e.At.UnixMilli(), Author: e.Author, Installation: e.Who, What: e.What, Purpose: strings.TrimSpace(e.Purpose),
		Division: string(e.Division), Period: e.Period, Rows: proto.Int64(int64(e.Rows)), Sha256: e.Sha256,
	}
	if !e.Person.IsZero() {
		m.PersonId = e.Person[:]
	}
	return m
}

// entryOf reads what form writes.
func entryOf(m *carev1.AccessEntry) Entry {
	e := Entry{
		At: time.UnixMilli(m.GetAtMs()).UTC(), Who: m.GetInstallation(), Author: m.GetAuthor(), What: m.GetWhat(), Purpose: m.GetPurpose(),
		Division: record.Division(m.GetDivision()), Period: m.GetPeriod(), Rows: int(m.GetRows()), Sha256: m.GetSha256(),
	}
	if len(m.GetPersonId()) == len(e.Person) {
		e.Person = record.ID(m.GetPersonId())
	}
	return e
}
