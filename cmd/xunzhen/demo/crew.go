// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/tablet"
)

// crewTablet is one tablet of the demo with the book its saves are noted in.
type crewTablet struct {
	*tablet.Tablet
	name  string
	dir   string
	staff string
	book  *book
	clock func() time.Time
	// report is that of the last sync.
	report *tablet.SyncReport
	// newKeys says that a sync had to take a new key.
	newKey bool
}

// demoSecret opens every tablet of the demo.
const demoSecret = "xunzhen-demo"

// NowMs is the tablet's clock.
func (t *crewTablet) NowMs() int64 { return t.clock().UnixMilli() }

func (t *crewTablet) options() *tablet.Options {
	return &tablet.Options{Dir: t.dir, Clock: t, CheapSecrets: true}
}

// enrol makes the tablet one of the county.
func (t *crewTablet) enrol(ctx context.Context, invitation string) (err error) {
	if t.Tablet, err = tablet.Create(t.options(), demoSecret); err != nil {
		return err
	}
	return t.Enrol(ctx, invitation, t.staff, nil)
}

// copyTo makes another tablet out of this one's folder, as a careless restore does.
func (t *crewTablet) copyTo(dir, name string) (*crewTablet, error) {
	if err := t.Close(); err != nil {
		return nil, err
	}
	if err := copyFolder(t.dir, dir); err != nil {
		return nil, fmt.Errorf("copy a tablet: %w", err)
	}
	twin := &crewTablet{name: name, dir: dir, staff: t.staff, book: t.book, clock: t.clock}
	return twin, errors.Join(t.open(), twin.open())
}

// copyFolder copies files that only their owner may read.
func copyFolder(from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	})
}

func (t *crewTablet) open() (err error) {
	t.Tablet, err = tablet.OpenWith(t.options(), demoSecret)
	return err
}

// add saves a new record and notes it.
func (t *crewTablet) add(kind record.Kind, form proto.Message, subject, division string) (string, error) {
	json, err := care.FormatJSON(form)
	if err != nil {
		return "", err
	}
	saved, err := t.Add(kindName(kind), subject, division, string(json), "")
	if err != nil {
		return "", err
	}
	changes, err := created(kind, form, subject, division)
	if err != nil {
		return "", err
	}
	return saved.ID, t.book.write(saved.ID, saved.Dot, changes)
}

// register saves a person and the checkup, and returns their ids.
func (t *crewTablet) register(p person, today care.Date) (resident, checkup string, err error) {
	if resident, err = t.add(care.KindResident, p.resident(today), "", p.division.code); err != nil {
		return "", "", err
	}
	checkup, err = t.add(care.KindCheckup, p.checkup(today), resident, p.division.code)
	return resident, checkup, err
}

// screen is a form as a person has it open: what was shown, and the token that goes
// back with it.
type screen struct {
	kind  record.Kind
	token string
	shown proto.Message
}

// look opens a record's form.
func (t *crewTablet) look(id string) (screen, error) {
	r, err := t.Get(id)
	if err != nil {
		return screen{}, err
	}
	kind, ok := care.KindNamed(r.Kind)
	if !ok {
		return screen{}, fmt.Errorf("kind %s: %w", r.Kind, care.ErrUnknownKind)
	}
	m, err := care.ParseJSON(kind, []byte(r.JSON))
	return screen{kind, r.Form, m}, err
}

// edit opens a form, lets somebody change it, saves it and notes that.
func (t *crewTablet) edit(id string, change func(proto.Message)) error {
	s, err := t.look(id)
	if err != nil {
		return err
	}
	now := proto.Clone(s.shown)
	change(now)
	json, err := care.FormatJSON(now)
	if err != nil {
		return err
	}
	saved, err := t.Save(s.token, string(json), "")
	if err != nil {
		return err
	}
	changes, err := edited(s.kind, s.shown, now)
	if err != nil {
		return err
	}
	return t.book.write(saved.ID, saved.Dot, changes)
}

// void declares a record void and notes that.
func (t *crewTablet) void(id, reason string) error {
	s, err := t.look(id)
	if err != nil {
		return err
	}
	saved, err := t.Void(s.token, reason, "")
	if err != nil {
		return err
	}
	return t.book.write(saved.ID, saved.Dot, []record.Change{{Path: record.PathLife, Value: record.Voided(reason)}})
}

// tries is how often somebody presses sync before giving up for the day.
const tries = 8

// sync syncs, and again when the line broke too often for one sync.
func (t *crewTablet) sync(ctx context.Context, o *tablet.SyncOptions) error {
	var err error
	for range tries {
		t.report, err = t.Sync(ctx, o)
		if t.report != nil && t.report.NewReplica != "" {
			t.newKey = true
		}
		if r := tablet.ReasonOf(err); err == nil || ctx.Err() != nil || r != "unreachable" && r != "timeout" && r != "busy" {
			break
		}
	}
	return err
}

// quiet reports whether the last sync had nothing more to do.
func (t *crewTablet) quiet() bool {
	return t.report.Complete && t.report.Pushed == 0 && t.report.Received == 0 && t.report.Blocked == 0
}

func kindName(kind record.Kind) string {
	info, _ := care.Kinds().Lookup(kind)
	return info.Name
}
