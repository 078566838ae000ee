// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/grpc"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/backup"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
)

type backupService struct {
	syncv1grpc.UnimplementedBackupServiceServer
	cfg Config
}

// Backup makes a backup and tells how far it is.
func (s *backupService) Backup(m *syncv1.BackupRequest, stream grpc.ServerStreamingServer[syncv1.BackupResponse]) error {
	c := callOf(stream.Context()).county
	to := c.BackupState().Planned
	if m.GetFolder() != "" {
		to = county.Destination{Folder: filepath.Clean(m.GetFolder()), Recipient: m.GetRecipient()}
	}
	if !filepath.IsAbs(to.Folder) {
		return invalid("backup folder %q is not absolute", to.Folder)
	}
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	report, err := c.Backup(ctx, to, func(done, total ledger.Size) {
		if err := stream.Send(&syncv1.BackupResponse{Done: uint64(done), Total: uint64(total)}); err != nil {
			cancel(err)
		}
	})
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return stream.Send(&syncv1.BackupResponse{Failed: err.Error(), Problem: problemOf(err)})
	}
	return stream.Send(&syncv1.BackupResponse{Report: reportOfBackup(report, to)})
}

// problemOf says what an operator must do something about.
func problemOf(err error) syncv1.BackupProblem {
	switch {
	case errors.Is(err, backup.ErrGone):
		return syncv1.BackupProblem_BACKUP_PROBLEM_GONE
	case errors.Is(err, backup.ErrFull):
		return syncv1.BackupProblem_BACKUP_PROBLEM_FULL
	case errors.Is(err, backup.ErrLocked):
		return syncv1.BackupProblem_BACKUP_PROBLEM_LOCKED
	case errors.Is(err, backup.ErrDamaged):
		return syncv1.BackupProblem_BACKUP_PROBLEM_DAMAGED
	case syncengine.ReasonOf(err) == syncengine.ReasonRolledBack:
		return syncv1.BackupProblem_BACKUP_PROBLEM_ROLLED_BACK
	}
	return syncv1.BackupProblem_BACKUP_PROBLEM_OTHER
}

func reportOfBackup(r backup.Report, to county.Destination) *syncv1.BackupReport {
	return &syncv1.BackupReport{
		Number: r.Number, Epoch: epochToWire(r.Epoch), LedgerSize: uint64(r.Size), VerifiedAtMs: r.At.UnixMilli(),
		Written: uint64(r.Written), Files: uint32(r.Files), Anew: r.Anew, Healed: r.Healed, Unreadable: r.Unreadable,
		KeysApart: r.KeysApart, Folder: to.Folder,
	}
}

func epochToWire(e ledger.Epoch) *syncv1.Epoch {
	return &syncv1.Epoch{Number: e.Number, Name: slices.Clone(e.Name[:])}
}

// GetBackupState tells how the county and its backups stand.
func (s *backupService) GetBackupState(ctx context.Context, _ *syncv1.GetBackupStateRequest) (*syncv1.GetBackupStateResponse, error) {
	c := callOf(ctx).county
	state := c.BackupState()
	out := &syncv1.GetBackupStateResponse{
		County: c.Code, Epoch: epochToWire(c.Engine.Epoch()), LedgerSize: uint64(c.Engine.Size()), Stopped: c.Engine.Stopped(),
		Folder: state.Planned.Folder, EveryMs: uint64(state.Every.Milliseconds()),
	}
	marks, err := c.Engine.Marks(ctx)
	if err != nil {
		return nil, err
	}
	var last ledger.BackupMark
	if n := len(marks); n > 0 {
		last = marks[n-1]
		out.LastNumber, out.LastVerifiedAtMs, out.LastLedgerSize = last.Number, last.VerifiedAt.UnixMilli(), uint64(last.LedgerSize)
	}
	out.Overdue = state.Overdue(last, s.cfg.Clock())
	if state.Why != nil {
		out.FailedAtMs, out.Failed = state.Failed.UnixMilli(), state.Why.Error()
	}
	if state.Last.Number > 0 {
		out.Last = reportOfBackup(state.Last, state.LastTo)
	}
	out.HeldRecords, err = c.HeldRecords(ctx)
	return out, err
}

const (
	usualRefills = 100
	maxRefills   = 500
)

// ListRefills tells of every tablet and hub what it has shown since the last restore.
func (s *backupService) ListRefills(ctx context.Context, m *syncv1.ListRefillsRequest) (*syncv1.ListRefillsResponse, error) {
	at, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	all, err := callOf(ctx).county.Engine.Refills(ctx)
	if err != nil {
		return nil, err
	}
	from, _ := slices.BinarySearchFunc(all, at.key, func(f syncengine.Refill, key []byte) int {
		r := f.Certificate.Replica()
		return bytes.Compare(r[:], key)
	})
	to := min(len(all), from+pageSize(m.GetPageSize(), usualRefills, maxRefills))
	out := &syncv1.ListRefillsResponse{}
	for _, f := range all[from:to] {
		out.Refills = append(out.Refills, refillToWire(f))
	}
	if to < len(all) {
		next := all[to].Certificate.Replica()
		out.NextPageToken = place{key: idOf(next)}.token(m)
	}
	return out, nil
}

func idOf(r causal.ReplicaID) []byte { return r[:] }

func refillToWire(f syncengine.Refill) *syncv1.Refill {
	return &syncv1.Refill{
		Replica: idOf(f.Certificate.Replica()), Label: f.Certificate.Label, Staff: f.Certificate.Staff, HeardAtMs: msOrZero(f.Heard),
		Lacking: uint32(f.Lacking), SeenSize: uint64(f.Seen), Broken: f.Broken, Revoked: f.Revoked,
	}
}

func msOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
