// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Hub is a clinic hub that the tablet knows: whom it turns to while the centre is out
// of reach.
type Hub struct {
	Name      string
	Addresses *Strings // host:port, the best one first
	Label     string   // what the office calls it; "" until the first sync with it
	LastMs    int64    // when a sync with it last came to its end; 0: never
}

// knownHub is a Hub as it is noted.
type knownHub struct {
	Name      string      `json:"name"`
	Addresses []string    `json:"addresses"`
	Pin       session.Pin `json:"pin"`
	Label     string      `json:"label"`
	LastMs    int64       `json:"last_ms"`
}

func (k knownHub) hub() *Hub {
	return &Hub{Name: k.Name, Addresses: &Strings{k.Addresses}, Label: k.Label, LastMs: k.LastMs}
}

// AddHub lets the tablet sync with a hub: the invitation is the text that the hub
// prints. It is called name from now on; empty: its first address. The same hub again
// replaces its addresses and name. Nothing is sent to it before it has shown that it is
// a hub of this county. It works while locked. Reasons: not_enrolled, invitation,
// other_shard, taken_hub.
func (t *Tablet) AddHub(invitation, name string) (*Hub, error) {
	h, err := t.addHub(context.Background(), invitation, name)
	return h, fail("add hub", err)
}

func (t *Tablet) addHub(ctx context.Context, invitation, name string) (*Hub, error) {
	i, err := session.ParseHubInvitation(invitation)
	if err != nil {
		return nil, err
	}
	if _, err := t.certificate(ctx); err != nil {
		return nil, err
	}
	if i.Shard != t.knownShard() {
		return nil, replica.ErrOtherShard
	}
	t.noting.Lock()
	defer t.noting.Unlock()
	all, err := t.hubs(ctx)
	if err != nil {
		return nil, err
	}
	added := knownHub{Name: cmp.Or(name, i.Addresses[0]), Addresses: i.Addresses, Pin: i.Pin}
	all = slices.DeleteFunc(all, func(k knownHub) bool { return k.Pin == i.Pin })
	if added.Name == CentreName || slices.ContainsFunc(all, func(k knownHub) bool { return k.Name == added.Name }) {
		return nil, fmt.Errorf("%q: %w", added.Name, errHubName)
	}
	return added.hub(), t.writeNote(ctx, noteHubs, append(all, added))
}

// Hubs lists the hubs that the tablet knows, in the order in which they are tried.
func (t *Tablet) Hubs() (*HubList, error) {
	all, err := t.hubs(context.Background())
	out := &HubList{}
	for _, k := range all {
		out.all = append(out.all, k.hub())
	}
	return out, fail("hubs", err)
}

// RemoveHub forgets a hub. What is there stays there and goes up from there. Reason:
// unknown_hub.
func (t *Tablet) RemoveHub(name string) error {
	ctx := context.Background()
	return fail("remove hub", t.changeHubs(ctx, name, func(all []knownHub, at int) []knownHub {
		return slices.Delete(all, at, at+1)
	}))
}

func (t *Tablet) hubs(ctx context.Context) ([]knownHub, error) {
	var all []knownHub
	err := t.readNote(ctx, noteHubs, &all)
	return all, err
}

// changeHub changes what is noted of one hub.
func (t *Tablet) changeHub(ctx context.Context, name string, change func(*knownHub)) error {
	return t.changeHubs(ctx, name, func(all []knownHub, at int) []knownHub {
		change(&all[at])
		return all
	})
}

// changeHubs changes the list of hubs around the one with a name.
func (t *Tablet) changeHubs(ctx context.Context, name string, change func(all []knownHub, at int) []knownHub) error {
	t.noting.Lock()
	defer t.noting.Unlock()
	all, err := t.hubs(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(k knownHub) bool { return k.Name == name })
	if at < 0 {
		return fmt.Errorf("%q: %w", name, errHub)
	}
	return t.writeNote(ctx, noteHubs, change(all, at))
}
