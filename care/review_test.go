// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func returnedFor(reason string) *carev1.Review {
	return &carev1.Review{State: carev1.ReviewState_REVIEW_STATE_RETURNED, ReviewerId: "zhao", ReviewedAtMs: 1000, Reason: reason}
}

func TestAReviewChangesItsOwnRegisterOnly(t *testing.T) {
	shown := opened(t, KindHomeVisit, &carev1.HomeVisit{Status: submitted, Reviews: map[string]*carev1.Review{"1": said(carev1.ReviewState_REVIEW_STATE_CHECKED)}})
	m, err := Message(KindHomeVisit, shown)
	if err != nil {
		t.Fatal(err)
	}
	if err := SetReview(m, ReviewTownship, returnedFor("the pulse is missing")); err != nil {
		t.Fatal(err)
	}
	changes, err := Diff(KindHomeVisit, shown, m)
	if err != nil || len(changes) != 1 || len(changes[0].Parents) != 0 {
		t.Fatalf("%v (%v)", changes, err)
	}
	path, err := ReviewPath(KindHomeVisit, ReviewTownship)
	if err != nil || changes[0].Path != path || FormatPath(KindHomeVisit, path) != "reviews[2]" {
		t.Errorf("it changed %s, the level has %s (%v)", FormatPath(KindHomeVisit, changes[0].Path), path, err)
	}
}

func TestACorrectionKeepsTheReturnBesideItsAnswer(t *testing.T) {
	checked := said(carev1.ReviewState_REVIEW_STATE_CHECKED)
	form := &carev1.HomeVisit{Reviews: map[string]*carev1.Review{"1": checked, "2": returnedFor("the pulse is missing")}}
	edited := &carev1.HomeVisit{PulsePerMin: proto.Int32(72), Reviews: map[string]*carev1.Review{"3": checked}}
	if err := Correct(form, edited, ReviewTownship, "li", 5000, "measured again"); err != nil {
		t.Fatal(err)
	}
	want := &carev1.Review{
		State: carev1.ReviewState_REVIEW_STATE_CORRECTED, ReviewerId: "zhao", ReviewedAtMs: 1000, Reason: "the pulse is missing",
		CorrectedById: "li", CorrectedAtMs: 5000, Answer: "measured again",
	}
	if !proto.Equal(edited.GetReviews()["2"], want) || edited.GetPulsePerMin() != 72 || form.GetReviews()["2"].GetAnswer() != "" {
		t.Errorf("%v, shown %v", edited, form)
	}
	if len(edited.GetReviews()) != 2 || !proto.Equal(edited.GetReviews()["1"], checked) {
		t.Errorf("the other levels say %v", edited.GetReviews())
	}
}

// A check made while the author corrects is one more value: nobody overwrites the other.
func TestACheckBesideACorrectionIsAConflict(t *testing.T) {
	shown := opened(t, KindHomeVisit, &carev1.HomeVisit{Status: submitted, Reviews: map[string]*carev1.Review{"2": returnedFor("the pulse is missing")}})
	edit := func(change func(proto.Message) error) record.Change {
		m, err := Message(KindHomeVisit, shown)
		if err == nil {
			err = change(m)
		}
		changes, diffErr := Diff(KindHomeVisit, shown, m)
		if err = errors.Join(err, diffErr); err != nil || len(changes) != 1 {
			t.Fatalf("%v (%v)", changes, err)
		}
		return changes[0]
	}
	correction := edit(func(m proto.Message) error { return Correct(m, m, ReviewTownship, "li", 5000, "") })
	check := edit(func(m proto.Message) error {
		return SetReview(m, ReviewTownship, said(carev1.ReviewState_REVIEW_STATE_CHECKED))
	})
	after := shown.save(20, []record.Change{correction}).save(21, []record.Change{check})
	i := slices.IndexFunc(after, func(g record.Register) bool { return g.Path == check.Path })
	if len(after[i].Siblings) != 2 || !after[i].Conflict() {
		t.Errorf("the register has %v", after[i].Siblings)
	}
}

func TestAReviewIsRefused(t *testing.T) {
	visit := func() *carev1.HomeVisit {
		return &carev1.HomeVisit{Reviews: map[string]*carev1.Review{"1": said(carev1.ReviewState_REVIEW_STATE_CHECKED)}}
	}
	for name, c := range map[string]struct {
		got, want error
	}{
		"at level 0":               {SetReview(visit(), 0, said(carev1.ReviewState_REVIEW_STATE_CHECKED)), ErrReviewLevel},
		"at level 4":               {SetReview(visit(), 4, said(carev1.ReviewState_REVIEW_STATE_CHECKED)), ErrReviewLevel},
		"returned without reason":  {SetReview(visit(), 1, returnedFor("")), ErrReviewReason},
		"a reason of 500":          {SetReview(visit(), 1, returnedFor(strings.Repeat("错", 500))), nil},
		"a reason of 501":          {SetReview(visit(), 1, returnedFor(strings.Repeat("错", 501))), ErrReviewReason},
		"a kind without reviews":   {SetReview(&carev1.ResidentLink{}, 1, said(carev1.ReviewState_REVIEW_STATE_CHECKED)), ErrNotReviewed},
		"corrected, not returned":  {Correct(visit(), visit(), 1, "li", 1, ""), ErrNotReturned},
		"corrected at no level":    {Correct(visit(), visit(), 9, "li", 1, ""), ErrReviewLevel},
		"corrected, not reviewed":  {Correct(&carev1.ResidentLink{}, visit(), 1, "li", 1, ""), ErrNotReturned},
		"an answer of 501":         {Correct(&carev1.HomeVisit{Reviews: map[string]*carev1.Review{"1": returnedFor("x")}}, visit(), 1, "li", 1, strings.Repeat("是", 501)), ErrReviewReason},
		"the path of no level":     {pathError(KindHomeVisit, 0), ErrReviewLevel},
		"the path of no such kind": {pathError(1, 1), ErrUnknownKind},
		"the path of a link":       {pathError(KindResidentLink, 1), ErrNotReviewed},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

func pathError(kind record.Kind, level ReviewLevel) error {
	_, err := ReviewPath(kind, level)
	return err
}

// A form that is reviewed is so in one way: the field has the same number, the same
// keys and the same most entries everywhere, and the form says how far it has come.
func TestEveryReviewedFormHasItsReviewsAtTheSamePlace(t *testing.T) {
	for _, f := range known() {
		desc := f.typ.Descriptor()
		field := reviewsField(desc)
		if other := desc.Fields().ByNumber(9); field == nil && other != nil {
			t.Errorf("%s: 9 is kept for reviews", other.FullName())
		}
		if field == nil {
			continue
		}
		if field.Number() != 9 || fieldOptions(field).GetMaxEntries() != 3 || !slices.Equal(EntryKeys(field), []string{"1", "2", "3"}) {
			t.Errorf("%s: number %d, keys %v", field.FullName(), field.Number(), EntryKeys(field))
		}
		if status := desc.Fields().ByNumber(2); status == nil || status.Name() != "status" {
			t.Errorf("%s: has reviews and no status", f.info.Name)
		}
	}
}

// Keys stand in paths, which outlive an erasure: only levels are fixed.
func TestOnlyReviewsHaveFixedKeys(t *testing.T) {
	everyMessage(func(m protoreflect.MessageDescriptor) {
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			if keys := EntryKeys(f); len(keys) > 0 && f.Name() != "reviews" {
				t.Errorf("%s: keys %v", f.FullName(), keys)
			}
		}
	})
}
