// SPDX-License-Identifier: Apache-2.0

// Package county keeps one county in its folder: the keys, each in a file that only
// its owner may read, and the engine over its store.
//
//	<data>/<shard>/county         the county's administrative code
//	               shard.key      signs certificates, acks, checkpoints
//	               recipient.key  opens what was encrypted to the county
//	               operator.key   opens sessions of the office
//	               search.key     keys the index by number; made anew where there is none
//	               roster         what the shard says of the server, as signed last
//	               shard.db       the store
//	               projections.db what the rules find, and other things derived; deleted, it comes back
//	               exports.tmp    files on their way out; emptied before the first one is made, and of use to nobody
//
// A folder is made aside and then renamed, so one that bears a shard's name is whole.
package county

import (
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/access"
	"github.com/xunzhen/xunzhen/server/assessment"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/authenticity"
	"github.com/xunzhen/xunzhen/server/exports"
	"github.com/xunzhen/xunzhen/server/findings"
	"github.com/xunzhen/xunzhen/server/followers"
	"github.com/xunzhen/xunzhen/server/intake"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/server/supervision"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Names of the files in a county's folder.
const (
	codeFile      = "county"
	shardFile     = "shard.key"
	recipientFile = "recipient.key"
	operatorFile  = "operator.key"
	searchFile    = "search.key"
	storeFile     = "shard.db"

	projectionFile = "projections.db"
	formerFile     = "findings.db" // of earlier builds

	unfinished = ".new-" // begins the name of a folder that is being made
)

// ErrCode is wrapped for a county code that is none.
var ErrCode = errors.New("a county code has 6 digits")

// Means are what a county is run with. All but Rules, Log, Observe, CertificateLife and
// Batch must be given; see syncengine.Config.
type Means struct {
	// OpenStore opens the store in a file; create is true once, for a new county.
	OpenStore       func(path string, create bool) (syncengine.Store, error)
	Schema          record.Schema
	Rules           findings.Rules // of the program; nil: nothing is looked for
	Clock           func() time.Time
	Rand            io.Reader
	Log             *slog.Logger
	Observe         func(code string, c syncengine.Commit) // code: the county's
	CertificateLife time.Duration
	Batch           int
}

// County is one county, open.
type County struct {
	Code   string // 6 digits
	Dir    string
	Engine *syncengine.Engine
	People *followers.People
	// Divisions knows which codes were changed, as of its last CatchUp.
	Divisions *followers.Divisions
	// Intake makes records of the rows of files.
	Intake *intake.Importer
	// Staff knows who works as what, as of its last CatchUp.
	Staff *followers.Staff
	// Others are served while the projection follows.
	Others projection.Others

	shard  segment.Signer
	former []*ecdh.PrivateKey // recipient keys before that of today, the latest first
	roster session.Roster

	store     syncengine.Store
	recipient *ecdh.PrivateKey
	search    []byte // keys hashes of numbers
	operator  ed25519.PublicKey
	means     Means
	backups   backups

	projection   *projection.Projection
	notProjected error              // why there is none
	counts       *assessment.Module // nil: nothing is counted
	findings     *findings.Findings // nil: opened without rules
	authenticity *authenticity.Module
	notJudged    error // why the program's rules cannot judge authenticity

	exporting   sync.Once
	cards       *exports.Module // who may be in a table
	exports     *exports.Exports
	notExported error
	supervised  *supervision.Module
}

// Create makes a county with new keys under data and opens it.
func Create(ctx context.Context, data, code string, m Means) (*County, error) {
	dir, err := create(ctx, data, code, m)
	if err != nil {
		return nil, fmt.Errorf("create county %s: %w", code, err)
	}
	return Open(ctx, dir, m)
}

func create(ctx context.Context, data, code string, m Means) (string, error) {
	if d := record.Division(code); len(code) != 6 || !d.ValidPrefix() {
		return "", ErrCode
	}
	seed, err := read(m.Rand, ed25519.SeedSize)
	if err != nil {
		return "", err
	}
	key := ed25519.NewKeyFromSeed(seed)
	shard := segment.ShardOf(key.Public().(ed25519.PublicKey))
	dir, aside := filepath.Join(data, shard.String()), filepath.Join(data, unfinished+shard.String())
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return "", err
	}
	if err := writeKeys(aside, key, m.Rand); err != nil {
		return "", err
	}
	if err := auth.WriteNew(filepath.Join(aside, codeFile), []byte(code+"\n"), 0o600); err != nil {
		return "", err
	}
	if err := makeShard(ctx, aside, code, key, m); err != nil {
		return "", err
	}
	if err := auth.SyncFolder(aside); err != nil {
		return "", err
	}
	if err := os.Rename(aside, dir); err != nil {
		return "", err
	}
	return dir, auth.SyncFolder(data)
}

func read(rand io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(rand, b); err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return b, nil
}

func writeKeys(dir string, shard ed25519.PrivateKey, rand io.Reader) error {
	raw, _, err := segment.NewRecipientKey(rand)
	if err != nil {
		return err
	}
	recipient, err := ecdh.X25519().NewPrivateKey(raw)
	if err != nil {
		return err
	}
	seed, err := read(rand, ed25519.SeedSize)
	if err != nil {
		return err
	}
	if _, err := searchKey(dir, rand); err != nil {
		return err
	}
	return errors.Join(
		auth.WriteKey(filepath.Join(dir, shardFile), shard),
		auth.WriteKey(filepath.Join(dir, recipientFile), recipient),
		auth.WriteKey(filepath.Join(dir, operatorFile), ed25519.NewKeyFromSeed(seed)),
	)
}

func makeShard(ctx context.Context, dir, code string, key ed25519.PrivateKey, m Means) error {
	store, err := m.OpenStore(filepath.Join(dir, storeFile), true)
	if err != nil {
		return err
	}
	_, err = syncengine.Create(ctx, m.config(code, store, key))
	return errors.Join(err, store.Close())
}

func (m Means) config(code string, store syncengine.Store, key ed25519.PrivateKey) syncengine.Config {
	var observe func(syncengine.Commit)
	if m.Observe != nil {
		observe = func(c syncengine.Commit) { m.Observe(code, c) }
	}
	return syncengine.Config{
		Store: store, ShardKey: segment.KeySigner(key), Clock: m.Clock, Rand: m.Rand, Schema: m.Schema, Log: m.Log,
		CertificateLife: m.CertificateLife, Batch: m.Batch, Observe: observe,
	}
}

// Open opens the county in dir, and admits what was held only because an earlier
// build did not know its kind.
func Open(ctx context.Context, dir string, m Means) (*County, error) {
	c, err := open(ctx, dir, m)
	if err != nil {
		return nil, fmt.Errorf("county in %s: %w", dir, err)
	}
	return c, nil
}

func open(ctx context.Context, dir string, m Means) (*County, error) {
	code, err := os.ReadFile(filepath.Join(dir, codeFile))
	if err != nil {
		return nil, err
	}
	c := &County{Code: strings.TrimSpace(string(code)), Dir: dir, means: m}
	key, err := auth.ReadSigningKey(filepath.Join(dir, shardFile))
	if err != nil {
		return nil, err
	}
	if c.recipient, err = auth.ReadRecipientKey(filepath.Join(dir, recipientFile)); err != nil {
		return nil, err
	}
	operator, err := OperatorKey(dir)
	if err != nil {
		return nil, err
	}
	c.operator = operator.Public().(ed25519.PublicKey)
	c.shard = segment.KeySigner(key)
	if c.search, err = searchKey(dir, m.Rand); err != nil {
		return nil, err
	}
	if c.former, err = formerRecipients(dir, c.recipient); err != nil {
		return nil, err
	}
	if c.store, err = m.OpenStore(filepath.Join(dir, storeFile), false); err != nil {
		return nil, err
	}
	cfg := m.config(c.Code, c.store, key)
	cfg.Scopes = c.scopes
	if err := c.start(ctx, cfg); err != nil {
		return nil, errors.Join(err, c.store.Close())
	}
	c.People = followers.NewPeople(c.Engine, c.search, m.log())
	c.Divisions = followers.NewDivisions(c.Engine, m.log())
	c.Staff = followers.NewStaff(c.Engine, m.log())
	c.Intake = intake.New(intake.Config{Shard: c.Engine, People: c.People, County: record.Division(c.Code), Holds: c.Holds, Clock: m.Clock})
	c.openProjection(ctx)
	return c, nil
}

// scopes returns the divisions that a certificate is to name, with the codes in force and
// those from before.
func (c *County) scopes(divisions []record.Division) []record.Division {
	if c.Divisions == nil {
		return divisions // the county is being opened
	}
	return c.Divisions.Table().Scopes(divisions, care.DateOf(c.means.Clock()), segment.MaxDivisions)
}

// Holds reports whether a division is the county's, under its present code or a former one, as of
// the last CatchUp of Divisions.
func (c *County) Holds(d record.Division) bool {
	return d.WithinAny(c.scopes([]record.Division{record.Division(c.Code)}))
}

// Class returns the privacy class of a kind, and whether the kind is known.
func (c *County) Class(k record.Kind) (record.Class, bool) {
	info, ok := c.means.Schema.Lookup(k)
	return info.Class, ok
}

// Access returns the log of what leaves the county's system.
func (c *County) Access() access.Book {
	return access.Book{Engine: c.Engine, County: record.Division(c.Code)}
}

func (m Means) log() *slog.Logger {
	if m.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return m.Log
}

func (c *County) start(ctx context.Context, cfg syncengine.Config) (err error) {
	if c.Engine, err = syncengine.Open(ctx, cfg); err != nil {
		return err
	}
	if c.Engine.Stopped() {
		return nil // it takes nothing, not even its own acts, until a restore
	}
	if _, err := c.Engine.LearnKinds(ctx); err != nil && ctx.Err() == nil && cfg.Log != nil {
		// Whoever asks for something else is answered all the same.
		cfg.Log.Error("what was held could not be looked at: run xunzhen verify", "shard", c.Shard().String(), "error", err.Error())
	}
	return ctx.Err()
}

// searchKey returns the key of the index by number in a county's folder. Counties of earlier
// versions have none. That a new one is made in place of one that was lost costs nothing: the
// index is made from the records at every start.
func searchKey(dir string, rand io.Reader) ([]byte, error) {
	path := filepath.Join(dir, searchFile)
	key, err := auth.ReadSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if key, err = read(rand, auth.SecretSize); err != nil {
		return nil, err
	}
	return key, errors.Join(auth.WriteSecret(path, key), auth.SyncFolder(dir))
}

// OperatorKey reads the key that opens sessions of the office in the county in dir.
func OperatorKey(dir string) (ed25519.PrivateKey, error) {
	return auth.ReadSigningKey(filepath.Join(dir, operatorFile))
}

// Find returns the folders of all counties under data, sorted by shard.
func Find(data string) ([]string, error) {
	entries, err := os.ReadDir(data)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if _, err := segment.ParseShardID(e.Name()); err == nil && e.IsDir() {
			out = append(out, filepath.Join(data, e.Name()))
		}
	}
	return out, nil
}

// Shard returns the county's shard.
func (c *County) Shard() segment.ShardID { return c.Engine.Shard() }

// RecipientKey returns the public key to encrypt to.
func (c *County) RecipientKey() []byte { return c.recipient.PublicKey().Bytes() }

// Operator returns the public half of the operator key.
func (c *County) Operator() ed25519.PublicKey { return c.operator }

// Close waits for what is being written and closes the files. Nobody may follow the records any more.
func (c *County) Close() error {
	var err error
	if c.projection != nil {
		err = c.projection.Close()
	}
	return errors.Join(err, c.store.Close())
}
