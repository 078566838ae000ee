// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"slices"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// reviewCommand saves at the centre what a level says of a form.
type reviewCommand struct {
	officeFlags
	ID      string `arg:"" help:"help_id" placeholder:"ID"`
	Level   int    `help:"help_review_level" required:"" placeholder:"1|2|3"`
	Check   bool   `help:"help_review_check" xor:"verdict"`
	Return  bool   `help:"help_review_return" xor:"verdict"`
	Cancel  bool   `help:"help_review_cancel" xor:"verdict"`
	Reason  string `help:"help_review_reason" placeholder:"TEXT"`
	Author  string `help:"help_review_author" required:"" placeholder:"ID"`
	Resolve bool   `help:"help_review_resolve"`
}

// Run saves the review of the record as it stands now. It changes that one register,
// and where people have said different things in it, only if that is meant.
func (f reviewCommand) Run(c *call) error {
	state, err := f.state()
	if err != nil {
		return err
	}
	id, err := record.ParseID(f.ID)
	if err != nil {
		return problemf("problem_no_record", f.ID)
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		shown, err := registersAt(c, o, id)
		if err != nil {
			return err
		}
		changes, form, err := f.changes(id.Kind(), shown, &carev1.Review{
			State: state, ReviewerId: f.Author, ReviewedAtMs: c.Clock().UnixMilli(), Reason: f.Reason,
		})
		if err != nil {
			return err
		}
		if _, err := o.Save(c.ctx, id, f.Author, changes); err != nil {
			return err
		}
		at, _ := care.StandingOf(form)
		c.line("reviewed", f.ID, c.stage(at.Stage.String(), int(at.Level)))
		return nil
	})
}

func (f reviewCommand) state() (carev1.ReviewState, error) {
	switch {
	case f.Check:
		return carev1.ReviewState_REVIEW_STATE_CHECKED, nil
	case f.Return:
		return carev1.ReviewState_REVIEW_STATE_RETURNED, nil
	case f.Cancel:
		return carev1.ReviewState_REVIEW_STATE_CANCELLED, nil
	}
	return 0, problemf("problem_verdict")
}

// registersAt returns what the centre has of a record that is not void.
func registersAt(c *call, o *office.Office, id record.ID) ([]record.Register, error) {
	r, _, err := o.Get(c.ctx, id)
	if err != nil {
		return nil, err
	}
	shown, err := office.Registers(r)
	if err != nil {
		return nil, err
	}
	for _, g := range shown {
		voided := func(s record.Sibling) bool { return record.ParseLife(s.Value) == record.LifeVoided }
		if g.Path == record.PathLife && len(g.Siblings) > 0 && !slices.ContainsFunc(g.Siblings, func(s record.Sibling) bool { return !voided(s) }) {
			return nil, problemf("problem_void", id.String())
		}
	}
	return shown, nil
}

// changes returns what the review changes of what is shown, and the form afterwards.
func (f reviewCommand) changes(kind record.Kind, shown []record.Register, r *carev1.Review) ([]record.Change, proto.Message, error) {
	level := care.ReviewLevel(f.Level)
	path, err := care.ReviewPath(kind, level)
	if err != nil {
		return nil, nil, f.problem(err)
	}
	for _, g := range shown {
		if g.Path == path && g.Conflict() && !f.Resolve {
			return nil, nil, problemf("problem_review_conflict", len(g.Siblings), care.FormatPath(kind, path))
		}
	}
	form, err := care.Message(kind, shown)
	if err != nil {
		return nil, nil, err
	}
	if err := care.SetReview(form, level, r); err != nil {
		return nil, nil, f.problem(err)
	}
	if at, _ := care.StandingOf(form); f.Check && at.Stage == care.StageDraft {
		return nil, nil, problemf("problem_draft", f.ID)
	}
	changes, err := care.Diff(kind, shown, form)
	return changes, form, err
}

// problem says in words why a review cannot be.
func (f reviewCommand) problem(err error) error {
	switch {
	case errors.Is(err, care.ErrReviewLevel):
		return problemf("problem_level", f.Level)
	case errors.Is(err, care.ErrReviewReason):
		return problemf("problem_review_reason", care.MaxReviewText)
	case errors.Is(err, care.ErrNotReviewed), errors.Is(err, care.ErrUnknownKind):
		return &problem{key: "problem_not_reviewed", args: []any{f.ID}, cause: err}
	}
	return err
}
