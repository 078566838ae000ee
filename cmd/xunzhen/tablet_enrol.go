// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletEnrol makes a tablet one of a county.
type tabletEnrol struct {
	tabletFlags
	Invitation string `arg:"" help:"help_invitation" placeholder:"CODE"`
	Staff      string `help:"help_enrol_staff" placeholder:"ID"`
	Address    string `help:"help_address" placeholder:"HOST:PORT"`
}

// Run makes the tablet if there is none in the folder, and enrols it. Cut off, it
// may be run again with the same code. What is no code makes no tablet.
func (f tabletEnrol) Run(c *call) (err error) {
	if _, err := session.ParseInvitation(f.Invitation); err != nil {
		return &problem{key: "reason_invitation", cause: err}
	}
	t, err := f.tablet(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	o, end := c.syncOptions(f.Address)
	err = t.Enrol(c.ctx, f.Invitation, f.Staff, o)
	end("")
	if err != nil {
		return err
	}
	who, err := t.Identity()
	if err != nil {
		return err
	}
	c.line("enrolled", who.Replica, list(who.Staff), list(who.Divisions))
	c.line("enrolled_next")
	return nil
}

func (f tabletEnrol) tablet(c *call) (*tablet.Tablet, error) {
	if tablet.Exists(f.folder(c)) {
		secret, err := f.secret(c, "ask_secret")
		if err != nil {
			return nil, err
		}
		return tablet.OpenWith(f.options(c), secret)
	}
	secret, err := f.secret(c, "ask_new_secret")
	if err != nil {
		return nil, err
	}
	if f.SecretFile == "" && c.Env(secretVariable) == "" {
		again, err := f.secret(c, "ask_secret_again")
		if err != nil {
			return nil, err
		}
		if again != secret {
			return nil, problemf("problem_secrets_differ")
		}
	}
	return tablet.Create(f.options(c), secret)
}

// list writes texts side by side.
func list(s *tablet.Strings) string {
	text := ""
	for i := range s.Len() {
		if i > 0 {
			text += ", "
		}
		text += s.At(i)
	}
	return text
}
