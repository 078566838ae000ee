// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// What a level can say of a form, see Review.
const (
	ReviewCheck  = "check"  // found right
	ReviewReturn = "return" // sent back for correction, with a reason
	ReviewCancel = "cancel" // what the level said before is taken back
)

// Review saves what a level says of a form as it is shown, in place of what is shown of
// that level: check, return or cancel. Level 1 is the team, 2 the township, 3 the
// county. An empty author is who unlocked the tablet. Reasons: form, review_level,
// review_reason, not_reviewed, path for another verdict, author, locked.
func (t *Tablet) Review(form string, level int, verdict, reason, author string) (*Saved, error) {
	s, err := t.review(form, level, verdict, reason, author)
	return s, fail("review", err)
}

func (t *Tablet) review(token string, level int, verdict, reason, author string) (*Saved, error) {
	state, ok := map[string]carev1.ReviewState{
		ReviewCheck:  carev1.ReviewState_REVIEW_STATE_CHECKED,
		ReviewReturn: carev1.ReviewState_REVIEW_STATE_RETURNED,
		ReviewCancel: carev1.ReviewState_REVIEW_STATE_CANCELLED,
	}[verdict]
	if !ok {
		return nil, fmt.Errorf("review %q: %w", verdict, errPath)
	}
	f, shown, err := openForm(token)
	if err != nil {
		return nil, err
	}
	author = t.saver(author)
	err = care.SetReview(shown, care.ReviewLevel(level), &carev1.Review{
		State: state, ReviewerId: author, ReviewedAtMs: t.now().UnixMilli(), Reason: reason,
	})
	if err != nil {
		return nil, err
	}
	return t.saveMessage(f, f.shown.Record.Kind(), replica.SaveRequest{}, shown, author)
}

// Correct saves an edited form as Save does, as the answer to its return: the level that
// returned it is shown that it was corrected, by whom, and the answer. The form may be
// as it was where the answer says why. Further reasons: review_level, review_reason,
// not_returned.
func (t *Tablet) Correct(form, json string, level int, answer, author string) (*Saved, error) {
	s, err := t.correct(form, json, level, answer, author)
	return s, fail("correct", err)
}

func (t *Tablet) correct(token, json string, level int, answer, author string) (*Saved, error) {
	f, shown, err := openForm(token)
	if err != nil {
		return nil, err
	}
	edited, err := care.ParseJSON(f.shown.Record.Kind(), []byte(json))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errJSON)
	}
	author = t.saver(author)
	if err := care.Correct(shown, edited, care.ReviewLevel(level), author, t.now().UnixMilli(), answer); err != nil {
		return nil, err
	}
	return t.saveMessage(f, f.shown.Record.Kind(), replica.SaveRequest{}, edited, author)
}

// openForm reads a token and the form that it shows.
func openForm(token string) (form, proto.Message, error) {
	f, err := parseForm(token)
	if err != nil {
		return f, nil, err
	}
	shown, err := care.Message(f.shown.Record.Kind(), f.registers)
	return f, shown, err
}

// saver returns who saves: who is named, or who unlocked the tablet.
func (t *Tablet) saver(author string) string {
	if author == "" {
		return t.unlockedBy()
	}
	return author
}
