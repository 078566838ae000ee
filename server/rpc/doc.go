// SPDX-License-Identifier: Apache-2.0

// Package rpc is the services of xunzhen.sync.v1 and xunzhen.office.v1: one file a service, each method a
// few lines that turn a message into a question to the engine and the answer back.
//
// Before each method stands the Guard: it knows who calls, asks the table of package
// auth, keeps the caller within its share, reads the request within its limits,
// turns errors into refusals with a reason, and writes one line about the call.
// Nothing in that line is about a person.
package rpc

import (
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

// Counties finds a county that the server holds.
type Counties interface {
	County(segment.ShardID) (*county.County, bool)
}

// Config is what the services need. All but Observer must be given, and either
// Counties or Hub.
type Config struct {
	Counties   Counties
	Hub        Hub // instead of counties: the services that devices need of a hub
	Sessions   *auth.Sessions
	Challenges *auth.Challenges
	Pin        session.Pin
	Addresses  func() []string  // what invitations name, best first
	Clock      func() time.Time // the centre's clock
	Log        *slog.Logger
	Limits     Limits
	Stopping   <-chan struct{} // closed when the server begins to stop
	Observer   Observer        // nil: nobody is told
}

// Options are what a server must be made with so that the guard can do its work.
func Options() []grpc.ServerOption {
	transport.RegisterCompressor()
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(newCodec()),
		grpc.MaxRecvMsgSize(transport.MaxRequest),
		grpc.MaxSendMsgSize(transport.MaxResponse),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeader),
		// Fixed windows: what waits unread is at most one window for each stream. The
		// connection's own window is given back before anything is read, and bounds nothing.
		grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(connWindow),
		grpc.WaitForHandlers(true),
	}
}

const (
	maxStreams = 8
	maxHeader  = 8 << 10
	window     = 64 << 10
	connWindow = 128 << 10
)

// Register adds all services, guarded, to a server that was made with Options, and
// returns their guard.
func Register(s *grpc.Server, cfg Config, h *health.Server) *Guard {
	if cfg.Observer == nil {
		cfg.Observer = nobody{}
	}
	g := newGuard(s, cfg)
	syncv1grpc.RegisterSyncServiceServer(g, &syncService{cfg: cfg})
	syncv1grpc.RegisterEnrolmentServiceServer(g, &enrolmentService{cfg: cfg})
	syncv1grpc.RegisterHubServiceServer(g, &hubService{cfg: cfg})
	if cfg.Hub == nil {
		registerCentre(g, cfg)
	}
	healthpb.RegisterHealthServer(g, h)
	reflection.Register(g)
	return g
}

// registerCentre adds what only the centre does: a hub has no county to ask.
func registerCentre(g *Guard, cfg Config) {
	syncv1grpc.RegisterDeviceServiceServer(g, &deviceService{cfg: cfg})
	syncv1grpc.RegisterRecordServiceServer(g, &recordService{cfg: cfg})
	syncv1grpc.RegisterEvidenceServiceServer(g, &evidenceService{})
	syncv1grpc.RegisterBundleServiceServer(g, &bundleService{cfg: cfg})
	syncv1grpc.RegisterBackupServiceServer(g, &backupService{cfg: cfg})
	syncv1grpc.RegisterPersonServiceServer(g, &personService{})
	syncv1grpc.RegisterDivisionServiceServer(g, &divisionService{})
	officev1grpc.RegisterResidentServiceServer(g, &residentService{cfg: cfg})
	officev1grpc.RegisterAccessServiceServer(g, &accessService{})
	officev1grpc.RegisterFindingServiceServer(g, &findingService{cfg: cfg})
	officev1grpc.RegisterAssessmentServiceServer(g, &assessmentService{})
	officev1grpc.RegisterExportServiceServer(g, &exportService{cfg: cfg})
	officev1grpc.RegisterSupervisionServiceServer(g, &supervisionService{cfg: cfg})
	officev1grpc.RegisterAuthenticityServiceServer(g, &authenticityService{cfg: cfg})
	officev1grpc.RegisterTaskServiceServer(g, &taskService{})
	officev1grpc.RegisterImportServiceServer(g, &importService{})
}
