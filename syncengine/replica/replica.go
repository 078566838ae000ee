// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Config is what a Replica is made of. Store, Keys, Clock and Rand must be given.
type Config struct {
	Store Store
	Keys  Keys
	Clock func() time.Time
	Rand  io.Reader    // ids and salts
	Log   *slog.Logger // nil: nothing is logged

	// Schema tells which privacy class a kind has, and how its registers are cut. Without
	// it a hub hands on no office segments but acts for everyone, and lends nothing; a
	// tablet borrows nothing.
	Schema record.Schema
	// Recipient is the shard's X25519 public key. With it, sealed segments are also
	// kept encrypted to the shard until they are acknowledged, so that a locked
	// tablet can send them.
	Recipient []byte
	// OpenEnvelopes is a hub's own X25519 private key, for envelopes made for it.
	OpenEnvelopes []byte
}

// Keys makes and keeps the replica's keys, wrapped as the device can.
type Keys interface {
	// Signer returns the key of one of this installation's replica ids. Its error
	// wraps ErrNoKey when there is none, ErrLocked while it cannot be used.
	Signer(causal.ReplicaID) (segment.Signer, error)
	// New makes a key, keeps it for good, and returns it.
	New() (segment.Signer, error)
}

// Replica is one installation that saves: a tablet or a hub. It knows nothing that
// its store does not have. Its methods may be called from many
// goroutines; saves and reads go on while a Sync runs.
type Replica struct {
	cfg     Config
	rules   rules
	syncing sync.Mutex // held by the one Sync
	certs   sync.Map   // segment.Hash → segment.Certificate: verified ones
}

// Names of single values.
const (
	valueCurrent    = "current"    // id of the key that saves now
	valueNext       = "next"       // id of the key made for a succession under way
	valueShard      = "shard"      // the shard's public key
	valueClock      = "clock"      // clock of the last save, ms
	valueEpoch      = "epoch"      // the newest epoch seen
	valuePassed     = "passed"     // the centre's feed was pulled completely up to here
	valueCheckpoint = "checkpoint" // newest signed checkpoint of the epoch
	valueMarks      = "marks"      // the last backup marks of the epoch, signed
	valueBetween    = "between"    // the last pull from the centre broke off between two pages
	valueNarrowed   = "narrowed"   // records departed with a certificate that no pull has used yet
	valueForked     = "forked"     // somebody else saves under the current key
	valuePulls      = "pulls"      // number of the last full pull begun
	valuePushBytes  = "push"       // how much one push should carry, bytes
	valueArrivals   = "arrivals"   // number of the last row of Arrivals
	valueWitness    = "witness/"   // and an epoch: the newest signed checkpoint of that one, which is past
)

// Open returns the replica in a store. In an empty store it makes the first key.
func Open(ctx context.Context, cfg Config) (*Replica, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Replica{cfg: cfg, rules: lawful}
	var known bool
	err := cfg.Store.View(ctx, func(tx Reader) (err error) {
		_, known, err = value(tx, valueCurrent)
		return err
	})
	if err == nil && !known {
		err = r.firstKey(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("open replica: %w", err)
	}
	return r, nil
}

func (r *Replica) firstKey(ctx context.Context) error {
	signer, err := r.cfg.Keys.New()
	if err != nil {
		return fmt.Errorf("first key: %w", err)
	}
	return r.update(ctx, func(tx Tx) error {
		return adoptKey(tx, causal.ReplicaOf(signer.Public()), ownRow{order: 1})
	})
}

// adoptKey makes id the one that saves from now on.
func adoptKey(tx Tx, id causal.ReplicaID, row ownRow) error {
	if err := tx.PutHead(Own, id[:], row.pack()); err != nil {
		return err
	}
	return putValue(tx, valueCurrent, id[:])
}

func value(r Reader, name string) ([]byte, bool, error) { return r.Head(Values, []byte(name)) }

func putValue(tx Tx, name string, v []byte) error { return tx.PutHead(Values, []byte(name), v) }

func (r *Replica) view(ctx context.Context, f func(Reader) error) error {
	return r.cfg.Store.View(ctx, f)
}

func (r *Replica) update(ctx context.Context, f func(Tx) error) error {
	return r.cfg.Store.Update(ctx, f)
}

func (r *Replica) nowMs() int64 { return r.cfg.Clock().UnixMilli() }

// ID returns the replica id that saves now.
func (r *Replica) ID(ctx context.Context) (causal.ReplicaID, error) {
	var s self
	err := r.view(ctx, func(tx Reader) (err error) {
		s, err = r.readSelf(tx)
		return err
	})
	return s.id, err
}

// IDs returns every replica id this installation saved under, the present one last.
func (r *Replica) IDs(ctx context.Context) ([]causal.ReplicaID, error) {
	var out []causal.ReplicaID
	err := r.view(ctx, func(tx Reader) (err error) {
		out, err = ownIDs(tx)
		return err
	})
	return out, err
}

func ownIDs(r Reader) ([]causal.ReplicaID, error) {
	order := map[causal.ReplicaID]uint64{}
	var out []causal.ReplicaID
	err := scan(r, Own, nil, func(row Row) error {
		o, err := unpackOwn(row.Head)
		id := causal.ReplicaID(row.Key)
		order[id], out = o.order, append(out, id)
		return err
	})
	slices.SortFunc(out, func(a, b causal.ReplicaID) int { return int(order[a]) - int(order[b]) })
	return out, err
}

// PublicKey returns the key to be certified: that of ID.
func (r *Replica) PublicKey(ctx context.Context) (ed25519.PublicKey, error) {
	id, err := r.ID(ctx)
	if err != nil {
		return nil, err
	}
	signer, err := r.cfg.Keys.Signer(id)
	if err != nil {
		return nil, err
	}
	return signer.Public(), nil
}

// Certificate returns the present certificate, or ErrNotEnrolled.
func (r *Replica) Certificate(ctx context.Context) (segment.Certificate, error) {
	var s self
	err := r.view(ctx, func(tx Reader) (err error) {
		s, err = r.readSelf(tx)
		return err
	})
	if err == nil && !s.enrolled() {
		err = ErrNotEnrolled
	}
	return s.cert, err
}

// Enrol keeps the certificate that a shard issued for this replica's present key:
// the first one, or a renewed one. What was saved before is first sealed under the
// certificate it was saved under. Records outside a renewed certificate's scope
// depart, and a Sync that runs ends with ErrRightsChanged. It returns ErrOtherShard when this replica is another shard's, and an
// error of package segment for a certificate that is not the shard's.
func (r *Replica) Enrol(ctx context.Context, shard ed25519.PublicKey, certificate []byte) error {
	cert, err := segment.ParseCertificate(certificate, shard)
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	if err := r.view(ctx, func(tx Reader) error { return r.fits(tx, shard, cert) }); err != nil {
		return err
	}
	if _, err := r.Seal(ctx); err != nil && !errors.Is(err, ErrNotEnrolled) {
		return fmt.Errorf("enrol: %w", err)
	}
	return r.update(ctx, func(tx Tx) error {
		if err := r.fits(tx, shard, cert); err != nil {
			return err
		}
		if err := r.sealRest(tx); err != nil {
			return fmt.Errorf("enrol: %w", err)
		}
		if err := putValue(tx, valueShard, shard); err != nil {
			return err
		}
		s, err := r.readSelf(tx)
		if err != nil {
			return err
		}
		return r.certify(tx, s, cert)
	})
}

// fits returns why a certificate of a shard is not for the present key, nil when it is.
func (r *Replica) fits(tx Reader, shard ed25519.PublicKey, cert segment.Certificate) error {
	known, err := shardKey(tx)
	if err != nil {
		return err
	}
	if known != nil && !known.Equal(shard) {
		return fmt.Errorf("enrol: %w", ErrOtherShard)
	}
	id, err := currentID(tx)
	if err != nil {
		return err
	}
	if cert.Replica() != id {
		return fmt.Errorf("enrol: certificate of %s, this is %s: %w", cert.Replica(), id, ErrNoKey)
	}
	if !cert.Role.Saves() {
		return fmt.Errorf("enrol: certificate of a %s: %w", cert.Role, ErrRole)
	}
	return nil
}

// sealRest seals, in the transaction that takes another certificate, what was saved
// since the last Seal. Before the first certificate there is nothing to seal under.
func (r *Replica) sealRest(tx Tx) error {
	for {
		more, err := r.sealOne(tx)
		if errors.Is(err, ErrNotEnrolled) {
			return nil
		}
		if err != nil || !more {
			return err
		}
	}
}

// certify gives an own id its certificate and lets go what is outside it.
func (r *Replica) certify(tx Tx, s self, cert segment.Certificate) error {
	if err := putCertificate(tx, cert); err != nil {
		return err
	}
	if !s.enrolled() || scopeDigest(s.cert) != scopeDigest(cert) {
		if err := r.dropLoans(tx); err != nil {
			return err
		}
		if err := beginAnewBetween(tx); err != nil {
			return err
		}
	}
	s.own.certificate = cert.Hash
	if err := tx.PutHead(Own, s.id[:], s.own.pack()); err != nil {
		return err
	}
	return r.narrow(tx, cert)
}
