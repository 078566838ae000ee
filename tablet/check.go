// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// Check is an edited form that was looked at and is not saved: what the rules find about
// it, and what they offer for it. What was looked at is what its Save saves. Nothing here
// refuses a form: whatever is found, it can be saved. One goroutine at a time may use it.
type Check struct {
	t      *Tablet
	book   *rulebook
	form   form                // as it was opened; zero for a new record
	new    replica.SaveRequest // of a new record
	scope  error               // why a new record has no division yet
	kind   record.Kind
	shown  proto.Message
	edited proto.Message
	person *rules.Person
	entry  rules.Entry
	asOf   care.Date

	before    map[string]bool // what was found about the form as it was opened
	put       map[string]bool // paths that were filled in here
	findings  []*Finding
	proposals []*Proposal
	filled    []*Proposal
}

// Check looks at an edited form before it is saved: form is its token, json what the
// person made of it, as Save takes both. What the schema says is computed is filled in.
// Reasons: form, json, locked.
func (t *Tablet) Check(form, json string) (*Check, error) {
	c, err := t.check(form, json)
	return c, fail("check", err)
}

func (t *Tablet) check(token, json string) (*Check, error) {
	f, shown, err := openForm(token)
	if err != nil {
		return nil, err
	}
	c := &Check{t: t, form: f, kind: f.shown.Record.Kind(), shown: shown}
	c.entry = rules.Entry{ID: f.shown.Record, Kind: c.kind, CapturedAt: care.CapturedAt(f.registers)}
	if g := f.displayed(record.PathSubject); len(g.Bytes) == len(record.ID{}) {
		c.entry.Subject = record.ID(g.Bytes)
	}
	if s, err := t.rep().View(context.Background(), f.shown.Record); err == nil {
		c.entry.CapturedAt = care.CapturedAt(s.Registers) // a token does not say when
	}
	return c, c.look(json)
}

// CheckNew is Check for a new record, as Add takes it. Where the tablet is for several
// villages and none is given, Save will ask for one. Reasons: unknown_kind, subject,
// division, json, locked.
func (t *Tablet) CheckNew(kind, subjectID, division, json string) (*Check, error) {
	c, err := t.checkNew(kind, subjectID, division, json)
	return c, fail("check", err)
}

func (t *Tablet) checkNew(kind, subjectID, division, json string) (*Check, error) {
	q, k, err := t.newRecord(kind, subjectID, division)
	c := &Check{t: t, kind: k, new: q}
	if errors.Is(err, replica.ErrNoScope) {
		c.scope, err = err, nil
	}
	if err != nil {
		return nil, err
	}
	if c.shown, err = care.New(k); err != nil {
		return nil, err
	}
	c.entry = rules.Entry{Kind: k, Subject: q.Subject, CapturedAt: t.now()}
	return c, c.look(json)
}

// CheckDocument is Check or CheckNew for what SaveDocument takes.
func (t *Tablet) CheckDocument(text string) (*Check, error) {
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return nil, fail("check", fmt.Errorf("%w: %w", err, errJSON))
	}
	switch {
	case d.Form != "":
		return t.Check(d.Form, string(d.Values))
	case d.ID != "":
		return nil, fail("check", fmt.Errorf("of record %s: %w", d.ID, errForm))
	}
	return t.CheckNew(d.Kind, d.Subject, d.Division, string(d.Values))
}

// look reads the form and looks at it for the first time.
func (c *Check) look(json string) error {
	ctx := context.Background()
	if !c.t.vault.Unlocked() {
		return replica.ErrLocked
	}
	var err error
	if c.edited, err = care.ParseJSON(c.kind, []byte(json)); err != nil {
		return fmt.Errorf("%w: %w", err, errJSON)
	}
	if err := drawKeys(rand.Reader, c.shown.ProtoReflect(), c.edited.ProtoReflect()); err != nil {
		return err
	}
	if c.book, err = c.t.rules(ctx); err != nil {
		return err
	}
	c.put, c.asOf, c.entry.Form = map[string]bool{}, c.t.today(), c.edited
	if err := c.whose(ctx); err != nil {
		return err
	}
	c.foundBefore()
	return c.compute()
}

// foundBefore keeps what was found already about the form as it was opened.
func (c *Check) foundBefore() {
	c.before = map[string]bool{}
	if c.form.shown.Record.IsZero() {
		return
	}
	opened := c.entry
	opened.Form = c.shown
	for _, f := range c.book.Check(c.person, opened, c.asOf) {
		c.before[sameFinding(f)] = true
	}
}

// sameFinding is equal for findings that say the same about one form.
func sameFinding(f *carev1.Finding) string {
	return strings.Join(append([]string{f.GetRuleId(), f.GetMessageZh()}, f.GetPaths()...), "\x00")
}

// whose reads the person that the form is about.
func (c *Check) whose(ctx context.Context) error {
	id := c.entry.Subject
	if c.kind == care.KindResident {
		id = c.entry.ID
	}
	if id.IsZero() {
		c.person = rules.NewPerson(id, nil)
		return nil
	}
	k, err := c.t.person(ctx, id)
	if err == nil {
		c.person = k.Person
	}
	return err
}

// again looks at the form as it now is.
func (c *Check) again() {
	c.findings, c.proposals = nil, nil
	for _, f := range c.book.Check(c.person, c.entry, c.asOf) {
		c.findings = append(c.findings, c.finding(f))
	}
	slices.SortStableFunc(c.findings, gravest)
	offers, faults := c.book.Proposals(c.person, c.entry, c.asOf)
	for _, f := range faults {
		c.findings = append(c.findings, c.finding(f))
	}
	for _, o := range offers {
		if p, ok := c.proposal(o); ok {
			c.proposals = append(c.proposals, p)
		}
	}
}

func (c *Check) finding(f *carev1.Finding) *Finding {
	out := findingOf(f, c.edited)
	check := c.book.checks[f.GetRuleId()]
	out.Missing = check == carev1.SchemaCheck_SCHEMA_CHECK_REQUIRED
	out.MustConfirm = !f.GetFault() && (out.Severity == SeverityError || out.Severity == SeverityWarning) &&
		(!c.isDraft() || c.isFilled(f.GetPaths())) && !c.before[sameFinding(f)]
	if check == carev1.SchemaCheck_SCHEMA_CHECK_HARD_RANGE || check == carev1.SchemaCheck_SCHEMA_CHECK_WARN_RANGE {
		_, holds := confirmationsOf(c.edited.ProtoReflect())
		out.Confirmable = holds && c.confirmable(f.GetPaths())
	}
	return out
}

// isFilled reports whether something stands at one of the paths.
func (c *Check) isFilled(paths []string) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		s, ok := spotAt(c.edited.ProtoReflect(), path)
		return ok && s.holder.Has(s.field)
	})
}

// isDraft reports whether nobody says yet that the form is complete.
func (c *Check) isDraft() bool {
	at, ok := care.StandingOf(c.edited)
	return ok && at.Stage == care.StageDraft
}

// Findings returns what the rules find about the form, the gravest first.
func (c *Check) Findings() *FindingList { return &FindingList{c.findings} }

// Proposals returns what the rules offer for the form's fields, each with its reason.
func (c *Check) Proposals() *ProposalList { return &ProposalList{c.proposals} }

// Filled returns what was filled in so far: computed fields, and what Fill put.
func (c *Check) Filled() *ProposalList { return &ProposalList{c.filled} }

// Rules returns which rule pack was asked.
func (c *Check) Rules() *Rules {
	r := c.book.named
	return &r
}

// MustConfirm reports whether a person should say that the form is meant as it is before
// it is saved: something is found to be wrong or odd that was not found about the form
// as it was opened. In a draft, what is not there yet is no such thing.
func (c *Check) MustConfirm() bool {
	return slices.ContainsFunc(c.findings, func(f *Finding) bool { return f.MustConfirm })
}

// JSON returns the form as it now is, for a screen. Entries of keyed lists have the keys
// that they will be saved under.
func (c *Check) JSON() (string, error) {
	text, err := care.FormatJSON(c.edited)
	return string(text), fail("check", err)
}

// Save saves the form as it now is. An empty author is who unlocked the tablet. It can be
// saved once; afterwards the saved form is what is open. Reasons are those of Save and Add.
func (c *Check) Save(author string) (*Saved, error) {
	s, err := c.save(author)
	return s, fail("save", err)
}

func (c *Check) save(author string) (*Saved, error) {
	isNew := c.form.shown.Record.IsZero()
	if isNew && c.scope != nil {
		return nil, c.scope
	}
	s, err := c.t.saveDrawn(c.form, c.kind, c.new, c.edited, author)
	if err != nil {
		return nil, err
	}
	if c.form, c.shown, err = openForm(s.Form); err != nil {
		return nil, err
	}
	c.new, c.entry.ID = replica.SaveRequest{}, c.form.shown.Record
	return s, nil
}

// displayed returns the value shown at a path, the displayed one.
func (f form) displayed(p record.Path) record.Value {
	for _, g := range f.registers {
		if g.Path == p && len(g.Siblings) > 0 {
			return g.Siblings[0].Value
		}
	}
	return record.Value{}
}

// confirmationsOf returns the field of a form that keeps what was confirmed, and whether
// the form has one.
func confirmationsOf(m protoreflect.Message) (protoreflect.FieldDescriptor, bool) {
	f := m.Descriptor().Fields().ByName("confirmed_values")
	ok := f != nil && f.IsMap() && f.MapValue().Message() != nil &&
		f.MapValue().Message().FullName() == (&carev1.ConfirmedValue{}).ProtoReflect().Descriptor().FullName()
	return f, ok
}
