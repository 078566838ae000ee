// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"net/netip"
	"time"

	"google.golang.org/grpc"

	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/server/admission"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Guard stands before every method that is registered through it. It is a
// grpc.ServiceRegistrar and not an interceptor, because those run when a request is
// already in memory.
type Guard struct {
	*grpc.Server
	cfg   Config
	lanes [laneCount]*admission.Shares[caller]
	door  *admission.Rates[caller]
	spent [segment.RoleOffice + 1]*admission.Rates[caller] // by role of certificate
	push  *admission.Turns[caller]
	pull  *admission.Turns[caller]
	held  chan struct{} // has room for as many as may be held
}

// caller is whose share a call is taken from: a principal's, or without a session
// that of an address.
type caller struct {
	key  auth.Key
	from netip.Prefix
}

// maxCallers is how many callers' budgets are remembered.
const maxCallers = 16 << 10

func newGuard(s *grpc.Server, cfg Config) *Guard {
	g := &Guard{
		Server: s, cfg: cfg,
		door: admission.NewRates[caller](cfg.Limits.Door, maxCallers),
		push: admission.NewTurns[caller](cfg.Limits.PushTurns),
		pull: admission.NewTurns[caller](cfg.Limits.PullTurns),
		held: make(chan struct{}, cfg.Limits.Held),
	}
	g.spent[segment.RoleTablet] = admission.NewRates[caller](cfg.Limits.Device, maxCallers)
	g.spent[segment.RoleOffice] = admission.NewRates[caller](cfg.Limits.Device, maxCallers)
	g.spent[segment.RoleHub] = admission.NewRates[caller](cfg.Limits.Hub, maxCallers)
	for i, l := range cfg.Limits.Lanes {
		g.lanes[i] = admission.NewShares[caller](l.Total, l.Each)
	}
	return g
}

// RegisterService registers a service with the guard before each of its methods.
func (g *Guard) RegisterService(desc *grpc.ServiceDesc, impl any) {
	guarded := *desc
	guarded.Methods, guarded.Streams = nil, nil
	for _, m := range desc.Methods {
		m.Handler = g.unary(g.method(desc.ServiceName, m.MethodName, false), m.Handler)
		guarded.Methods = append(guarded.Methods, m)
	}
	for _, s := range desc.Streams {
		s.Handler = g.stream(g.method(desc.ServiceName, s.StreamName, true), s.Handler)
		guarded.Streams = append(guarded.Streams, s)
	}
	g.Server.RegisterService(&guarded, impl)
}

// method is what the guard knows of one method.
type method struct {
	name       string
	rule       auth.Rule
	allowed    bool // there is a rule
	lane       int
	maxRequest int
	read       time.Duration
	turns      *admission.Turns[caller] // that a request must wait for; nil: none
}

func (g *Guard) method(service, name string, stream bool) method {
	m := method{name: "/" + service + "/" + name}
	m.rule, m.allowed = auth.RuleOf(m.name)
	m.lane = lane(m.name, m.rule, stream)
	m.maxRequest = maxRequest(m.name)
	m.read = g.cfg.Limits.Read
	switch {
	case m.lane == lanePush:
		m.read, m.turns = g.cfg.Limits.Push, g.push
	case m.name == syncv1grpc.SyncService_Hello_FullMethodName, m.name == syncv1grpc.SyncService_Scope_FullMethodName,
		m.name == officev1grpc.FindingService_ListFindings_FullMethodName:
		m.turns = g.pull // it reads as much as a page
	}
	return m
}

func (g *Guard) unary(m method, inner grpc.MethodHandler) grpc.MethodHandler {
	return func(srv any, ctx context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (reply any, err error) {
		c := g.begin(ctx, m)
		defer func() { err = c.end(err, recover()) }()
		if err := c.admit(); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(c.ctx, m.read+g.cfg.Limits.Work)
		defer cancel()
		return inner(srv, ctx, func(into any) error { return c.receive(ctx, dec, into) }, nil)
	}
}

func (g *Guard) stream(m method, inner grpc.StreamHandler) grpc.StreamHandler {
	return func(srv any, ss grpc.ServerStream) (err error) {
		c := g.begin(ss.Context(), m)
		defer func() { err = c.end(err, recover()) }()
		if err := c.admit(); err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(c.ctx)
		if m.lane == laneLook {
			ctx, cancel = context.WithTimeout(c.ctx, g.cfg.Limits.Look)
		}
		defer cancel()
		return inner(srv, &guardedStream{ServerStream: ss, call: c, ctx: ctx})
	}
}
