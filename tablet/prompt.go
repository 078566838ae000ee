// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// What a prompt is about.
const (
	PromptReturned = "returned" // a form was returned for correction
	PromptDue      = "due"      // something is due or soon will be, a contract among it
	PromptFindings = "findings" // something is found about a record
)

// Prompt is something to think of while a resident is there.
type Prompt struct {
	About    string // PromptDue, …
	Kind     string // of the record that it is about, or that is due
	RecordID string // "" for what is due
	RuleID   string // of what is due
	On       string // yyyy-mm-dd: when it is due, or the day of the record
	Overdue  bool
	Count    int    // findings
	TextZH   string // what is due, why it was returned, or the gravest finding
	TextEN   string
}

// Prompts returns what to think of while a resident is there: forms returned for
// correction, what is due this year or within DueAheadDays, not being contracted among it,
// and records of which something is found. Reasons: subject, unknown_record, locked.
func (t *Tablet) Prompts(residentID string) (*PromptList, error) {
	l, err := t.prompts(context.Background(), residentID)
	return l, fail("prompts", err)
}

func (t *Tablet) prompts(ctx context.Context, residentID string) (*PromptList, error) {
	k, id, err := t.known(ctx, residentID)
	if err != nil {
		return nil, err
	}
	out := &PromptList{}
	for _, e := range k.entries {
		if p := returnedPrompt(e); p != nil {
			out.all = append(out.all, p)
		}
	}
	book, err := t.rules(ctx)
	if err != nil {
		return nil, err
	}
	today := t.today()
	due := t.dueFor(book, &planned{ids: []record.ID{id}}, k, today)
	slices.SortFunc(due, mostPressing)
	for _, d := range due {
		if d.on <= max(today.AddDays(DueAheadDays), lastOfYear(today)) {
			out.all = append(out.all, &Prompt{
				About: PromptDue, Kind: d.Kind, RuleID: d.RuleID, On: d.On, Overdue: d.Overdue, TextZH: d.ReasonZH, TextEN: d.ReasonEN,
			})
		}
	}
	found, err := t.foundAbout(ctx, book, k, today)
	out.all = append(out.all, findingPrompts(found, k)...)
	return out, err
}

// lastOfYear returns the day until which yearly services are due.
func lastOfYear(d care.Date) care.Date { return care.Date(d.Year()*10000 + 1231) }

func returnedPrompt(e rules.Entry) *Prompt {
	at, ok := care.StandingOf(e.Form)
	if e.Voided || !ok || at.Stage != care.StageReturned {
		return nil
	}
	return &Prompt{About: PromptReturned, Kind: kindName(e.Kind), RecordID: e.ID.String(), On: dayOf(e).String(), TextZH: at.Reason, TextEN: at.Reason}
}

// findingPrompts makes one prompt of the errors and warnings of each record, the newest
// record first.
func findingPrompts(found []*Finding, k *known) []*Prompt {
	days := map[string]care.Date{}
	for _, e := range k.entries {
		days[e.ID.String()] = dayOf(e)
	}
	byRecord := map[string]*Prompt{}
	var out []*Prompt
	for _, f := range found {
		if f.Fault || f.Severity != SeverityError && f.Severity != SeverityWarning {
			continue
		}
		p := byRecord[f.RecordID]
		if p == nil {
			p = &Prompt{About: PromptFindings, Kind: f.Kind, RecordID: f.RecordID, TextZH: f.MessageZH, TextEN: f.MessageEN}
			if d := days[f.RecordID]; d != 0 {
				p.On = d.String()
			}
			byRecord[f.RecordID] = p
			out = append(out, p)
		}
		p.Count++
	}
	slices.SortStableFunc(out, func(a, b *Prompt) int { return int(days[b.RecordID]) - int(days[a.RecordID]) })
	return out
}

// Findings returns what is found about a resident and their records: what the tablet
// itself finds, and what the centre found with all the county's records before it. With
// no resident it is what the centre found, of everybody on this tablet. The gravest come
// first. Reasons: subject, unknown_record, locked.
func (t *Tablet) Findings(residentID string) (*FindingList, error) {
	l, err := t.findingsOf(context.Background(), residentID)
	return l, fail("findings", err)
}

func (t *Tablet) findingsOf(ctx context.Context, residentID string) (*FindingList, error) {
	if residentID == "" {
		all, err := t.fromCentre(ctx)
		slices.SortStableFunc(all, gravest)
		return &FindingList{all}, err
	}
	k, _, err := t.known(ctx, residentID)
	if err != nil {
		return nil, err
	}
	book, err := t.rules(ctx)
	if err != nil {
		return nil, err
	}
	all, err := t.foundAbout(ctx, book, k, t.today())
	return &FindingList{all}, err
}

// RecordFindings returns what is found about one record, the gravest first. Reasons: id,
// unknown_record, locked.
func (t *Tablet) RecordFindings(id string) (*FindingList, error) {
	l, err := t.recordFindings(context.Background(), id)
	return l, fail("findings", err)
}

func (t *Tablet) recordFindings(ctx context.Context, text string) (*FindingList, error) {
	id, err := parseID(text)
	if err != nil {
		return nil, err
	}
	s, err := t.rep().View(ctx, id)
	if err != nil {
		return nil, err
	}
	book, err := t.rules(ctx)
	if err != nil {
		return nil, err
	}
	subject, _ := s.State.Subject()
	if id.Kind() == care.KindResident {
		subject = id
	}
	k := &known{Person: rules.NewPerson(subject, nil)}
	e, ok := entryOf(s)
	switch {
	case !subject.IsZero():
		k, err = t.person(ctx, subject)
	case ok:
		k = &known{Person: rules.NewPerson(subject, []rules.Entry{e}), entries: []rules.Entry{e}}
	}
	if err != nil {
		return nil, err
	}
	out := &FindingList{}
	all, err := t.foundAbout(ctx, book, k, t.today())
	for _, f := range all {
		if f.RecordID == text {
			out.all = append(out.all, f)
		}
	}
	return out, err
}

// foundAbout returns what is found about a person, the gravest first: here, and by the
// centre what cannot be found here.
func (t *Tablet) foundAbout(ctx context.Context, book *rulebook, k *known, asOf care.Date) ([]*Finding, error) {
	forms := map[string]rules.Entry{}
	for _, e := range k.entries {
		forms[e.ID.String()] = e
	}
	var out []*Finding
	here := map[string]bool{}
	for _, f := range book.Findings(k.Person, asOf) {
		one := findingOf(f, nil)
		if e, ok := forms[one.RecordID]; ok {
			one = findingOf(f, e.Form)
		}
		here[one.key()] = true
		out = append(out, one)
	}
	all, err := t.fromCentre(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		_, about := forms[f.RecordID]
		if (about || f.RecordID == "" && f.ResidentID == k.ID().String()) && !here[f.key()] {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, gravest)
	return out, nil
}

// key tells findings apart.
func (f *Finding) key() string {
	key := f.ResidentID + " " + f.RecordID + " " + f.RuleID
	for _, at := range f.Fields.all {
		key += fmt.Sprintf(" %q", at.Path)
	}
	return key
}
