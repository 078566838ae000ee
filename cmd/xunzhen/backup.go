// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"path/filepath"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine/backup"
)

// backupFlags say where a server makes backups by itself.
type backupFlags struct {
	Backup          string        `help:"help_serve_backup" placeholder:"DIR"`
	BackupEvery     time.Duration `help:"help_backup_every" default:"1h" placeholder:"DURATION"`
	BackupRecipient string        `help:"help_recipient" placeholder:"AGE1..."`
}

// leastBackup is how often backups may be made at most.
const leastBackup = time.Minute

// destination returns where backups go; no folder: nowhere.
func (f backupFlags) destination() (to county.Destination, err error) {
	if f.Backup == "" {
		return to, nil
	}
	if f.BackupEvery < leastBackup {
		return to, problemf("problem_backup_every", f.BackupEvery, leastBackup)
	}
	return destination(f.Backup, f.BackupRecipient)
}

// destination refuses a recipient that is none before anything is begun.
func destination(folder, recipient string) (to county.Destination, err error) {
	if _, err := backup.NewWriter(backup.Config{Recipient: recipient}); err != nil {
		return to, &problem{key: "problem_recipient", args: []any{recipient}, cause: err}
	}
	to.Recipient = recipient
	to.Folder, err = filepath.Abs(folder)
	return to, err
}

// tellBackup says where backups go, loudly when nowhere.
func (f backupFlags) tellBackup(say func(string, ...any), data string) {
	if f.Backup == "" {
		say("warning_no_backup", data)
		return
	}
	say("serve_backup", f.Backup, f.BackupEvery)
	if f.BackupRecipient == "" {
		say("warning_keys_apart", data)
	}
}

// backupCommand makes a backup through the running server.
type backupCommand struct {
	officeFlags
	To        string `help:"help_backup_to" placeholder:"DIR"`
	Recipient string `help:"help_recipient" placeholder:"AGE1..."`
	Json      bool   `help:"help_json"`
}

// Run makes a backup and says what it came to.
func (f backupCommand) Run(c *call) error {
	to := county.Destination{}
	if f.To != "" {
		var err error
		if to, err = destination(f.To, f.Recipient); err != nil {
			return err
		}
	}
	return f.open(c, func(o *office.Office, one office.ServingCounty) error {
		if f.To == "" {
			if state, err := o.BackupState(c.ctx); err != nil || state.GetFolder() == "" {
				return errors.Join(err, problemf("problem_backup_where"))
			}
		}
		bar := c.screen().Begin(c.say("backup_bar", one.Code), 0)
		began := c.Clock()
		report, err := o.Backup(c.ctx, to.Folder, to.Recipient, func(done, total uint64) { bar.Set(int(done), int(total)) })
		if err != nil {
			bar.End("")
			return explainTold(err, to.Folder)
		}
		bar.End(c.say("backup_bar_done", report.GetLedgerSize(), c.Clock().Sub(began).Round(100*time.Millisecond)))
		if f.Json {
			return c.json(backupDocument(report))
		}
		return f.tell(c, one, report)
	})
}

func (f backupCommand) tell(c *call, one office.ServingCounty, r *syncv1.BackupReport) error {
	c.line("backup_made", one.Code, r.GetNumber(), r.GetLedgerSize(), r.GetFolder(), r.GetFiles(), kilobytes(r.GetWritten()))
	if r.GetAnew() {
		c.line("backup_anew")
	}
	for _, name := range r.GetHealed() {
		c.line("backup_healed", name)
	}
	for _, name := range r.GetUnreadable() {
		c.line("backup_unreadable", name)
	}
	if r.GetKeysApart() {
		c.line("warning_keys_apart", one.Dir)
	}
	return nil
}

func kilobytes(n uint64) uint64 { return (n + 1023) / 1024 }

// backupDoc is a backup for programs.
type backupDoc struct {
	Number     uint64   `json:"number"`
	Epoch      uint64   `json:"epoch"`
	LedgerSize uint64   `json:"ledger_size"`
	VerifiedMs int64    `json:"verified_ms"`
	Written    uint64   `json:"written_bytes"`
	Files      uint32   `json:"files"`
	Anew       bool     `json:"anew"`
	Healed     []string `json:"healed,omitempty"`
	Unreadable []string `json:"unreadable,omitempty"`
	KeysApart  bool     `json:"keys_apart"`
	Folder     string   `json:"folder"`
}

func backupDocument(r *syncv1.BackupReport) backupDoc {
	return backupDoc{
		Number: r.GetNumber(), Epoch: r.GetEpoch().GetNumber(), LedgerSize: r.GetLedgerSize(), VerifiedMs: r.GetVerifiedAtMs(),
		Written: r.GetWritten(), Files: r.GetFiles(), Anew: r.GetAnew(), Healed: r.GetHealed(), Unreadable: r.GetUnreadable(),
		KeysApart: r.GetKeysApart(), Folder: r.GetFolder(),
	}
}

// explainTold says what a server told was wrong with its backup, and what helps.
func explainTold(err error, folder string) error {
	var told *office.BackupError
	if !errors.As(err, &told) {
		return err
	}
	keys := map[syncv1.BackupProblem]string{
		syncv1.BackupProblem_BACKUP_PROBLEM_GONE:        "problem_backup_gone",
		syncv1.BackupProblem_BACKUP_PROBLEM_FULL:        "problem_backup_full",
		syncv1.BackupProblem_BACKUP_PROBLEM_LOCKED:      "problem_backup_locked",
		syncv1.BackupProblem_BACKUP_PROBLEM_DAMAGED:     "problem_backup_wrote",
		syncv1.BackupProblem_BACKUP_PROBLEM_ROLLED_BACK: "problem_backup_ahead",
	}
	if key, ok := keys[told.Problem]; ok {
		return &problem{key: key, args: []any{folder}, cause: err}
	}
	return &problem{key: "problem_backup_failed", args: []any{folder}, cause: err}
}
