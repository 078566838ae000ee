// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// What a doctor can say to a rectification, see Answer.
const (
	AnswerCorrected = "corrected" // the record was corrected on this tablet
	AnswerExplained = "explained" // why it is right, or what else was done
)

// Why an answer cannot be saved.
var (
	errAnswer       = errors.New("an answer says what was done")
	errNotCorrected = errors.New("nothing was saved here of the record concerned")
)

// Rectification is a fault that the office wants put right.
type Rectification struct {
	ID         string
	ResidentID string // "" where it is about the unit
	Name       string
	RecordID   string // the record concerned; "" for none
	Kind       string // of that record
	Fault      string
	DoctorID   string
	Rule       string
	State      string // open, answered, returned, closed or withdrawn, as far as this tablet knows
	DueOn      string // yyyy-mm-dd
	DaysLeft   int    // negative: over
	Overdue    bool
	Reason     string // of the last ruling
	Answer     string // the last one
	on         care.Date
	division   string
}

// RectificationList is a list of them, those due first at the beginning.
type RectificationList struct{ all []*Rectification }

// Len returns how many there are.
func (l *RectificationList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *RectificationList) At(i int) *Rectification { return l.all[i] }

// Rectifications returns the faults on this tablet that are to be put right; with settled also
// those that were. Reason: locked.
func (t *Tablet) Rectifications(settled bool) (*RectificationList, error) {
	l, err := t.rectifications(context.Background(), settled)
	return l, fail("rectifications", err)
}

func (t *Tablet) rectifications(ctx context.Context, settled bool) (*RectificationList, error) {
	out := &RectificationList{}
	err := t.eachScreen(ctx, replica.Query{Kind: supervision.KindRectification}, func(s replica.Screen) (bool, error) {
		e, ok := entryOf(s)
		f, is := e.Form.(*carev1.Rectification)
		if !ok || !is || e.Voided {
			return true, nil
		}
		stand := supervision.StandOf(f)
		if settled || !stand.State.Settled() {
			out.all = append(out.all, t.rectification(ctx, s, f, stand))
		}
		return true, nil
	})
	slices.SortFunc(out.all, func(a, b *Rectification) int { return cmp.Or(cmp.Compare(a.on, b.on), cmp.Compare(a.ID, b.ID)) })
	return out, err
}

func (t *Tablet) rectification(ctx context.Context, s replica.Screen, f *carev1.Rectification, stand supervision.Stand) *Rectification {
	r := &Rectification{
		ID: s.Record.String(), Fault: f.GetFault(), DoctorID: f.GetDoctorId(), Rule: f.GetRuleId(), State: stand.State.String(), DueOn: stand.DueOn.String(),
		DaysLeft: daysBetween(t.today(), stand.DueOn), Overdue: stand.Overdue(t.today()), on: stand.DueOn,
		division: string(s.Shown.Scope.Division),
	}
	if subject, ok := s.State.Subject(); ok {
		r.ResidentID = subject.String()
		if who, err := t.rep().View(ctx, subject); err == nil {
			if e, ok := entryOf(who); ok {
				r.Name = nameOf(e.Form)
			}
		}
	}
	if len(f.GetTargetRecordId()) == len(record.ID{}) {
		id := record.ID(f.GetTargetRecordId())
		r.RecordID, r.Kind = id.String(), kindName(id.Kind())
	}
	if keys := supervision.Rulings(f); len(keys) > 0 {
		r.Reason = f.GetRulings()[keys[len(keys)-1]].GetReason()
	}
	if keys := supervision.Answers(f); len(keys) > 0 {
		r.Answer = f.GetAnswers()[keys[len(keys)-1]].GetText()
	}
	return r
}

// Answer answers a rectification: corrected names the last save of the record concerned that was
// made on this tablet; explained needs a text. The office looks at it after the next sync. An
// empty author is who unlocked the tablet. Reasons: id, unknown_record, answer, not_corrected,
// departed, author, locked.
func (t *Tablet) Answer(id, action, text, author string) (*Saved, error) {
	s, err := t.answer(context.Background(), id, action, text, author)
	return s, fail("answer", err)
}

func (t *Tablet) answer(ctx context.Context, text, action, words, author string) (*Saved, error) {
	id, err := record.ParseID(text)
	if err != nil || id.Kind() != supervision.KindRectification {
		return nil, errID
	}
	s, err := t.rep().View(ctx, id)
	if err != nil {
		return nil, err
	}
	if !s.Opens {
		return nil, errDeparted
	}
	m, err := care.Message(id.Kind(), s.Registers)
	if err != nil {
		return nil, err
	}
	f, ok := m.(*carev1.Rectification)
	if !ok {
		return nil, care.ErrWrongForm
	}
	a := &carev1.RectificationAnswer{AnsweredAtMs: t.now().UnixMilli(), AnsweredById: t.saver(author), Text: strings.TrimSpace(words)}
	if err := t.act(ctx, a, f, action); err != nil {
		return nil, err
	}
	key, err := care.NewEntryKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	edited := proto.CloneOf(f)
	if edited.Answers == nil {
		edited.Answers = map[string]*carev1.RectificationAnswer{}
	}
	edited.Answers[key] = a
	return t.saveMessage(formOf(s), id.Kind(), replica.SaveRequest{}, edited, author)
}

// act says what was done.
func (t *Tablet) act(ctx context.Context, a *carev1.RectificationAnswer, f *carev1.Rectification, action string) error {
	if n := utf8.RuneCountInString(a.Text); n > care.MaxReviewText || action == AnswerExplained && n == 0 {
		return errAnswer
	}
	switch action {
	case AnswerExplained:
		a.Action = carev1.RectificationAction_RECTIFICATION_ACTION_EXPLAINED
		return nil
	case AnswerCorrected:
		a.Action = carev1.RectificationAction_RECTIFICATION_ACTION_CORRECTED
		dot, err := t.correction(ctx, f)
		a.Revision = dot
		return err
	}
	return fmt.Errorf("%q: %w", action, errAnswer)
}

// correction returns the last save of the record concerned that was made here.
func (t *Tablet) correction(ctx context.Context, f *carev1.Rectification) (string, error) {
	if len(f.GetTargetRecordId()) != len(record.ID{}) {
		return "", errNotCorrected
	}
	s, err := t.rep().View(ctx, record.ID(f.GetTargetRecordId()))
	if errors.Is(err, replica.ErrUnknownRecord) {
		return "", errNotCorrected
	}
	if err != nil {
		return "", err
	}
	own, err := t.rep().IDs(ctx)
	if err != nil {
		return "", err
	}
	before := map[causal.ReplicaID]uint64{}
	for _, text := range f.GetTargetRevisions() {
		if d, err := causal.ParseDot(text); err == nil {
			before[d.Replica] = max(before[d.Replica], d.Counter)
		}
	}
	var last causal.Dot
	for _, g := range s.Registers {
		for _, v := range g.Siblings {
			if slices.Contains(own, v.Dot.Replica) && v.Dot.Counter > max(before[v.Dot.Replica], last.Counter) {
				last = v.Dot
			}
		}
	}
	if last.Counter == 0 {
		return "", errNotCorrected
	}
	return last.String(), nil
}
