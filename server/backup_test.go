// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/server/servertest"
)

// operatorOf is the office's side of a server's backups.
type operatorOf struct {
	*servertest.Caller
	syncv1grpc.BackupServiceClient
	shard []byte
}

func backupsOf(s *servertest.Server) operatorOf {
	o, shard := s.Operator(), s.County.Shard()
	return operatorOf{o, syncv1grpc.NewBackupServiceClient(o.Conn), shard[:]}
}

// backup returns the last response.
func (o operatorOf) backup(t *testing.T, folder string) *syncv1.BackupResponse {
	t.Helper()
	stream, err := o.Backup(o.Context(), &syncv1.BackupRequest{Shard: o.shard, Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	var last *syncv1.BackupResponse
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return last
		}
		if err != nil {
			t.Fatal(err)
		}
		last = m
	}
}

func (o operatorOf) state(t *testing.T) *syncv1.GetBackupStateResponse {
	t.Helper()
	m, err := o.GetBackupState(o.Context(), &syncv1.GetBackupStateRequest{Shard: o.shard})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPlannedBackupsAreMadeAtOnceAndFailuresAreLoud(t *testing.T) {
	s := servertest.Start(t)
	o, folder := backupsOf(s), t.TempDir()
	if m := o.state(t); m.GetLastNumber() != 0 || m.GetFolder() != "" || m.GetOverdue() || m.GetCounty() != s.County.Code {
		t.Errorf("%v", m)
	}
	ctx, stop := context.WithCancel(t.Context())
	made := s.Log.Seen("backup made")
	run := s.PlanBackups(county.Destination{Folder: folder}, time.Hour)
	ended := make(chan struct{})
	go func() { run(ctx); close(ended) }()
	<-made
	stop()
	<-ended
	m := o.state(t)
	if m.GetLastNumber() != 1 || m.GetFolder() != folder || m.GetEveryMs() != 3_600_000 || m.GetLastLedgerSize() != uint64(s.County.Engine.Size()) {
		t.Errorf("%v", m)
	}
	s.Clock.Move(4 * time.Hour)
	o = backupsOf(s) // the session is over
	if !o.state(t).GetOverdue() {
		t.Error("three hours without a backup are nothing")
	}
	if r := o.backup(t, ""); r.GetReport().GetNumber() != 2 || o.state(t).GetOverdue() {
		t.Errorf("%v", r)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	failed := s.Log.Seen("NO BACKUP")
	ctx, stop = context.WithCancel(t.Context())
	ended = make(chan struct{})
	go func() { run(ctx); close(ended) }()
	<-failed
	stop()
	<-ended
	if m := o.state(t); m.GetFailedAtMs() == 0 || m.GetLastNumber() != 2 {
		t.Errorf("%v", m)
	}
	if r := o.backup(t, ""); r.GetProblem() != syncv1.BackupProblem_BACKUP_PROBLEM_GONE {
		t.Errorf("%v", r)
	}
}

func TestABackupGoesWhereItIsToldAndNowhereElse(t *testing.T) {
	s := servertest.Start(t)
	o := backupsOf(s)
	for _, folder := range []string{"", "relative/folder"} {
		stream, err := o.Backup(o.Context(), &syncv1.BackupRequest{Shard: o.shard, Folder: folder})
		if err == nil {
			_, err = stream.Recv()
		}
		wantReason(t, "folder "+folder, err, syncv1.Reason_REASON_INVALID)
	}
	folder := t.TempDir()
	r := o.backup(t, folder)
	if r.GetReport().GetFolder() != folder || !r.GetReport().GetAnew() || !r.GetReport().GetKeysApart() {
		t.Errorf("%v", r)
	}
	if _, err := os.Stat(filepath.Join(folder, s.County.Shard().String())); err != nil {
		t.Error(err)
	}
}

func TestEveryTabletIsListedPageByPage(t *testing.T) {
	s := servertest.Start(t)
	for _, staff := range []string{"li", "wang", "zhang", "zhao", "zhou"} {
		s.Enrol(servertest.Doctor(staff))
	}
	o := backupsOf(s)
	seen := map[string]bool{}
	for token, pages := "", 0; ; pages++ {
		m, err := o.ListRefills(o.Context(), &syncv1.ListRefillsRequest{Shard: o.shard, PageSize: 2, PageToken: token})
		if err != nil || len(m.GetRefills()) > 2 {
			t.Fatalf("%v, %v", m, err)
		}
		for _, r := range m.GetRefills() {
			if r.GetHeardAtMs() != 0 || len(r.GetStaff()) != 1 {
				t.Errorf("%v", r)
			}
			seen[r.GetStaff()[0]] = true
		}
		if token = m.GetNextPageToken(); token == "" {
			if pages != 2 || len(seen) != 5 {
				t.Errorf("%d pages, %d tablets", pages+1, len(seen))
			}
			return
		}
	}
}
