// SPDX-License-Identifier: Apache-2.0

package care

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
)

const (
	draft     = carev1.FormStatus_FORM_STATUS_DRAFT
	submitted = carev1.FormStatus_FORM_STATUS_SUBMITTED
)

// said is a review with a reason that names its state.
func said(state carev1.ReviewState) *carev1.Review {
	r := &carev1.Review{State: state, ReviewerId: "zhao", ReviewedAtMs: 1}
	if state == carev1.ReviewState_REVIEW_STATE_RETURNED || state == carev1.ReviewState_REVIEW_STATE_CORRECTED {
		r.Reason = "no pulse"
	}
	return r
}

func TestWhereAFormStands(t *testing.T) {
	checked, returned := said(carev1.ReviewState_REVIEW_STATE_CHECKED), said(carev1.ReviewState_REVIEW_STATE_RETURNED)
	corrected, cancelled := said(carev1.ReviewState_REVIEW_STATE_CORRECTED), said(carev1.ReviewState_REVIEW_STATE_CANCELLED)
	type reviews = map[string]*carev1.Review
	for name, c := range map[string]struct {
		status  carev1.FormStatus
		reviews reviews
		want    Standing
	}{
		"nothing said is a draft": {0, nil, Standing{Stage: StageDraft}},
		"a draft":                 {draft, nil, Standing{Stage: StageDraft}},
		"submitted":               {submitted, nil, Standing{Stage: StageSubmitted}},
		"checked by the team":     {submitted, reviews{"1": checked}, Standing{Stage: StageChecked, Level: ReviewTeam}},
		"checked by two levels is checked by the higher":         {submitted, reviews{"1": checked, "2": checked}, Standing{Stage: StageChecked, Level: ReviewTownship}},
		"checked by the county alone":                            {submitted, reviews{"3": checked}, Standing{Stage: StageChecked, Level: ReviewCounty}},
		"checked though nobody said how far it is":               {0, reviews{"1": checked}, Standing{Stage: StageChecked, Level: ReviewTeam}},
		"a draft again after a check":                            {draft, reviews{"1": checked}, Standing{Stage: StageDraft}},
		"returned by the township":                               {submitted, reviews{"1": checked, "2": returned}, Standing{StageReturned, ReviewTownship, "no pulse"}},
		"a return stands though a higher level checked":          {submitted, reviews{"1": returned, "3": checked}, Standing{StageReturned, ReviewTeam, "no pulse"}},
		"of two returns the higher level's stands":               {submitted, reviews{"1": returned, "3": returned}, Standing{StageReturned, ReviewCounty, "no pulse"}},
		"returned, and its author is at work":                    {draft, reviews{"2": returned}, Standing{StageReturned, ReviewTownship, "no pulse"}},
		"corrected":                                              {submitted, reviews{"1": checked, "2": corrected}, Standing{StageCorrected, ReviewTownship, "no pulse"}},
		"corrected for one level, returned by another":           {submitted, reviews{"1": returned, "2": corrected}, Standing{StageReturned, ReviewTeam, "no pulse"}},
		"checked by a higher level than the correction's":        {submitted, reviews{"1": corrected, "2": checked}, Standing{Stage: StageChecked, Level: ReviewTownship}},
		"corrected, and begun anew":                              {draft, reviews{"2": corrected}, Standing{Stage: StageDraft}},
		"a cancelled review says nothing":                        {submitted, reviews{"2": cancelled}, Standing{Stage: StageSubmitted}},
		"a cancelled review leaves the others":                   {submitted, reviews{"1": checked, "2": cancelled}, Standing{Stage: StageChecked, Level: ReviewTeam}},
		"a review without a state says nothing":                  {submitted, reviews{"2": said(0)}, Standing{Stage: StageSubmitted}},
		"a state of a later release says nothing":                {submitted, reviews{"2": said(77)}, Standing{Stage: StageSubmitted}},
		"a key that is no level says nothing":                    {submitted, reviews{"4": returned, "0": returned, "": returned, "02": returned}, Standing{Stage: StageSubmitted}},
		"an entry that could not be read says nothing":           {submitted, reviews{"2": nil}, Standing{Stage: StageSubmitted}},
		"an older form reviewed by the township":                 {carev1.FormStatus_FORM_STATUS_TOWNSHIP_REVIEW, nil, Standing{Stage: StageChecked, Level: ReviewTeam}},
		"an older form reviewed by the county":                   {carev1.FormStatus_FORM_STATUS_COUNTY_REVIEW, nil, Standing{Stage: StageChecked, Level: ReviewCounty}},
		"an older form that was returned":                        {carev1.FormStatus_FORM_STATUS_RETURNED, nil, Standing{Stage: StageReturned}},
		"reviews go before what an older form has":               {carev1.FormStatus_FORM_STATUS_RETURNED, reviews{"2": checked}, Standing{Stage: StageChecked, Level: ReviewTownship}},
		"an older form keeps its word beside a cancelled review": {carev1.FormStatus_FORM_STATUS_RETURNED, reviews{"2": cancelled}, Standing{Stage: StageReturned}},
		"a status of a later release is a draft":                 {77, nil, Standing{Stage: StageDraft}},
	} {
		if got := Stand(c.status, c.reviews); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		form := &carev1.HomeVisit{Status: c.status, Reviews: c.reviews}
		if got, ok := StandingOf(form); !ok || got != c.want {
			t.Errorf("%s: the form says %+v (%t), want %+v", name, got, ok, c.want)
		}
	}
}

func TestAFormWithoutAStatusStandsNowhere(t *testing.T) {
	for _, m := range []proto.Message{&carev1.ResidentLink{}, &carev1.Organisation{}, &schemav1.KindOptions{}} {
		if got, ok := StandingOf(m); ok || got != (Standing{}) {
			t.Errorf("%T stands at %+v", m, got)
		}
	}
}

func TestAFormWithoutAGoTypeStandsLikeAnother(t *testing.T) {
	raw, err := proto.Marshal(&carev1.HomeVisit{Status: submitted, Reviews: map[string]*carev1.Review{"3": said(carev1.ReviewState_REVIEW_STATE_RETURNED)}})
	if err != nil {
		t.Fatal(err)
	}
	m := dynamicpb.NewMessage((*carev1.HomeVisit)(nil).ProtoReflect().Descriptor())
	if err := proto.Unmarshal(raw, m); err != nil {
		t.Fatal(err)
	}
	if got, ok := StandingOf(m); !ok || got != (Standing{StageReturned, ReviewCounty, "no pulse"}) {
		t.Errorf("%+v %t", got, ok)
	}
}

func TestStagesHaveNames(t *testing.T) {
	for stage, want := range map[Stage]string{
		-1: "", 0: "", StageDraft: "draft", StageSubmitted: "submitted", StageChecked: "checked", StageReturned: "returned", StageCorrected: "corrected", 6: "",
	} {
		if got := stage.String(); got != want {
			t.Errorf("%d is %q, want %q", stage, got, want)
		}
	}
	for level, want := range map[ReviewLevel]bool{0: false, ReviewTeam: true, ReviewCounty: true, 4: false, -1: false} {
		if level.Valid() != want {
			t.Errorf("level %d is valid: %t", level, !want)
		}
	}
}
