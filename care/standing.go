// SPDX-License-Identifier: Apache-2.0

package care

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// A Stage is how far a form has come between its author and its reviewers.
type Stage int

// The stages, in the order in which a form may run through them.
const (
	StageDraft     Stage = iota + 1 // begun, or nobody has said how far it is
	StageSubmitted                  // complete in the eyes of its author
	StageChecked                    // found right at a level
	StageReturned                   // sent back for correction by a level
	StageCorrected                  // answered after a return; waits for that level
)

// String returns the stage in a word: draft, submitted, checked, returned,
// corrected; "" for none.
func (s Stage) String() string {
	names := [...]string{"", "draft", "submitted", "checked", "returned", "corrected"}
	if s < 0 || int(s) >= len(names) {
		return ""
	}
	return names[s]
}

// A ReviewLevel is who reviews a form.
type ReviewLevel int

// The levels, each above the one before it.
const (
	ReviewTeam     ReviewLevel = iota + 1 // the team of the township
	ReviewTownship                        // the township's public health section
	ReviewCounty                          // the county
)

// Valid reports whether l is one of the three.
func (l ReviewLevel) Valid() bool { return l >= ReviewTeam && l <= ReviewCounty }

// Key returns the level's key in a form's reviews. It requires a valid level.
func (l ReviewLevel) Key() string { return [...]string{"", "1", "2", "3"}[l] }

// A Standing is where a form stands, as its status and its reviews say together.
type Standing struct {
	Stage Stage
	// Level is who checked it, returned it, or is to look at the correction; 0 in other
	// stages, and where an older form says that it was returned and not by whom.
	Level ReviewLevel
	// Reason is why it was returned, while it is returned or corrected.
	Reason string
}

// StandingOf derives where a form stands from its displayed values, and whether it is
// one that has a status. Siblings of a review are conflicts of the record and stand
// beside this.
func StandingOf(m proto.Message) (Standing, bool) {
	form := m.ProtoReflect()
	f := form.Descriptor().Fields().ByName("status")
	if f == nil || f.Enum() == nil || f.Enum().FullName() != carev1.FormStatus(0).Descriptor().FullName() {
		return Standing{}, false
	}
	return Stand(carev1.FormStatus(form.Get(f).Enum()), reviewsOf(form)), true
}

// Stand derives where a form stands:
//
//	a return that is not answered stands before everything, the highest level's first;
//	a draft is a draft, whatever was checked before its author took it up again;
//	then the highest level that checked, or waits to look at a correction;
//	without any of these the status alone, and what older forms have in it.
//
// So a check at one level does not take back a return of another: that level does, or
// the author's correction. A cancelled review and an entry under another key say nothing.
func Stand(status carev1.FormStatus, reviews map[string]*carev1.Review) Standing {
	if s, ok := highest(reviews, StageReturned); ok {
		return s
	}
	if status == carev1.FormStatus_FORM_STATUS_DRAFT {
		return Standing{Stage: StageDraft}
	}
	if s, ok := highest(reviews, StageChecked, StageCorrected); ok {
		return s
	}
	return byStatus(status)
}

// highest returns what the highest level says that says one of stages.
func highest(reviews map[string]*carev1.Review, stages ...Stage) (Standing, bool) {
	for level := ReviewCounty; level >= ReviewTeam; level-- {
		r := reviews[level.Key()]
		for _, stage := range stages {
			if stageOf(r.GetState()) != stage {
				continue
			}
			s := Standing{Stage: stage, Level: level}
			if stage != StageChecked {
				s.Reason = r.GetReason()
			}
			return s, true
		}
	}
	return Standing{}, false
}

// stageOf returns what a review says of its form, 0 for nothing.
func stageOf(state carev1.ReviewState) Stage {
	switch state {
	case carev1.ReviewState_REVIEW_STATE_CHECKED:
		return StageChecked
	case carev1.ReviewState_REVIEW_STATE_RETURNED:
		return StageReturned
	case carev1.ReviewState_REVIEW_STATE_CORRECTED:
		return StageCorrected
	}
	return 0
}

// byStatus reads the status alone. Reviewed by the township is the lower of its two
// levels: no more than what was said.
func byStatus(status carev1.FormStatus) Standing {
	switch status {
	case carev1.FormStatus_FORM_STATUS_SUBMITTED:
		return Standing{Stage: StageSubmitted}
	case carev1.FormStatus_FORM_STATUS_TOWNSHIP_REVIEW:
		return Standing{Stage: StageChecked, Level: ReviewTeam}
	case carev1.FormStatus_FORM_STATUS_COUNTY_REVIEW:
		return Standing{Stage: StageChecked, Level: ReviewCounty}
	case carev1.FormStatus_FORM_STATUS_RETURNED:
		return Standing{Stage: StageReturned}
	}
	return Standing{Stage: StageDraft}
}

// reviewsOf returns the reviews of a form, nil where it has none.
func reviewsOf(form protoreflect.Message) map[string]*carev1.Review {
	f := reviewsField(form.Descriptor())
	if f == nil || !form.Has(f) {
		return nil
	}
	out := map[string]*carev1.Review{}
	form.Get(f).Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		out[k.String()] = reviewOf(v.Message())
		return true
	})
	return out
}

// reviewsField returns the field of a form that holds its reviews, nil if none does.
func reviewsField(desc protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	f := desc.Fields().ByName("reviews")
	if f == nil || !f.IsMap() || f.MapValue().Message() == nil ||
		f.MapValue().Message().FullName() != (*carev1.Review)(nil).ProtoReflect().Descriptor().FullName() {
		return nil
	}
	return f
}

// reviewOf returns a review as the generated type, also of a form whose type is not.
func reviewOf(m protoreflect.Message) *carev1.Review {
	if r, ok := m.Interface().(*carev1.Review); ok {
		return r
	}
	r := &carev1.Review{}
	if raw, err := proto.Marshal(m.Interface()); err != nil || proto.Unmarshal(raw, r) != nil {
		return nil
	}
	return r
}
