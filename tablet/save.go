// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Saved is a save that is on disk.
type Saved struct {
	ID  string // the record
	Dot string // names the save
	// Form is the token of the same form as it now stands on the screen: a further
	// save from it goes on from this one.
	Form string
	// Warning says early what the centre will hold it for, in a word: author,
	// division, class; "" none. The save is kept all the same.
	Warning string
	// Changes are all registers that it wrote, those of the header included, in
	// order of path.
	Changes *ChangeList
}

// Change is one register that a save wrote.
type Change struct {
	Path    string // for people, as in Conflict
	RawPath []byte // as it travels
	Cleared bool
	Value   []byte // wire bytes; none when cleared
}

// Add saves a new record of a kind: about a resident (no subject for a kind that is
// about none, such as a resident itself or a household), in a division, with a form as JSON. An empty division means the only
// village this tablet is for. An empty author is who unlocked the tablet. Keys of
// map entries are drawn anew, whatever the JSON has. Reasons: unknown_kind,
// subject, division, no_scope, json, author, too_large, locked.
func (t *Tablet) Add(kind, subjectID, division, json, author string) (*Saved, error) {
	q, k, err := t.newRecord(kind, subjectID, division)
	if err != nil {
		return nil, fail("add", err)
	}
	s, err := t.saveForm(form{}, k, q, json, author)
	return s, fail("add", err)
}

func (t *Tablet) newRecord(kind, subjectID, division string) (replica.SaveRequest, record.Kind, error) {
	var q replica.SaveRequest
	k, ok := care.KindNamed(kind)
	if !ok {
		return q, 0, fmt.Errorf("kind %q: %w", kind, care.ErrUnknownKind)
	}
	q.Kind = k
	switch {
	case !care.AboutResident(k) && subjectID != "":
		return q, k, fmt.Errorf("a %s is about no resident: %w", kind, errSubject)
	case care.AboutResident(k):
		subject, err := record.ParseID(subjectID)
		if err != nil || subject.Kind() != care.KindResident {
			return q, k, errSubject
		}
		q.Subject = subject
	}
	var err error
	q.Scope, err = t.scopeOf(division)
	return q, k, err
}

// scopeOf reads a division code; none is the only village of the certificate.
func (t *Tablet) scopeOf(division string) (record.Division, error) {
	if division != "" {
		d, err := care.ParseDivision(division)
		return care.FullCode(d), err
	}
	ctx := context.Background()
	cert, err := t.certificate(ctx)
	if err != nil {
		return "", replica.ErrNoScope
	}
	divisions, err := t.inForce(ctx, cert.Divisions)
	if err != nil || len(divisions) != 1 || !divisions[0].Valid() {
		return "", replica.ErrNoScope
	}
	return divisions[0], nil
}

// inForce returns the divisions of a certificate without those whose codes were changed, as
// far as this tablet has heard: for a while a certificate names both.
func (t *Tablet) inForce(ctx context.Context, divisions []record.Division) ([]record.Division, error) {
	if len(divisions) < 2 {
		return divisions, nil
	}
	screens, err := t.rep().List(ctx, replica.Query{Kind: care.KindDivisionChange})
	if err != nil {
		return nil, err
	}
	var changes []care.DivisionChange
	for _, s := range screens {
		if change, ok := care.DivisionChangeOf(s.Registers); ok {
			changes = append(changes, change)
		}
	}
	recoding, today := care.NewRecoding(changes), care.DateOf(time.UnixMilli(t.opts.Clock.NowMs()))
	return slices.DeleteFunc(slices.Clone(divisions), func(d record.Division) bool {
		now, ok := recoding.Now(d, today)
		return ok && now != d && now.WithinAny(divisions)
	}), nil
}

// Save saves an edited form: form is its token, json what the person made of it.
// Only what differs from what was shown is saved; what reviewers said stays where json
// leaves it out; a form without any difference is
// refused with reason unchanged. Further reasons: form, departed, json, author,
// too_large, locked.
func (t *Tablet) Save(form, json, author string) (*Saved, error) {
	f, err := parseForm(form)
	if err != nil {
		return nil, fail("save", err)
	}
	s, err := t.saveForm(f, f.shown.Record.Kind(), replica.SaveRequest{}, json, author)
	return s, fail("save", err)
}

func (t *Tablet) saveForm(f form, kind record.Kind, q replica.SaveRequest, json, author string) (*Saved, error) {
	edited, err := care.ParseJSON(kind, []byte(json))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errJSON)
	}
	return t.saveMessage(f, kind, q, edited, author)
}

func (t *Tablet) saveMessage(f form, kind record.Kind, q replica.SaveRequest, edited proto.Message, author string) (*Saved, error) {
	shown, err := care.Message(kind, f.registers)
	if err != nil {
		return nil, err
	}
	if err := drawKeys(rand.Reader, shown.ProtoReflect(), edited.ProtoReflect()); err != nil {
		return nil, err
	}
	return t.saveDrawn(f, kind, q, edited, author)
}

// saveDrawn is saveMessage for a form whose new map entries have their keys already.
func (t *Tablet) saveDrawn(f form, kind record.Kind, q replica.SaveRequest, edited proto.Message, author string) (*Saved, error) {
	changes, err := care.Diff(kind, f.registers, edited)
	if err != nil {
		return nil, err
	}
	if len(changes) == 0 && !f.shown.Record.IsZero() {
		return nil, errSame
	}
	q.Changes = changes
	return t.save(f, q, author)
}

// Void declares a record void that was saved by mistake. Beside somebody's edit
// that the form did not show it becomes a conflict that people resolve.
func (t *Tablet) Void(form, reason, author string) (*Saved, error) {
	s, err := t.saveRegister(form, record.PathLife, record.Voided(reason), author)
	return s, fail("void", err)
}

// Restore takes a record out of the void again.
func (t *Tablet) Restore(form, author string) (*Saved, error) {
	s, err := t.saveRegister(form, record.PathLife, record.Active(), author)
	return s, fail("restore", err)
}

// Move saves that a record belongs to another division. It needs rights on the old
// one only.
func (t *Tablet) Move(form, division, author string) (*Saved, error) {
	d, err := care.ParseDivision(division)
	if err != nil {
		return nil, fail("move", err)
	}
	s, err := t.saveRegister(form, record.PathScope, record.Of([]byte(care.FullCode(d))), author)
	return s, fail("move", err)
}

// Resolve saves a person's choice between the siblings shown at a path: the value
// that the save named dot bore. To choose another value, edit the form and save it.
func (t *Tablet) Resolve(form, path, dot, author string) (*Saved, error) {
	s, err := t.resolve(form, path, dot, author)
	return s, fail("resolve", err)
}

func (t *Tablet) resolve(token, path, dot, author string) (*Saved, error) {
	f, err := parseForm(token)
	if err != nil {
		return nil, err
	}
	p, err := care.ParsePath(f.shown.Record.Kind(), path)
	if err != nil {
		return nil, err
	}
	d, err := causal.ParseDot(dot)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errPath)
	}
	for _, g := range f.registers {
		i := slices.IndexFunc(g.Siblings, func(s record.Sibling) bool { return s.Dot == d })
		if g.Path == p && i >= 0 {
			return t.saveRegister(token, p, g.Siblings[i].Value, author)
		}
	}
	return nil, errPath
}

// saveRegister saves one register over all that the form showed there.
func (t *Tablet) saveRegister(token string, p record.Path, v record.Value, author string) (*Saved, error) {
	f, err := parseForm(token)
	if err != nil {
		return nil, err
	}
	change := record.Change{Path: p, Value: v, Parents: f.parents(p)}
	return t.save(f, replica.SaveRequest{Changes: []record.Change{change}}, author)
}

func (t *Tablet) save(f form, q replica.SaveRequest, author string) (*Saved, error) {
	if !t.vault.Unlocked() {
		return nil, replica.ErrLocked
	}
	if q.Author = author; author == "" {
		q.Author = t.unlockedBy()
	}
	if q.Author == "" {
		return nil, errAuthor
	}
	q.Shown = f.shown
	saved, err := t.keepSave(q)
	if err != nil {
		return nil, err
	}
	t.renamed(saved.Record)
	t.changed(saved.Record, q.Subject)
	t.recount(context.Background(), saved.Record)
	changes := whole(q)
	return &Saved{
		ID: saved.Record.String(), Dot: saved.Dot.String(),
		Form:    f.after(changes, saved).token(),
		Warning: t.warning(q, saved.Record.Kind()),
		Changes: changeList(saved.Record.Kind(), changes),
	}, nil
}

// keepSave has the replica save. When there is no room it moves the store's log out of
// the way and tries once more; the reserve is not for saves.
func (t *Tablet) keepSave(q replica.SaveRequest) (replica.Saved, error) {
	ctx := context.Background()
	saved, err := t.rep().Save(ctx, q)
	if err = t.noRoom(err); errors.Is(err, errNoRoom) {
		t.settle()
		saved, err = t.rep().Save(ctx, q)
	}
	return saved, t.noRoom(err)
}

func changeList(kind record.Kind, changes []record.Change) *ChangeList {
	out := &ChangeList{}
	for _, c := range changes {
		out.all = append(out.all, &Change{
			Path: care.FormatPath(kind, c.Path), RawPath: []byte(c.Path),
			Cleared: c.Value.Form == record.Clear, Value: c.Value.Bytes,
		})
	}
	slices.SortFunc(out.all, func(a, b *Change) int { return bytes.Compare(a.RawPath, b.RawPath) })
	return out
}

// whole returns the changes of a request with those that the replica adds.
func whole(q replica.SaveRequest) []record.Change {
	all := slices.Clone(q.Changes)
	add := func(p record.Path, v record.Value) {
		if !slices.ContainsFunc(all, func(c record.Change) bool { return c.Path == p }) {
			all = append(all, record.Change{Path: p, Value: v})
		}
	}
	add(record.PathLife, record.Active())
	if q.Shown.Scope.Dot.IsZero() {
		add(record.PathScope, record.Of([]byte(q.Scope)))
	}
	if q.Shown.Record.IsZero() && !q.Subject.IsZero() {
		add(record.PathSubject, record.Of(q.Subject[:]))
	}
	return all
}

// warning says what the certificate does not cover, as the centre will judge it.
func (t *Tablet) warning(q replica.SaveRequest, kind record.Kind) string {
	cert, err := t.certificate(context.Background())
	if err != nil {
		return "" // not enrolled: nobody knows yet
	}
	scope := q.Shown.Scope.Division
	if scope == "" {
		scope = q.Scope
	}
	info, _ := care.Kinds().Lookup(kind)
	switch {
	case !cert.AllowsAuthor(q.Author):
		return "author"
	case !scope.WithinAny(cert.Divisions):
		return "division"
	case !cert.AllowsClass(info.Class):
		return "class"
	}
	return ""
}

func (t *Tablet) certificate(ctx context.Context) (segment.Certificate, error) {
	return t.rep().Certificate(ctx)
}

func (t *Tablet) unlockedBy() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.staff
}
