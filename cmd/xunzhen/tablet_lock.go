// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/xunzhen/xunzhen/tablet"

// tabletLock seals what was saved, so that it can be sent without a secret.
type tabletLock struct{ tabletFlags }

// Run seals.
func (f tabletLock) Run(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		if err := t.Lock(); err != nil {
			return err
		}
		c.line("locked")
		return nil
	})
}

// tabletSecret gives somebody a secret.
type tabletSecret struct {
	tabletFlags
	Staff   string `arg:"" help:"help_secret_staff" placeholder:"STAFF"`
	NewFile string `help:"help_new_secret_file" placeholder:"FILE"`
	Remove  bool   `help:"help_secret_remove"`
}

// Run asks for the new secret, or takes it from a file.
func (f tabletSecret) Run(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		if f.Remove {
			if err := t.RemoveSecret(f.Staff); err != nil {
				return err
			}
			c.line("secret_removed", f.Staff)
			return nil
		}
		secret, err := f.fresh(c)
		if err != nil {
			return err
		}
		if err := t.SetSecret(f.Staff, secret); err != nil {
			return err
		}
		c.line("secret_set", f.Staff)
		return nil
	})
}

func (f tabletSecret) fresh(c *call) (string, error) {
	if f.NewFile != "" {
		return tabletFlags{SecretFile: f.NewFile}.secret(c, "")
	}
	if c.AskSecret == nil {
		return "", problemf("problem_new_secret")
	}
	secret, err := c.AskSecret(c.say("ask_new_secret"))
	if err != nil {
		return "", err
	}
	again, err := c.AskSecret(c.say("ask_secret_again"))
	if err == nil && again != secret {
		err = problemf("problem_secrets_differ")
	}
	return secret, err
}
