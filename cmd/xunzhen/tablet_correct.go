// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/xunzhen/xunzhen/tablet"

// tabletCorrect answers the return of a form.
type tabletCorrect struct {
	editFlags
	File   string `help:"help_correct_file" placeholder:"FILE"`
	Level  int    `help:"help_correct_level" placeholder:"1|2|3"`
	Answer string `help:"help_correct_answer" placeholder:"TEXT"`
}

// Run saves the corrected form together with the answer, as one save. Without a file
// the form stays as it is shown: it was corrected before, or the answer says why it is
// right.
func (f tabletCorrect) Run(c *call) error {
	return f.edit(c, func(t *tablet.Tablet, r *tablet.Record) (*tablet.Saved, error) {
		values, level := r.JSON, f.Level
		if level == 0 {
			level = r.Level
		}
		if r.Stage != stageReturned && f.Level == 0 {
			return nil, problemf("problem_not_returned", r.ID)
		}
		if f.File != "" {
			text, err := c.text(f.File)
			if err != nil {
				return nil, err
			}
			values = text
		}
		return t.Correct(r.Form, values, level, f.Answer, f.Author)
	})
}

// stageReturned is tablet.Record's Stage of a form that waits for its author.
const stageReturned = "returned"
