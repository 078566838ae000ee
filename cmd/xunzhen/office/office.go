// SPDX-License-Identifier: Apache-2.0

// Package office is the office's side of a running server: its services with a
// session of the operator key, or of a desk's own. It signs in by itself, again when a session is over,
// and reads lists to their end.
package office

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
	"github.com/xunzhen/xunzhen/transport/remote"
)

// Config says which server, and who calls. All but Wait must be given, of a desk Desk in place of the rest.
type Config struct {
	Desk    *Desk
	Address string
	Pin     session.Pin
	Shard   segment.ShardID
	Key     ed25519.PrivateKey // the operator key
	// Wait returns after d or with the context's error; nil: by the system's timer.
	Wait func(ctx context.Context, d time.Duration) error
}

// Office is a connection. It is safe for concurrent use.
type Office struct {
	cfg       Config
	conn      io.Closer
	enrolment syncv1grpc.EnrolmentServiceClient
	devices   syncv1grpc.DeviceServiceClient
	records   syncv1grpc.RecordServiceClient
	bundles   syncv1grpc.BundleServiceClient
	evidence  syncv1grpc.EvidenceServiceClient
	backups   syncv1grpc.BackupServiceClient
	persons   syncv1grpc.PersonServiceClient
	divisions syncv1grpc.DivisionServiceClient
	findings  officev1grpc.FindingServiceClient
	people    officev1grpc.ResidentServiceClient
	log       officev1grpc.AccessServiceClient
	doubts    officev1grpc.AuthenticityServiceClient
	exports   officev1grpc.ExportServiceClient
	assessing officev1grpc.AssessmentServiceClient

	supervision officev1grpc.SupervisionServiceClient
	tasks       officev1grpc.TaskServiceClient
	centre      *remote.Centre // of a desk
	imports     officev1grpc.ImportServiceClient

	mu    sync.Mutex
	token string
}

// Connect returns an office. It connects at the first call.
func Connect(cfg Config) (*Office, error) {
	o := &Office{cfg: cfg}
	conn, err := o.dial()
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", cfg.Address, err)
	}
	o.devices = syncv1grpc.NewDeviceServiceClient(conn)
	o.enrolment, o.records = syncv1grpc.NewEnrolmentServiceClient(conn), syncv1grpc.NewRecordServiceClient(conn)
	o.bundles = syncv1grpc.NewBundleServiceClient(conn)
	o.evidence = syncv1grpc.NewEvidenceServiceClient(conn)
	o.backups = syncv1grpc.NewBackupServiceClient(conn)
	o.persons, o.divisions = syncv1grpc.NewPersonServiceClient(conn), syncv1grpc.NewDivisionServiceClient(conn)
	o.findings = officev1grpc.NewFindingServiceClient(conn)
	o.people, o.log = officev1grpc.NewResidentServiceClient(conn), officev1grpc.NewAccessServiceClient(conn)
	o.doubts = officev1grpc.NewAuthenticityServiceClient(conn)
	o.supervision, o.tasks = officev1grpc.NewSupervisionServiceClient(conn), officev1grpc.NewTaskServiceClient(conn)
	o.exports = officev1grpc.NewExportServiceClient(conn)
	o.imports = officev1grpc.NewImportServiceClient(conn)
	o.assessing = officev1grpc.NewAssessmentServiceClient(conn)
	return o, nil
}

// dial connects as who calls does: the operator to the server beside it, a desk to the one that it was enrolled with,
// wherever that is now.
func (o *Office) dial() (grpc.ClientConnInterface, error) {
	if d := o.cfg.Desk; d != nil {
		centre, err := d.dial()
		if err != nil {
			return nil, err
		}
		o.conn, o.centre, o.cfg.Shard = centre, centre, d.shard()
		return sessioned{centre.Conn(), o}, nil
	}
	conn, err := transport.Dial(o.cfg.Address, o.cfg.Pin)
	if err != nil {
		return nil, err
	}
	o.conn = conn
	return sessioned{conn, o}, nil
}

// sessioned is a connection on which calls are made in a session.
type sessioned struct {
	*grpc.ClientConn
	office *Office
}

// Invoke makes a call.
func (s sessioned) Invoke(ctx context.Context, method string, req, reply any, opts ...grpc.CallOption) error {
	return s.office.unary(ctx, method, func(ctx context.Context) error { return s.ClientConn.Invoke(ctx, method, req, reply, opts...) })
}

// NewStream begins a stream.
func (s sessioned) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return s.office.stream(ctx, func(ctx context.Context) (grpc.ClientStream, error) {
		return s.ClientConn.NewStream(ctx, desc, method, opts...)
	})
}

// Close ends the connection.
func (o *Office) Close() error { return o.conn.Close() }

// Shard returns the shard as requests name it.
func (o *Office) Shard() []byte { return o.cfg.Shard[:] }

// unary adds the session to calls, and repeats a call that the server
// did not even begin.
func (o *Office) unary(ctx context.Context, method string, call func(context.Context) error) error {
	switch method {
	case syncv1grpc.EnrolmentService_Challenge_FullMethodName, syncv1grpc.EnrolmentService_Login_FullMethodName,
		syncv1grpc.EnrolmentService_Renew_FullMethodName: // that is how a session begins
		return call(ctx)
	}
	for try := 1; ; try++ {
		err := o.inSession(ctx, call)
		if err == nil || try == maxTries || !o.again(ctx, err) {
			return err
		}
	}
}

// maxTries is how often a call is made whose session was over, or that came when the
// server had too much to do.
const maxTries = 8

// again reports whether a call that the server did not do is worth another try, and
// waits as long as the server asked for.
func (o *Office) again(ctx context.Context, err error) bool {
	r, ok := transport.RefusalOf(err)
	switch {
	case ok && r.Reason == syncv1.Reason_REASON_TOKEN:
		o.forget()
		return true
	case ok && r.Reason == syncv1.Reason_REASON_BUSY:
		return o.wait(ctx, r.RetryAfter) == nil
	}
	return false
}

// stream begins a stream in a new session, because what a stream answers comes too
// late to sign in again.
func (o *Office) stream(ctx context.Context, begin func(context.Context) (grpc.ClientStream, error)) (out grpc.ClientStream, err error) {
	o.forget()
	err = o.inSession(ctx, func(ctx context.Context) error {
		out, err = begin(ctx)
		return err
	})
	return out, err
}

func (o *Office) wait(ctx context.Context, d time.Duration) error {
	if o.cfg.Wait != nil {
		return o.cfg.Wait(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (o *Office) inSession(ctx context.Context, f func(context.Context) error) error {
	o.mu.Lock()
	token := o.token
	o.mu.Unlock()
	if token == "" {
		var err error
		if token, err = o.login(ctx); err != nil {
			return err
		}
		o.mu.Lock()
		o.token = token
		o.mu.Unlock()
	}
	return f(transport.WithToken(ctx, token))
}

func (o *Office) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.token = ""
}

func (o *Office) login(ctx context.Context) (string, error) {
	challenge, err := o.enrolment.Challenge(ctx, &syncv1.ChallengeRequest{Shard: o.Shard()})
	if err != nil {
		return "", err
	}
	if o.cfg.Desk != nil {
		return o.loginDesk(ctx, challenge.GetChallenge())
	}
	reply, err := o.enrolment.Login(ctx, &syncv1.LoginRequest{
		Shard:     o.Shard(),
		Who:       &syncv1.LoginRequest_OperatorKey{OperatorKey: o.cfg.Key.Public().(ed25519.PublicKey)},
		Challenge: challenge.GetChallenge(),
		Signature: ed25519.Sign(o.cfg.Key, session.LoginMessage(o.cfg.Shard, o.cfg.Pin, challenge.GetChallenge())),
	})
	return reply.GetToken(), err
}
