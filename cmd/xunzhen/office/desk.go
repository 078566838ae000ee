// SPDX-License-Identifier: Apache-2.0

package office

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
	"github.com/xunzhen/xunzhen/transport/remote"
)

// Desk is a desk of the office in its folder. Whoever has the folder is the desk, until the county revokes it:
//
//	<desk>/desk.key    its own key, for its owner's eyes only
//	<desk>/desk.json   the county's server, the shard's key and the desk's certificate
//
// It keeps no records.
type Desk struct {
	dir string
	key ed25519.PrivateKey

	mu    sync.Mutex // guards what a login changes
	known deskFile
	cert  segment.Certificate
}

const (
	deskKeyFile = "desk.key"
	deskName    = "desk.json"
)

// deskFile is what a desk knows.
type deskFile struct {
	Addresses   []string `json:"addresses"`
	Shard       string   `json:"shard"`
	Pin         []byte   `json:"pin"`
	Roster      []byte   `json:"roster,omitempty"`
	ShardKey    []byte   `json:"shard_key"`
	Certificate []byte   `json:"certificate"`
}

// DeskError says that a desk's folder cannot be used.
type DeskError struct {
	Dir string
	Err error
}

func (e *DeskError) Error() string { return fmt.Sprintf("desk in %s: %v", e.Dir, e.Err) }

// Unwrap returns the cause.
func (e *DeskError) Unwrap() error { return e.Err }

// DeskExists reports whether a folder is a desk's that was enrolled.
func DeskExists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, deskName))
	return err == nil
}

// OpenDesk reads a desk. Error: a *DeskError.
func OpenDesk(dir string) (*Desk, error) {
	d := &Desk{dir: dir}
	if err := d.read(); err != nil {
		return nil, &DeskError{dir, err}
	}
	return d, nil
}

func (d *Desk) read() (err error) {
	if d.key, err = auth.ReadSigningKey(filepath.Join(d.dir, deskKeyFile)); err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Join(d.dir, deskName))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &d.known); err != nil {
		return fmt.Errorf("%s: %w", deskName, err)
	}
	return d.check()
}

// check reads what the desk's file says.
func (d *Desk) check() (err error) {
	if len(d.known.ShardKey) != ed25519.PublicKeySize || len(d.known.Pin) != len(session.Pin{}) || len(d.known.Addresses) == 0 {
		return fmt.Errorf("%s is damaged", deskName)
	}
	if d.cert, err = segment.ParseCertificate(d.known.Certificate, d.known.ShardKey); err != nil {
		return err
	}
	if d.cert.Role != segment.RoleOffice || !d.cert.PublicKey.Equal(d.key.Public()) {
		return errors.New("the certificate is not this desk's")
	}
	return nil
}

// EnrolDesk makes a desk in a folder, or gives one other rights in the same county. Cut off, it can be called again
// with the same invitation. Address goes before those of the invitation; empty: those alone. Errors: a *DeskError for the folder,
// those of session.ParseInvitation and of package remote.
func EnrolDesk(ctx context.Context, dir, invitation, address string, rand io.Reader) (*Desk, error) {
	i, err := session.ParseInvitation(invitation)
	if err != nil {
		return nil, err
	}
	d := &Desk{dir: dir}
	if DeskExists(dir) {
		if d, err = OpenDesk(dir); err != nil {
			return nil, err
		}
		if d.cert.Shard != i.Shard {
			return nil, &DeskError{dir, errors.New("of another county: use another folder")}
		}
	} else if err := d.makeKey(rand); err != nil {
		return nil, &DeskError{dir, err}
	}
	addresses := i.Addresses
	if address != "" {
		addresses = append([]string{address}, addresses...)
	}
	centre, err := remote.New(remote.Config{Addresses: addresses, Shard: i.Shard, Pin: i.Pin, Follow: true})
	if err != nil {
		return nil, err
	}
	defer centre.Close() //nolint:errcheck // nothing is lost with it
	e, err := centre.EnrolDesk(ctx, i.Code, d.key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	d.known = deskFile{Addresses: addresses, Shard: i.Shard.String(), ShardKey: e.ShardKey, Certificate: e.Certificate.Raw}
	d.believe(centre.Trust())
	if err := errors.Join(d.check(), d.write()); err != nil {
		return nil, &DeskError{dir, err}
	}
	return d, nil
}

// makeKey makes the desk's key, or takes the one of an enrolment that was cut off.
func (d *Desk) makeKey(rand io.Reader) (err error) {
	path := filepath.Join(d.dir, deskKeyFile)
	if d.key, err = auth.ReadSigningKey(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return err
	}
	d.key = ed25519.NewKeyFromSeed(seed)
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	return errors.Join(auth.WriteKey(path, d.key), auth.SyncFolder(d.dir))
}

func (d *Desk) believe(t session.Trust) { d.known.Pin, d.known.Roster = t.Pin[:], t.Roster.Raw }

// write puts what the desk knows into its folder, whole or not at all.
func (d *Desk) write() error {
	raw, err := json.MarshalIndent(d.known, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(d.dir, deskName)
	aside := path + ".new"
	if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := auth.WriteNew(aside, append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return errors.Join(os.Rename(aside, path), auth.SyncFolder(d.dir))
}

// Certificate returns the desk's newest certificate.
func (d *Desk) Certificate() segment.Certificate { return d.cert }

// Addresses returns where the county's server is asked for.
func (d *Desk) Addresses() []string { return d.known.Addresses }

// County returns the code of the county that the desk is in, as far as its certificate says it.
func (d *Desk) County() string {
	for _, one := range d.cert.Divisions {
		if len(one) >= 6 {
			return string(one[:6])
		}
	}
	return ""
}

// Connect returns the office as the desk sees it.
func (d *Desk) Connect() (*Office, error) { return Connect(Config{Desk: d}) }

func (d *Desk) shard() segment.ShardID { return d.cert.Shard }

func (d *Desk) dial() (*remote.Centre, error) {
	cfg := remote.Config{Addresses: d.known.Addresses, Shard: d.cert.Shard, Pin: session.Pin(d.known.Pin), Follow: true}
	if len(d.known.Roster) > 0 {
		r, err := session.OpenRoster(d.known.Roster, d.cert.Shard)
		if err != nil {
			return nil, &DeskError{d.dir, err}
		}
		cfg.Roster = r
	}
	return remote.New(cfg)
}

// loginDesk opens a session of the desk, and renews its certificate when the server says that it is time.
func (o *Office) loginDesk(ctx context.Context, challenge []byte) (string, error) {
	d, trust := o.cfg.Desk, o.centre.Trust()
	d.mu.Lock()
	defer d.mu.Unlock()
	reply, err := o.enrolment.Login(ctx, &syncv1.LoginRequest{
		Shard: o.Shard(), Who: &syncv1.LoginRequest_Certificate{Certificate: d.cert.Raw}, Challenge: challenge,
		Signature: ed25519.Sign(d.key, session.LoginMessage(d.cert.Shard, trust.Pin, challenge)),
	})
	if err != nil {
		return "", err
	}
	newest := reply.GetCertificate()
	if reply.GetRenewDue() {
		m, err := o.enrolment.Renew(transport.WithToken(ctx, reply.GetToken()), &syncv1.RenewRequest{Shard: o.Shard()})
		if err != nil {
			return "", err
		}
		newest = m.GetCertificate()
	}
	return reply.GetToken(), d.learn(newest, trust)
}

// learn keeps the newest certificate, and by what the server is known. What was known already writes nothing.
func (d *Desk) learn(certificate []byte, t session.Trust) error {
	before := d.known
	d.known.Certificate = certificate
	d.believe(t)
	if string(before.Certificate) == string(certificate) && string(before.Pin) == string(d.known.Pin) && string(before.Roster) == string(d.known.Roster) {
		return nil
	}
	if err := errors.Join(d.check(), d.write()); err != nil {
		return &DeskError{d.dir, err}
	}
	return nil
}
