// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport/remote"
)

// way is one way to hand over and to take: the centre itself, or a hub.
type way struct {
	name   string
	isHub  bool
	config remote.Config
}

// ways returns whom to sync with, in the order to try. What a locked tablet sends is
// encrypted to the shard, so only the centre can take it.
func (t *Tablet) ways(ctx context.Context, o *SyncOptions, locked bool) ([]way, error) {
	t.mu.Lock()
	s := t.server
	t.mu.Unlock()
	with, address := "", ""
	if o != nil {
		with, address = o.With, o.Address
	}
	centre := way{name: CentreName, config: o.centreConfig(s)}
	if with == CentreName || address != "" || locked && with == "" {
		return []way{centre}, nil
	}
	known, err := t.hubs(ctx)
	if err != nil {
		return nil, err
	}
	all := []way{centre}
	for _, k := range known {
		cfg := o.config(server{Addresses: k.Addresses, Pin: k.Pin, Shard: s.Shard})
		all = append(all, way{name: k.Name, isHub: true, config: cfg})
	}
	if with == "" {
		return all, nil
	}
	at := slices.IndexFunc(all, func(w way) bool { return w.name == with })
	switch {
	case at < 0:
		return nil, fmt.Errorf("%q: %w", with, errHub)
	case locked:
		return nil, errHubShut
	}
	return all[at : at+1], nil
}

// reach makes sure of who is there. A hub must show that it is one of this county and
// not cut off, before it is told who calls; the centre is known by its pin, and asked
// first only where there is somebody else to turn to.
func (t *Tablet) reach(ctx context.Context, w *watched, further bool) error {
	if !w.way.isHub {
		if !further {
			return nil
		}
		return w.remote.Reach(ctx)
	}
	t.mu.Lock()
	shard := t.server.ShardKey
	t.mu.Unlock()
	cert, err := w.remote.Introduce(ctx, shard)
	if err != nil {
		return err
	}
	cut, err := t.rep().Revoked(ctx, cert)
	if err != nil {
		return err
	}
	if cut {
		return &remote.Error{Doing: "introduce", Reason: remote.ReasonNotHub, Err: fmt.Errorf("%w: it was cut off", session.ErrNotHub)}
	}
	w.hub = cert.Replica()
	return t.noteHub(ctx, w.way.name, cert)
}

// noteHub keeps what the office calls a hub.
func (t *Tablet) noteHub(ctx context.Context, name string, cert segment.Certificate) error {
	err := t.spend(reserveOpening, func() error {
		return t.changeHub(ctx, name, func(k *knownHub) { k.Label = cert.Label })
	})
	if errors.Is(err, errHub) {
		return nil // removed meanwhile
	}
	return err
}

// noteHubRun notes that a sync with a hub came to its end.
func (t *Tablet) noteHubRun(ctx context.Context, name string, atMs int64) error {
	err := t.changeHub(ctx, name, func(k *knownHub) { k.LastMs = atMs })
	if errors.Is(err, errHub) {
		return nil // removed meanwhile
	}
	return err
}

// elsewhere reports whether what failed lies with the way: another one may do.
func elsewhere(err error) bool {
	switch remote.ReasonOf(err) {
	case remote.ReasonUnreachable, remote.ReasonPin, remote.ReasonProtocol, remote.ReasonNotHub,
		"timeout", "stopping", "busy", "internal", "rolled_back", "full", "wrong_shard", "login", "token":
		return true
	}
	return false
}
