// SPDX-License-Identifier: Apache-2.0

// Package hub is a clinic's small computer that tablets sync with while the centre is
// out of reach: a replica with a data folder of its own, which answers tablets as
// package rpc asks (rpc.Hub) and syncs with the centre by itself.
//
//	h, err := hub.Open(ctx, cfg)     // opens the folder, or makes it
//	err = h.Join(ctx, invitation)    // once: makes it a hub of a county
//	go h.Run(ctx)                    // syncs with the centre
//	s, err := server.New(ctx, server.Config{Hub: h, …})
//
// The one invariant: a hub vouches for nothing. It hands on what others signed, keeps
// what it took until the shard's acks and two backups cover it, and says that a save
// is at the centre only by the centre's own ack. DESIGN.md says the rest.
package hub

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/devicestore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport/remote"
)

var (
	// ErrNotJoined is returned for what needs a county while the hub is in none.
	ErrNotJoined = errors.New("this hub is in no county yet")
	// ErrRole is wrapped by Join when the invitation was not for a hub.
	ErrRole = errors.New("the invitation is not for a hub")
)

// Config is what a Hub is made of. Dir, Schema, Clock, Rand and Log must be given.
type Config struct {
	// Dir is the hub's folder, which is made if it is not there.
	Dir    string
	Schema record.Schema
	Clock  func() time.Time
	Rand   io.Reader
	Log    *slog.Logger
	// Dial connects to the centre; nil: TCP.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Every is how often the hub syncs when nobody pushes; 0: a minute.
	Every time.Duration
	// Tries is how often a call to the centre may fail in a row before the sync is given
	// up and left to the next one; 0: 3.
	Tries int
	// Tell is told how the hub stands, after each sync and each push; nil: nobody. It
	// must return soon.
	Tell func(Status)
}

// Folder is where in a server's data folder a hub is kept, beside the TLS authority.
const Folder = "hub"

const (
	defaultEvery = time.Minute
	defaultTries = 3
	storeFile    = "hub.db"
)

// Hub is one hub, open. It is safe for concurrent use.
type Hub struct {
	cfg     Config
	store   *devicestore.Store
	keys    *keys
	replica *replica.Replica
	pushed  chan struct{} // has one when somebody pushed since the last sync began

	mu      sync.Mutex
	set     settings
	centre  *remote.Centre // nil until it is needed
	issued  time.Time      // the centre's clock shows at least this
	swept   time.Time      // when the hub last looked for what it may let go
	changed chan struct{}  // closed when there is something new to pull
	status  Status
}

// Exists reports whether there is a hub in a folder, joined or not.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, storeFile))
	return err == nil
}

// Open opens the hub in Config.Dir, or makes one that is in no county yet. Errors:
// ErrKeys, and those of devicestore.Open.
func Open(ctx context.Context, cfg Config) (*Hub, error) {
	cfg.Every, cfg.Tries = cmp.Or(cfg.Every, defaultEvery), cmp.Or(cfg.Tries, defaultTries)
	h := &Hub{cfg: cfg, pushed: make(chan struct{}, 1), changed: make(chan struct{})}
	if err := h.open(ctx); err != nil {
		return nil, fmt.Errorf("hub in %s: %w", cfg.Dir, err)
	}
	return h, nil
}

func (h *Hub) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(h.cfg.Dir, 0o700); err != nil {
		return err
	}
	if h.keys, err = openKeys(h.cfg.Dir, h.cfg.Rand); err != nil {
		return err
	}
	if h.set, err = readSettings(h.cfg.Dir); err != nil {
		return err
	}
	if h.store, err = devicestore.Open(filepath.Join(h.cfg.Dir, storeFile), h.keys); err != nil {
		return err
	}
	h.replica, err = replica.Open(ctx, replica.Config{
		Store: h.store, Keys: h.keys, Clock: h.cfg.Clock, Rand: h.cfg.Rand, Log: h.cfg.Log, Schema: h.cfg.Schema,
	})
	if err == nil {
		err = h.look(ctx)
	}
	if err == nil {
		err = h.recall()
	}
	if err != nil {
		return errors.Join(err, h.store.Close())
	}
	return nil
}

// look notes how late it is at the centre at least.
func (h *Hub) look(ctx context.Context) error {
	issued, err := h.replica.LastIssue(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.issued = issued
	return err
}

// Close ends the connection to the centre and closes the store. Run must have
// returned.
func (h *Hub) Close() error {
	h.mu.Lock()
	centre := h.centre
	h.centre = nil
	h.mu.Unlock()
	var err error
	if centre != nil {
		err = centre.Close()
	}
	return errors.Join(err, h.store.Close())
}

// Certificate returns the hub's certificate, or ErrNotJoined.
func (h *Hub) Certificate(ctx context.Context) (segment.Certificate, error) {
	c, err := h.replica.Certificate(ctx)
	if errors.Is(err, replica.ErrNotEnrolled) {
		err = ErrNotJoined
	}
	return c, err
}

// Replica is the replica of the hub, for looking.
func (h *Hub) Replica() *replica.Replica { return h.replica }

// CheckWritable writes to the store and returns why that cannot be done; nil: it can.
func (h *Hub) CheckWritable(ctx context.Context) error { return h.store.SetNote(ctx, "written", nil) }

// Invitation returns what a tablet needs to find the hub at addresses, behind the
// server with this pin.
func (h *Hub) Invitation(addresses []string, pin session.Pin) session.HubInvitation {
	return session.HubInvitation{Addresses: addresses, Shard: h.Shard(), Pin: pin}
}

// Introduce returns the hub's certificate and its word that the server with this pin
// is its own.
func (h *Hub) Introduce(ctx context.Context, pin session.Pin) (certificate, signature []byte, err error) {
	c, err := h.Certificate(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("introduce: %w", err)
	}
	key, err := h.keys.Signer(c.Replica())
	if err != nil {
		return nil, nil, fmt.Errorf("introduce: %w", err)
	}
	return c.Raw, key.Sign(session.HubMessage(c.Shard, pin)), nil
}

// Shard returns the shard of the hub; zero while it is in none.
func (h *Hub) Shard() segment.ShardID { return h.settings().Shard }

// ShardKey returns the shard's public key.
func (h *Hub) ShardKey() []byte { return ed25519.PublicKey(h.settings().ShardKey) }

func (h *Hub) settings() settings {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.set
}
