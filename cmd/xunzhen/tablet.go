// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletCommands are a tablet in a shell: each command opens the tablet, does one
// thing and closes it again.
type tabletCommands struct {
	Enrol   tabletEnrol   `cmd:"" help:"help_tablet_enrol"`
	Status  tabletStatus  `cmd:"" help:"help_tablet_status"`
	List    tabletList    `cmd:"" help:"help_tablet_list"`
	Search  tabletSearch  `cmd:"" help:"help_tablet_search"`
	Show    tabletShow    `cmd:"" help:"help_tablet_show"`
	Save    tabletSave    `cmd:"" help:"help_tablet_save"`
	Form    tabletForm    `cmd:"" help:"help_tablet_form"`
	Last    tabletLast    `cmd:"" help:"help_tablet_last"`
	Due     tabletDue     `cmd:"" help:"help_tablet_due"`
	Void    tabletVoid    `cmd:"" help:"help_tablet_void"`
	Restore tabletRestore `cmd:"" help:"help_tablet_restore"`
	Move    tabletMove    `cmd:"" help:"help_tablet_move"`
	Resolve tabletResolve `cmd:"" help:"help_tablet_resolve"`
	Correct tabletCorrect `cmd:"" help:"help_tablet_correct"`
	Sync    tabletSync    `cmd:"" help:"help_tablet_sync"`
	Hub     tabletHub     `cmd:"" help:"help_tablet_hub"`
	Bundle  tabletBundle  `cmd:"" help:"help_tablet_bundle"`
	Lock    tabletLock    `cmd:"" help:"help_tablet_lock"`
	Secret  tabletSecret  `cmd:"" help:"help_tablet_secret"`

	Limits   tabletLimits   `cmd:"" help:"help_tablet_limits"`
	Findings tabletFindings `cmd:"" help:"help_tablet_findings"`
	Tasks    tabletTasks    `cmd:"" help:"help_tablet_tasks"`
	Rectify  tabletRectify  `cmd:"" help:"help_tablet_rectify"`
	Answer   tabletAnswer   `cmd:"" help:"help_tablet_answer"`
	Evidence tabletEvidence `cmd:"" help:"help_tablet_evidence"`
}

// tabletFlags say which tablet, and who opens it.
type tabletFlags struct {
	Dir        string `help:"help_dir" placeholder:"DIR"`
	SecretFile string `help:"help_secret_file" placeholder:"FILE"`
}

const (
	secretVariable = "XUNZHEN_SECRET"
	tabletVariable = "XUNZHEN_TABLET"
	usualTablet    = "xunzhen-tablet"
)

// folder returns the tablet's folder: the flag's, the environment's, or the usual
// one.
func (f tabletFlags) folder(c *call) string {
	return cmp.Or(f.Dir, c.Env(tabletVariable), usualTablet)
}

// secret returns the secret that opens the tablet: from the file, the environment,
// or whoever sits there.
func (f tabletFlags) secret(c *call, prompt string) (string, error) {
	switch {
	case f.SecretFile != "":
		raw, err := os.ReadFile(f.SecretFile)
		if err != nil {
			return "", &problem{key: "problem_secret_file", args: []any{f.SecretFile}, cause: err}
		}
		return strings.TrimRight(string(raw), "\r\n"), nil
	case c.Env(secretVariable) != "":
		return c.Env(secretVariable), nil
	case c.AskSecret != nil:
		return c.AskSecret(c.say(prompt))
	}
	return "", problemf("problem_no_secret", secretVariable)
}

// open opens the tablet, unlocked, does f and closes it.
func (f tabletFlags) open(c *call, do func(*tablet.Tablet) error) error {
	if dir := f.folder(c); !tablet.Exists(dir) {
		return problemf("problem_no_tablet", dir)
	}
	secret, err := f.secret(c, "ask_secret")
	if err != nil {
		return err
	}
	if secret == "" {
		return problemf("problem_no_secret", secretVariable)
	}
	return f.with(c, secret, do)
}

// openLocked is open without a secret.
func (f tabletFlags) openLocked(c *call, do func(*tablet.Tablet) error) error {
	if dir := f.folder(c); !tablet.Exists(dir) {
		return problemf("problem_no_tablet", dir)
	}
	return f.with(c, "", do)
}

func (f tabletFlags) with(c *call, secret string, do func(*tablet.Tablet) error) (err error) {
	t, err := tablet.OpenWith(f.options(c), secret)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	return do(t)
}

func (f tabletFlags) options(c *call) *tablet.Options {
	return &tablet.Options{Dir: f.folder(c), Clock: millis(c.Clock), CheapSecrets: c.CheapSecrets}
}

// millis is a clock as tablets want it.
type millis func() time.Time

// NowMs returns UTC milliseconds since 1970.
func (m millis) NowMs() int64 { return m().UnixMilli() }

// syncOptions show the progress of a sync. The bar ends with the words that end is
// called with.
func (c *call) syncOptions(address string) (o *tablet.SyncOptions, end func(string)) {
	p := &syncProgress{call: c}
	return &tablet.SyncOptions{Progress: p, Address: address}, p.end
}

// syncProgress is one bar a phase.
type syncProgress struct {
	*call
	phase string
	bar   *terminal.Bar
}

// Progress is told how a sync goes on.
func (p *syncProgress) Progress(phase string, done, total int) {
	if phase != p.phase {
		p.end("")
		p.phase, p.bar = phase, p.screen().Begin(p.say("sync_"+phase), total)
	}
	p.bar.Set(done, total)
}

func (p *syncProgress) end(text string) {
	if p.bar != nil {
		p.bar.End(text)
	}
	p.bar = nil
}

// sync syncs a tablet, locked or not, with whom it says; empty: whoever answers.
func (c *call) sync(t *tablet.Tablet, address, with string, locked bool) (*tablet.SyncReport, error) {
	o, end := c.syncOptions(address)
	o.With = with
	run := func(ctx context.Context) (*tablet.SyncReport, error) { return t.Sync(ctx, o) }
	if locked {
		run = func(ctx context.Context) (*tablet.SyncReport, error) { return t.SyncLocked(ctx, o) }
	}
	report, err := run(c.ctx)
	end("")
	return report, err
}
