// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/xunzhen/xunzhen/server/admission"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/transport"
)

// call is one call on its way through the guard.
type call struct {
	guard  *Guard
	method method
	ctx    context.Context
	began  time.Time

	from      netip.Addr
	principal auth.Principal
	peer      Peer           // of a principal
	county    *county.County // of a principal, where the peer is one
	bytes     int            // of the request
	stage     string         // see Ended
	give      []func()       // what was taken and must be given back
}

func (g *Guard) begin(ctx context.Context, m method) *call {
	c := &call{guard: g, method: m, began: g.cfg.Clock(), from: addressOf(ctx)}
	c.ctx = context.WithValue(ctx, callKey{}, c)
	return c
}

type callKey struct{}

// callOf returns the call that ctx belongs to.
func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

func addressOf(ctx context.Context) netip.Addr {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return netip.Addr{}
	}
	if tcp, ok := p.Addr.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// who returns whose share the call is taken from.
func (c *call) who() caller {
	if c.principal.Who != auth.Nobody {
		return caller{key: c.principal.Key()}
	}
	return caller{from: admission.Network(c.from)}
}

// admit lets the call in or says why not. Nothing of the request is read before.
func (c *call) admit() error {
	err := c.enter()
	var busy *admission.Busy
	if errors.As(err, &busy) {
		c.hold()
	}
	return err
}

// holdEach is how much longer one waits for each other who waits: however many they
// are, some 500 a second come back.
const holdEach = 2 * time.Millisecond

// hold keeps a caller that must come again waiting for a moment, if there is room.
func (c *call) hold() {
	select {
	case c.guard.held <- struct{}{}:
		defer func() { <-c.guard.held }()
	default:
		return
	}
	// The more wait, the longer: they do not all come back at once.
	timer := time.NewTimer(c.guard.cfg.Limits.Hold + time.Duration(len(c.guard.held))*holdEach)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	case <-c.guard.cfg.Stopping:
	}
}

func (c *call) enter() error {
	m, g := c.method, c.guard
	if !m.allowed {
		return &syncengine.Error{Reason: syncengine.ReasonRights, Doing: "call"}
	}
	if err := c.identify(); err != nil {
		return err
	}
	if err := c.spend(); err != nil {
		c.stage = StageBudget
		return err
	}
	give, err := g.lanes[m.lane].Take(c.who())
	if err != nil {
		c.stage = StageLane
		return err
	}
	c.give = append(c.give, give)
	if c.peer == nil {
		return m.rule.Allow(c.principal, c.began, nil) // nobody in particular
	}
	return m.rule.Allow(c.principal, c.peer.CentreTime(c.began), c.revoked(c.ctx))
}

// revoked asks the peer.
func (c *call) revoked(ctx context.Context) func(segment.Certificate) (bool, error) {
	return func(cert segment.Certificate) (bool, error) { return c.peer.Revoked(ctx, cert) }
}

// identify finds the session that the call names.
func (c *call) identify() error {
	if c.method.rule.Who == auth.Nobody {
		return nil
	}
	p, err := c.guard.cfg.Sessions.Lookup(transport.Token(c.ctx))
	if err != nil {
		return err
	}
	peer, ok := c.guard.cfg.peer(p.Shard)
	if !ok {
		return auth.ErrToken
	}
	c.principal, c.peer = p, peer
	if one, ok := peer.(central); ok {
		c.county = one.County
	}
	return nil
}

// spend takes the call from the caller's budget. The operator has none.
func (c *call) spend() error {
	switch c.principal.Who {
	case auth.Nobody:
		return c.guard.door.Spend(c.who(), c.began, 1)
	case auth.Device, auth.Desk:
		return c.guard.spent[c.principal.Certificate.Role].Spend(c.who(), c.began, CallCost)
	}
	return nil
}

// charge takes the request's bytes from the caller's budget, now that they are known.
func (c *call) charge() {
	if c.principal.Who == auth.Device || c.principal.Who == auth.Desk {
		c.guard.spent[c.principal.Certificate.Role].Charge(c.who(), c.began, c.bytes)
	}
}

// receive reads and decodes the request within its time and limits, checks that it
// is for the caller's shard, and waits for the caller's turn where there are turns.
func (c *call) receive(ctx context.Context, dec func(any) error, into any) error {
	raw, err := c.read(dec)
	if err != nil {
		return err
	}
	c.bytes += len(raw)
	c.charge()
	if err := decode(raw, c.method.maxRequest, into); err != nil {
		return err
	}
	if err := c.checkShard(into); err != nil {
		return err
	}
	if err := c.checkDesk(into); err != nil {
		return err
	}
	if c.method.turns != nil {
		done, err := c.method.turns.Wait(ctx, c.who())
		if err != nil {
			return err
		}
		c.give = append(c.give, done)
	}
	return nil
}

// read reads one message. It does not wait longer than the method allows: ending the
// call ends dec too.
func (c *call) read(dec func(any) error) ([]byte, error) {
	type result struct {
		raw []byte
		err error
	}
	arrived := make(chan result, 1)
	go func() {
		var f frame
		err := dec(&f)
		arrived <- result{f.raw, err}
	}()
	timer := time.NewTimer(c.method.read)
	defer timer.Stop()
	select {
	case r := <-arrived:
		return r.raw, readError(r.err)
	case <-timer.C:
		return nil, fmt.Errorf("request did not arrive in %v: %w", c.method.read, context.DeadlineExceeded)
	}
}

// readError gives gRPC's own words on a message their reason.
func readError(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	switch status.Code(err) {
	case codes.ResourceExhausted:
		return &syncengine.Error{Reason: syncengine.ReasonTooMuch, Doing: "request", Err: err}
	case codes.Canceled, codes.DeadlineExceeded:
		return fmt.Errorf("request: %w", context.Canceled)
	}
	return &syncengine.Error{Reason: syncengine.ReasonInvalid, Doing: "request", Err: err}
}

// checkShard holds the request's shard against the session's.
func (c *call) checkShard(request any) error {
	named, ok := request.(interface{ GetShard() []byte })
	if !ok || c.principal.Who == auth.Nobody {
		return nil
	}
	if string(named.GetShard()) != string(c.principal.Shard[:]) {
		return &syncengine.Error{Reason: syncengine.ReasonWrongShard, Doing: "request"}
	}
	return nil
}

// pullTurn waits until a page may be made. What it returns must be called once the page
// is there; it is never nil. A server that stops makes no more pages. What is derived of the
// county's records gives way meanwhile.
func (c *call) pullTurn(ctx context.Context) (done func(), err error) {
	select {
	case <-c.guard.cfg.Stopping:
		return func() {}, errStopping // the caller goes on at its cursor
	default:
	}
	turn, err := c.guard.pull.Wait(ctx, c.who())
	if err != nil {
		return func() {}, err
	}
	if c.county == nil {
		return turn, nil
	}
	end := c.county.Others.Begin()
	return sync.OnceFunc(func() {
		turn()
		end()
	}), nil
}
