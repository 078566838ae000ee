// SPDX-License-Identifier: Apache-2.0

package office

import (
	"context"
	"errors"
	"fmt"
	"io"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
)

// BackupError says that a backup failed, and of what; those made before are whole.
type BackupError struct {
	Problem syncv1.BackupProblem
	Text    string // the server's words
}

func (e *BackupError) Error() string { return e.Text }

// Backup makes a backup; an empty folder is where the server makes them by itself.
// Error: a *BackupError, or the call's.
func (o *Office) Backup(ctx context.Context, folder, recipient string, progress func(done, total uint64)) (*syncv1.BackupReport, error) {
	stream, err := o.backups.Backup(ctx, &syncv1.BackupRequest{Shard: o.Shard(), Folder: folder, Recipient: recipient})
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	for {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("backup: %w", io.ErrUnexpectedEOF)
		case err != nil:
			return nil, fmt.Errorf("backup: %w", err)
		case m.GetProblem() != syncv1.BackupProblem_BACKUP_PROBLEM_UNSPECIFIED:
			return nil, &BackupError{m.GetProblem(), m.GetFailed()}
		case m.GetReport() != nil:
			return m.GetReport(), nil
		}
		progress(m.GetDone(), m.GetTotal())
	}
}

// BackupState tells how the county and its backups stand.
func (o *Office) BackupState(ctx context.Context) (*syncv1.GetBackupStateResponse, error) {
	m, err := o.backups.GetBackupState(ctx, &syncv1.GetBackupStateRequest{Shard: o.Shard()})
	if err != nil {
		return nil, fmt.Errorf("state of backups: %w", err)
	}
	return m, nil
}

// Refills returns what every tablet and hub has shown since the last restore.
func (o *Office) Refills(ctx context.Context) ([]*syncv1.Refill, error) {
	var all []*syncv1.Refill
	for token := ""; ; {
		page, err := o.backups.ListRefills(ctx, &syncv1.ListRefillsRequest{Shard: o.Shard(), PageSize: listPage, PageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list what is missing: %w", err)
		}
		all = append(all, page.GetRefills()...)
		if token = page.GetNextPageToken(); token == "" {
			return all, nil
		}
	}
}
