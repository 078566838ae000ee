// SPDX-License-Identifier: Apache-2.0

// Package server is the centre as a process: a data folder with any number of
// counties, a TLS authority of its own, and the services of xunzhen.sync.v1 on one
// port. It is a value that a command and tests start alike:
//
//	s, err := server.New(ctx, cfg)   // opens the folder, or makes it
//	c, err := s.County(ctx, "130403") // finds the county, or makes it
//	err = s.Listen()
//	err = s.Serve(ctx)               // until ctx ends, then drains
//	err = s.Close()
//
// It prints nothing. What a person should read, such as addresses and invitations,
// it returns.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/xunzhen/xunzhen/server/admission"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/server/rpc"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
	"github.com/xunzhen/xunzhen/transport"
)

// Server is the centre. Make it with New.
type Server struct {
	cfg       Config
	authority *auth.Authority
	grpc      *grpc.Server
	health    *health.Server
	stopping  chan struct{}
	guard     *rpc.Guard
	sessions  *auth.Sessions
	ready     readiness

	mu       sync.RWMutex
	counties map[segment.ShardID]*county.County
	listener *admission.Listener
	serving  bool
}

// tlsFolder is where in the data folder the TLS authority is kept. Counties stand
// beside it, each under its shard's id.
const tlsFolder = "tls"

// New opens the data folder, makes what is missing in it, and opens every county
// there. ctx is for the opening only.
func New(ctx context.Context, cfg Config) (*Server, error) {
	s, err := newServer(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	return s, nil
}

func newServer(ctx context.Context, cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, err
	}
	names, err := cfg.names()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, health: health.NewServer(), stopping: make(chan struct{}), counties: map[segment.ShardID]*county.County{},
	}
	if s.authority, err = auth.OpenAuthority(filepath.Join(cfg.Data, tlsFolder), names, cfg.Clock, cfg.Rand); err != nil {
		return nil, err
	}
	if err := s.openServices(); err != nil {
		return nil, err
	}
	if err := s.openCounties(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) openServices() error {
	challenges, err := auth.NewChallenges(s.cfg.Clock, s.cfg.Rand)
	if err != nil {
		return err
	}
	s.sessions = auth.NewSessions(s.cfg.Clock, s.cfg.Rand)
	s.grpc = grpc.NewServer(append(rpc.Options(), s.options()...)...)
	s.guard = rpc.Register(s.grpc, rpc.Config{
		Counties:   holder{s},
		Hub:        s.cfg.hub(),
		Sessions:   s.sessions,
		Challenges: challenges,
		Pin:        s.Pin(),
		Addresses:  s.Addresses,
		Clock:      s.cfg.Clock,
		Log:        s.cfg.Log,
		Limits:     s.cfg.Limits,
		Stopping:   s.stopping,
		Observer:   s.cfg.Observer,
	}, s.health)
	return nil
}

func (s *Server) options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(credentials.NewTLS(s.authority.ServerTLS())),
		grpc.ConnectionTimeout(s.cfg.Handshake),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: s.cfg.Idle,
			Time:              transport.ClientPing,
			Timeout:           transport.PingTimeout,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: transport.MinPing, PermitWithoutStream: true}),
	}
}

func (s *Server) openCounties(ctx context.Context) error {
	if s.cfg.Hub != nil {
		return nil
	}
	dirs, err := county.Find(s.cfg.Data)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		c, err := county.Open(ctx, dir, s.means())
		if err != nil {
			return err
		}
		s.counties[c.Shard()] = c
	}
	return s.present()
}

// present has every county say how this server is known, for all who connect.
func (s *Server) present() error {
	var rosters [][]byte
	for _, c := range s.counties {
		if err := c.SignRoster(s.Pin(), s.cfg.Clock()); err != nil {
			return fmt.Errorf("county %s: %w", c.Code, err)
		}
		rosters = append(rosters, c.Roster().Raw)
	}
	if room := s.authority.Present(rosters); room < len(rosters) {
		s.cfg.Log.Warn("the certificate has no room for every county's roster", "counties", len(rosters), "shown", room)
	}
	return nil
}

func (s *Server) means() county.Means {
	m := s.cfg.Means()
	m.Observe = s.committed()
	return m
}

func openSQLite(path string, create bool) (syncengine.Store, error) {
	return sqlitestore.Open(path, sqlitestore.Options{Create: create})
}

// holder answers the services about counties.
type holder struct{ s *Server }

func (h holder) County(shard segment.ShardID) (*county.County, bool) {
	h.s.mu.RLock()
	defer h.s.mu.RUnlock()
	c, ok := h.s.counties[shard]
	return c, ok
}

// County returns the county with this code, a new one when there is none. It must not
// be asked of a hub's server.
func (s *Server) County(ctx context.Context, code string) (*county.County, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.counties {
		if c.Code == code {
			return c, nil
		}
	}
	c, err := county.Create(ctx, s.cfg.Data, code, s.means())
	if err != nil {
		return nil, err
	}
	s.counties[c.Shard()] = c
	return c, s.present()
}

// Counties returns the counties, in order of code.
func (s *Server) Counties() []*county.County {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []*county.County
	for _, c := range s.counties {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *county.County) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Dir, b.Dir))
	})
	return out
}

// Pin is the pin that tablets know this server by.
func (s *Server) Pin() session.Pin { return s.authority.Pin() }

// ReplaceAuthority puts a new authority in place of the one that signs this server's TLS
// certificates, and has every county say so. It must be called before Listen.
func (s *Server) ReplaceAuthority() error {
	names, err := s.cfg.names()
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	dir := filepath.Join(s.cfg.Data, tlsFolder)
	if err := auth.ReplaceAuthority(dir, s.cfg.Clock, s.cfg.Rand); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if s.authority, err = auth.OpenAuthority(dir, names, s.cfg.Clock, s.cfg.Rand); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	return s.present()
}

// Listen takes the port. It must be called once, before Serve.
func (s *Server) Listen() error {
	l, err := net.Listen("tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener = admission.NewListener(l, s.cfg.Arrivals, s.cfg.Clock)
	return nil
}

// Address returns where the server listens: after Listen with the port it took.
func (s *Server) Address() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.listener == nil {
		return s.cfg.Listen
	}
	return s.listener.Addr().String()
}

// Serve answers calls until ctx ends, then drains: it takes no new ones, lets those
// in progress end, and cuts off what is left after Config.Drain. It returns nil for
// an orderly end. When it returns, no call is in progress.
func (s *Server) Serve(ctx context.Context) error {
	s.mu.RLock()
	l := s.listener
	s.mu.RUnlock()
	if l == nil {
		return errors.New("server: Serve before Listen")
	}
	s.health.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
	for service := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(service, healthpb.HealthCheckResponse_SERVING)
	}
	s.setServing(true)
	served := make(chan error, 1)
	go func() { served <- s.grpc.Serve(l) }()
	select {
	case err := <-served:
		s.grpc.Stop()
		return fmt.Errorf("server: %w", err)
	case <-ctx.Done():
	}
	s.drain()
	if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("server: %w", err)
	}
	return nil
}

func (s *Server) drain() {
	s.health.Shutdown()
	s.setServing(false)
	close(s.stopping)
	timer := time.AfterFunc(s.cfg.Drain, s.grpc.Stop)
	defer timer.Stop()
	s.grpc.GracefulStop()
}

// Stopping returns a channel that is closed when the server begins to drain.
func (s *Server) Stopping() <-chan struct{} { return s.stopping }

// Close closes the counties' stores. Serve must have returned.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for shard, c := range s.counties {
		errs = append(errs, c.Close())
		delete(s.counties, shard)
	}
	s.serving = false
	if s.listener != nil {
		errs = append(errs, ignoreClosed(s.listener.Close()))
	}
	return errors.Join(errs...)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Invite makes an enrolment code for a county, with this server's addresses and pin.
func (s *Server) Invite(ctx context.Context, c *county.County, r syncengine.Rights, life time.Duration) (session.Invitation, error) {
	code, err := c.Engine.Invite(ctx, r, life)
	if err != nil {
		return session.Invitation{}, err
	}
	return session.Invitation{Addresses: s.Addresses(), Code: code, Shard: c.Shard(), Pin: s.Pin()}, nil
}
