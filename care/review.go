// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Why a review cannot be saved. Errors of SetReview and Correct wrap one of these.
var (
	// ErrNotReviewed says that forms of the kind are not reviewed.
	ErrNotReviewed = errors.New("forms of this kind are not reviewed")
	// ErrReviewLevel says that the level is none of the three.
	ErrReviewLevel = errors.New("no level of review")
	// ErrReviewReason says that a return gives no reason, or a text is too long.
	ErrReviewReason = errors.New("a return needs a reason")
	// ErrNotReturned says that a correction answers nothing.
	ErrNotReturned = errors.New("the form is not returned by this level")
)

// MaxReviewText is the longest reason or answer, in characters, as the schema has it.
const MaxReviewText = 500

// SetReview writes into a form what a level says of it, in place of what it said
// before. Errors wrap ErrNotReviewed, ErrReviewLevel or ErrReviewReason.
func SetReview(form proto.Message, level ReviewLevel, r *carev1.Review) error {
	if !level.Valid() {
		return fmt.Errorf("level %d: %w", level, ErrReviewLevel)
	}
	if r.GetState() == carev1.ReviewState_REVIEW_STATE_RETURNED && r.GetReason() == "" {
		return ErrReviewReason
	}
	for _, text := range []string{r.GetReason(), r.GetAnswer()} {
		if n := utf8.RuneCountInString(text); n > MaxReviewText {
			return fmt.Errorf("%d characters of %d: %w", n, MaxReviewText, ErrReviewReason)
		}
	}
	m := form.ProtoReflect()
	f := reviewsField(m.Descriptor())
	if f == nil {
		return ErrNotReviewed
	}
	entries := m.Mutable(f).Map()
	entry := entries.NewValue()
	raw, err := proto.Marshal(r)
	if err == nil {
		err = proto.Unmarshal(raw, entry.Message().Interface())
	}
	if err != nil {
		return fmt.Errorf("review: %w", err)
	}
	entries.Set(protoreflect.ValueOfString(level.Key()).MapKey(), entry)
	return nil
}

// Correct writes into an edited form that its author has answered what a level returned
// the shown form for: who returned it, when and why stay, and the answer, which may be
// empty, stands beside them. What the other levels said stays as it was shown, whatever
// the edited form has. Errors are those of SetReview and ErrNotReturned.
func Correct(shown, edited proto.Message, level ReviewLevel, author string, atMs int64, answer string) error {
	if !level.Valid() {
		return fmt.Errorf("level %d: %w", level, ErrReviewLevel)
	}
	was := reviewsOf(shown.ProtoReflect())[level.Key()]
	if was.GetState() != carev1.ReviewState_REVIEW_STATE_RETURNED {
		return ErrNotReturned
	}
	if f := reviewsField(edited.ProtoReflect().Descriptor()); f != nil {
		edited.ProtoReflect().Set(f, proto.Clone(shown).ProtoReflect().Get(f))
	}
	r := proto.CloneOf(was)
	r.State = carev1.ReviewState_REVIEW_STATE_CORRECTED
	r.CorrectedById, r.CorrectedAtMs, r.Answer = author, atMs, answer
	return SetReview(edited, level, r)
}

// ReviewPath returns the register of what a level says in forms of kind. Errors wrap
// ErrUnknownKind, ErrNotReviewed or ErrReviewLevel.
func ReviewPath(kind record.Kind, level ReviewLevel) (record.Path, error) {
	f, err := formOf(kind)
	if err != nil {
		return "", err
	}
	if !level.Valid() {
		return "", fmt.Errorf("level %d: %w", level, ErrReviewLevel)
	}
	field := reviewsField(f.typ.Descriptor())
	if field == nil {
		return "", ErrNotReviewed
	}
	return record.Field(uint32(field.Number())).Key(level.Key()), nil
}

// LevelAt returns the level whose word the register at p is, and whether it is one.
func LevelAt(kind record.Kind, p record.Path) (ReviewLevel, bool) {
	for level := ReviewTeam; level.Valid(); level++ {
		if at, err := ReviewPath(kind, level); err == nil && at == p {
			return level, true
		}
	}
	return 0, false
}

// EntryKeys returns the only keys that entries of a map may have; nil where keys are
// drawn.
func EntryKeys(f protoreflect.FieldDescriptor) []string {
	if !f.IsMap() || f.MapValue().Message() == nil {
		return nil
	}
	options, _ := proto.GetExtension(f.MapValue().Message().Options(), schemav1.E_Entry).(*schemav1.EntryOptions)
	return options.GetKeys()
}
