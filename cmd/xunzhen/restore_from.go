// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/backup"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
)

// fromBackup makes a county's folder from a folder with backups.
func (f restoreCommand) fromBackup(c *call, data string) error {
	found, err := backup.Find(f.From)
	if err != nil {
		return explainBackup(err, f.From)
	}
	one, err := f.whichBackup(found)
	if err != nil {
		return err
	}
	chosen := one.Newest()
	if f.Backup > 0 {
		if chosen, err = one.Numbered(f.Backup); err != nil {
			return &problem{key: "problem_no_such_backup", args: []any{f.Backup, f.From}, cause: err}
		}
	}
	c.tellBackups(one, chosen)
	opened, keys, err := f.openBackup(data, one, chosen)
	if err != nil {
		return err
	}
	if one.Loses(chosen) && !f.AcceptLoss {
		return problemf("problem_backup_loses", chosen.Number, one.Newest().Number, f.lost(one, chosen))
	}
	if err := f.confirmCode(c, chosen.County); err != nil {
		return err
	}
	return f.rebuild(c, data, county.Restoration{From: one, Backup: opened, Keys: keys, Author: f.Author})
}

// whichBackup returns the county that is meant; without a code the only one.
func (f restoreCommand) whichBackup(all []backup.County) (backup.County, error) {
	codes := make([]string, len(all))
	for i, one := range all {
		codes[i] = one.Newest().County
		if codes[i] == f.County || f.County == "" && len(all) == 1 {
			return one, nil
		}
	}
	return backup.County{}, &office.WhichCountyError{Codes: strings.Join(codes, ", ")}
}

// tellBackups lists what there is, the chosen one marked.
func (c *call) tellBackups(one backup.County, chosen backup.Manifest) {
	c.line("restore_backups", chosen.County)
	for _, m := range one.Backups {
		mark := " "
		if m.Number == chosen.Number {
			mark = "*"
		}
		c.line("restore_backup", mark, m.Number, minute(m.MadeAt), m.Checkpoint.Size, m.Checkpoint.Epoch.Number)
	}
	for _, name := range one.Unreadable {
		c.line("restore_unreadable", name)
	}
}

func minute(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

// lost says how many entries of the ledger newer backups have beside the chosen one.
func (f restoreCommand) lost(one backup.County, chosen backup.Manifest) ledger.Size {
	most := chosen.Checkpoint.Size
	for _, m := range one.Backups {
		most = max(most, m.Checkpoint.Size)
	}
	return most - chosen.Checkpoint.Size
}

// openBackup opens a backup with what reads it, and finds the county's keys.
func (f restoreCommand) openBackup(data string, one backup.County, chosen backup.Manifest) (*backup.Backup, []backup.KeyFile, error) {
	var ids []age.Identity
	if f.Identity != "" {
		file, err := os.Open(f.Identity)
		if err != nil {
			return nil, nil, &problem{key: "problem_identity", args: []any{f.Identity}, cause: err}
		}
		defer file.Close() //nolint:errcheck // only read
		if ids, err = age.ParseIdentities(file); err != nil {
			return nil, nil, &problem{key: "problem_identity", args: []any{f.Identity}, cause: err}
		}
	}
	b := one.Open(chosen, ids...)
	if f.Keys != "" {
		keys, err := county.KeysKeptApart(f.Keys, one.Shard.String())
		return b, keys, err
	}
	keys, err := b.Keys()
	if errors.Is(err, backup.ErrNone) {
		return nil, nil, &problem{key: "problem_keys_apart", args: []any{f.From}, cause: err}
	}
	if err != nil {
		return nil, nil, explainBackup(err, f.From)
	}
	return b, keys, nil
}

func (f restoreCommand) rebuild(c *call, data string, r county.Restoration) error {
	cfg := server.Config{
		Data: data, Schema: care.Kinds(), Clock: c.Clock, Rand: c.Rand, Log: slog.New(slog.DiscardHandler),
	}
	bar := c.screen().Begin(c.say("restore_bar"), int(r.Backup.Checkpoint.Size))
	began := c.Clock()
	r.Progress = func(done, total ledger.Size) { bar.Set(int(done), int(total)) }
	done, err := county.Restore(c.ctx, data, r, cfg.Means())
	if err != nil {
		bar.End("")
		return explainRestore(err, f.From, data, r.From.Shard.String())
	}
	took := c.Clock().Sub(began)
	bar.End(c.say("restore_bar_done", done.Size, took.Round(100*time.Millisecond)))
	c.line("restore_up_to", r.Backup.County, r.Backup.Number, minute(r.Backup.MadeAt), done.Dir)
	if done.NewPin {
		c.line("restore_new_pin")
	}
	c.line("restore_done", r.Backup.County, done.Epoch.Number)
	return nil
}

// explainBackup says what is wrong with a folder of backups, and what helps.
func explainBackup(err error, dir string) error {
	for _, known := range []struct {
		err error
		key string
	}{
		{backup.ErrNone, "problem_no_backup"},
		{backup.ErrIdentity, "problem_backup_encrypted"},
		{backup.ErrDamaged, "problem_backup_damaged"},
		{backup.ErrGone, "problem_backup_gone"},
		{backup.ErrFull, "problem_backup_full"},
		{backup.ErrLocked, "problem_backup_locked"},
		{syncengine.ErrBackup, "problem_backup_damaged"},
	} {
		if errors.Is(err, known.err) {
			return &problem{key: known.key, args: []any{dir}, cause: err}
		}
	}
	return err
}

func explainRestore(err error, from, data, shard string) error {
	switch {
	case errors.Is(err, county.ErrThere):
		return &problem{key: "problem_county_there", args: []any{data}, cause: err}
	case errors.Is(err, county.ErrKeys):
		return &problem{key: "problem_keys", cause: err}
	case errors.Is(err, syncengine.ErrOccupied):
		return &problem{key: "problem_restore_begun", args: []any{fmt.Sprintf("%s/.restoring-%s", data, shard)}, cause: err}
	}
	return explainBackup(err, from)
}
