// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"cmp"
	"crypto/ed25519"
	"encoding/binary"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Check follows every link of a proof file of the shard with the given key and
// returns what it shows. Its error is a *Failure with the first claim that does not
// hold. It needs memory in proportion to raw, whose bytes the report shares.
func Check(raw []byte, shard ed25519.PublicKey) (Report, error) {
	if id, ok := ShardIn(raw); ok && id != segment.ShardOf(shard) {
		return Report{}, failed(ClaimShard, "the file is of shard %s, the key of %s", id, segment.ShardOf(shard))
	}
	f, err := decode(raw, shard)
	if err != nil {
		return Report{}, err
	}
	c := checker{file: f, shard: shard, leaves: map[ledger.Index]checkedLeaf{}, certs: map[segment.Hash]segment.Certificate{}}
	for _, step := range []func() error{c.head, c.certificates, c.ledger, c.revisions, c.verdicts, c.acts, c.bodies} {
		if err := step(); err != nil {
			return Report{}, err
		}
	}
	c.report.fates()
	return c.report, nil
}

// checker holds one check.
type checker struct {
	file   File
	shard  ed25519.PublicKey
	certs  map[segment.Hash]segment.Certificate
	leaves map[ledger.Index]checkedLeaf
	report Report
}

// checkedLeaf is a leaf that was found in the ledger.
type checkedLeaf struct {
	ledger.Shown
	front segment.Front // with cert
	cert  segment.Certificate
	has   bool // front and cert
}

func (c *checker) head() error {
	if c.file.Shard != segment.ShardOf(c.shard) {
		return failed(ClaimShard, "body of shard %s", c.file.Shard)
	}
	if !c.file.Record.Valid() {
		return failed(ClaimFile, "record id")
	}
	point, err := ledger.OpenCheckpoint(c.file.Checkpoint, c.shard)
	if err != nil {
		return failed(ClaimCheckpoint, "%v", err)
	}
	c.report = Report{Record: c.file.Record, Only: c.file.Only, MadeAt: c.file.MadeAt, Checkpoint: point}
	return nil
}

func (c *checker) certificates() error {
	for _, raw := range c.file.Certificates {
		cert, err := segment.ParseCertificate(raw, c.shard)
		if err != nil {
			return failed(ClaimCertificate, "%v", err)
		}
		if _, twice := c.certs[cert.Hash]; twice {
			return failed(ClaimFile, "certificate %s twice", cert.Hash)
		}
		c.certs[cert.Hash] = cert
	}
	return nil
}

func (c *checker) ledger() error {
	last := ledger.Index(-1)
	for _, l := range c.file.Leaves {
		if l.Index <= last {
			return failed(ClaimFile, "leaf %d after %d", l.Index, last)
		}
		last = l.Index
		shown, err := ledger.OpenHashed(l.Hashed)
		if err != nil {
			return failed(ClaimLedger, "leaf %d: %v", l.Index, err)
		}
		point := c.report.Checkpoint
		if err := ledger.CheckRecord(l.Path, point.Size, point.Root, l.Index, shown.Hash()); err != nil {
			return failed(ClaimLedger, "%v", err)
		}
		checked := checkedLeaf{Shown: shown}
		if len(l.Front) > 0 {
			if err := c.front(&checked, l); err != nil {
				return err
			}
		}
		c.leaves[l.Index] = checked
	}
	return nil
}

// front checks the segment of a leaf: it is the one named there, and its replica,
// which the shard certified, signed it.
func (c *checker) front(into *checkedLeaf, l Leaf) error {
	front, err := segment.OpenFront(l.Front)
	if err != nil {
		return failed(ClaimSegment, "leaf %d: %v", l.Index, err)
	}
	h := front.Header()
	if !into.Names(front.Hash()) || h.Shard != c.file.Shard || h.Count != len(into.Leaf.Verdicts) {
		return failed(ClaimSegment, "leaf %d names another one", l.Index)
	}
	cert, ok := c.certs[h.Certificate]
	if !ok {
		return failed(ClaimCertificate, "leaf %d: no certificate %s", l.Index, h.Certificate)
	}
	if err := front.Verify(cert.PublicKey); err != nil {
		return failed(ClaimSegment, "leaf %d: %v", l.Index, err)
	}
	into.front, into.cert, into.has = front, cert, true
	return nil
}

func (c *checker) revisions() error {
	seen := map[causal.Dot]bool{}
	for i, r := range c.file.Revisions {
		if i > 0 && !c.file.Revisions[i-1].before(r) {
			return failed(ClaimFile, "revision %d out of order", i)
		}
		s, err := c.revision(r)
		if err != nil {
			return err
		}
		if s.Revision.Record != c.file.Record {
			return failed(ClaimRevision, "%s is of another record", s.Dot)
		}
		if seen[s.Dot] {
			return failed(ClaimFile, "%s twice", s.Dot)
		}
		seen[s.Dot] = true
		c.report.Saves = append(c.report.Saves, s)
	}
	if len(seen) == 0 || !c.file.Only.IsZero() && !seen[c.file.Only] {
		return failed(ClaimRevision, "the revision it is about is not there")
	}
	return nil
}

func (r Revision) before(o Revision) bool {
	return cmp.Or(cmp.Compare(r.Leaf, o.Leaf), cmp.Compare(r.Place, o.Place)) < 0
}

// revision finds a revision in its segment and takes it apart.
func (c *checker) revision(r Revision) (Save, error) {
	l, ok := c.leaves[r.Leaf]
	if !ok || !l.has {
		return Save{}, failed(ClaimSegment, "no segment at leaf %d", r.Leaf)
	}
	h, body := l.front.Header(), r.BodyHash
	if !r.Hidden {
		body = record.BodyHash(r.Salt[:], r.Body)
	}
	hash := record.LeafHash(r.Skeleton, body)
	if r.Place >= h.Count {
		return Save{}, failed(ClaimRevision, "place %d of %d at leaf %d", r.Place, h.Count, r.Leaf)
	}
	if err := tlog.CheckRecord(r.Path, int64(h.Count), tlog.Hash(h.Root), int64(r.Place), tlog.Hash(hash)); err != nil {
		return Save{}, failed(ClaimRevision, "place %d at leaf %d: %v", r.Place, r.Leaf, err)
	}
	dot := causal.Dot{Replica: h.Replica, Counter: h.First + uint64(r.Place), Hash: causal.Short(hash)}
	s := Save{
		Dot: dot, Certificate: l.cert, Leaf: r.Leaf, ReceivedAt: l.ReceivedAt, Hidden: r.Hidden,
		Verdicts: []Ruled{{l.Leaf.Verdicts[r.Place], r.Leaf, l.ReceivedAt}},
	}
	s.read(r)
	named := s.Revision.Dot
	if named.Replica != dot.Replica || named.Counter != dot.Counter {
		return Save{}, failed(ClaimRevision, "place %d at leaf %d names another dot", r.Place, r.Leaf)
	}
	s.Revision.Dot = dot
	return s, nil
}

// read takes a skeleton and body apart. What does not follow the format, though it
// was signed, is unreadable but for its head.
func (s *Save) read(r Revision) {
	rev, err := record.DecodeSkeleton(r.Skeleton)
	if err == nil && len(r.Skeleton)+len(r.Body) > record.MaxRevision {
		err = record.ErrTooLarge
	}
	if err == nil {
		rev.Changes, err = values(rev.Changes, r)
	}
	if err == nil {
		err = rev.Check()
	}
	if err != nil {
		s.Unreadable, s.Revision = true, headOf(r.Skeleton)
		return
	}
	s.Revision = rev
	for _, c := range rev.Changes {
		s.Changes = append(s.Changes, Change{Path: c.Path, Value: c.Value, Parents: c.Parents})
	}
}

func values(changes []record.Change, r Revision) ([]record.Change, error) {
	if !r.Hidden {
		return record.DecodeBody(changes, r.Body)
	}
	out := slices.Clone(changes)
	for i := range out {
		out[i].Value = record.Value{Form: record.Erased}
	}
	return out, nil
}

// headOf reads what every skeleton begins with: format (1), replica (16), counter (8),
// record (16). The rest of one that cannot be read is left alone.
func headOf(skeleton []byte) (rev record.Revision) {
	const head = 1 + 16 + 8 + 16
	if len(skeleton) < head {
		return rev
	}
	rev.Dot.Replica = causal.ReplicaID(skeleton[1:17])
	rev.Dot.Counter = binary.BigEndian.Uint64(skeleton[17:25])
	rev.Record = record.ID(skeleton[25:head])
	return rev
}

// verdicts adds what later leaves made of the revisions.
func (c *checker) verdicts() error {
	at := map[causal.Dot]int{}
	for i, s := range c.report.Saves {
		at[s.Dot] = i
	}
	for _, l := range c.file.Leaves {
		checked := c.leaves[l.Index]
		for _, o := range l.Changed {
			if err := checked.CheckChanged(o.Changed, o.Place, o.Path); err != nil {
				return failed(ClaimVerdict, "leaf %d: %v", l.Index, err)
			}
			if o.Record != c.file.Record {
				return failed(ClaimVerdict, "leaf %d shows another record", l.Index)
			}
			if err := c.changed(at, l.Index, o.Changed); err != nil {
				return err
			}
		}
		for _, o := range checked.Leaf.Changed { // of a leaf that shows all of them
			if o.Record != c.file.Record {
				continue
			}
			if err := c.changed(at, l.Index, o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *checker) changed(at map[causal.Dot]int, leaf ledger.Index, o ledger.Changed) error {
	i, ok := at[o.Dot]
	if !ok && !c.file.Only.IsZero() {
		return nil
	}
	if !ok {
		return failed(ClaimVerdict, "leaf %d is about %s, which is not in the file", leaf, o.Dot)
	}
	s := &c.report.Saves[i]
	if leaf <= s.Verdicts[len(s.Verdicts)-1].Leaf {
		return failed(ClaimVerdict, "leaf %d does not come after what it changes", leaf)
	}
	s.Verdicts = append(s.Verdicts, Ruled{o.Verdict, leaf, c.leaves[leaf].ReceivedAt})
	return nil
}
