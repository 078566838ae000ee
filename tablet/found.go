// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/tablet/vault"
)

// What the centre found is kept as sets, one a record, as they came. They hold measured
// values, so they are sealed like bodies, in parts, each a note:
//
//	number of sets, then each: length and bytes of an office.v1.FindingSet
//
// with numbers as uvarints. Which part a set is in says its key alone. Parts are written
// before the cursor that goes with them: what a crash cuts off comes again, and a set taken
// twice is the same set.
const (
	foundParts = 64
	// foundBytes bounds all sets together; a tablet has some thousand, of 200 to 600 bytes.
	foundBytes = 16 << 20
	// foundPages is after how many pages of a pull what came is written.
	foundPages = 20
)

// foundHead is what is noted of findings beside their parts. Nothing of it is personal.
type foundHead struct {
	Cursor  []byte `json:"cursor"`
	Sets    int    `json:"sets"`    // with findings
	Grave   int    `json:"grave"`   // findings that are errors or warnings
	Omitted int    `json:"omitted"` // sets that came and had no room
}

// foundBook is what the centre found, opened: in memory only while the tablet is unlocked.
type foundBook struct {
	head  foundHead
	sets  map[string]*officev1.FindingSet
	bytes int
	dirty [foundParts]bool
}

func partName(i int) string { return fmt.Sprintf("findings/%02d", i) }

// partPlace is what a sealed part is bound to: no bucket of the replica has this number.
func partPlace(i int) []byte { return append([]byte{0xff}, partName(i)...) }

// setKey tells what a set is of.
func setKey(s *officev1.FindingSet) string {
	id := s.GetRecordId()
	if len(id) == 0 {
		id = append([]byte("person"), s.GetSubjectId()...)
	}
	if s.GetCombined() {
		return string(id) + "+"
	}
	return string(id)
}

// partOf spreads keys over the parts: the end of an id is random.
func partOf(key string) int {
	sum := 0
	for _, c := range []byte(key) {
		sum = sum*31 + int(c)
	}
	return (sum%foundParts + foundParts) % foundParts
}

// fromBook returns what the centre found, opened. Whoever calls it holds finding.
func (t *Tablet) fromBook(ctx context.Context) (*foundBook, error) {
	t.mu.Lock()
	b := t.found
	t.mu.Unlock()
	if b != nil {
		return b, nil
	}
	if t.Locked() {
		return nil, replica.ErrLocked
	}
	b = &foundBook{sets: map[string]*officev1.FindingSet{}}
	if err := t.readNote(ctx, noteFindings, &b.head); err != nil {
		return nil, err
	}
	for i := range foundParts {
		if err := t.openPart(ctx, b, i); err != nil {
			return t.foundAnew(ctx, err)
		}
	}
	t.keepBook(b)
	return b, nil
}

// foundAnew begins without what cannot be read any more: the centre has it and gives it
// again. Any other error stays one.
func (t *Tablet) foundAnew(ctx context.Context, err error) (*foundBook, error) {
	if !errors.Is(err, vault.ErrDamaged) {
		return nil, err
	}
	t.log.Warn("findings cannot be read, and are taken anew")
	b := &foundBook{sets: map[string]*officev1.FindingSet{}}
	b.clear()
	if err := t.writeBook(ctx, b); err != nil {
		return nil, err
	}
	t.keepBook(b)
	return b, nil
}

// keepBook keeps what was opened, unless the tablet was locked meanwhile.
func (t *Tablet) keepBook(b *foundBook) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed && t.vault.Unlocked() {
		t.found = b
	}
}

func (t *Tablet) openPart(ctx context.Context, b *foundBook, i int) error {
	sealed, err := t.store.Note(ctx, partName(i))
	if err != nil || len(sealed) == 0 {
		return err
	}
	plain, err := t.vault.OpenRow(partPlace(i), sealed)
	if err != nil {
		return err
	}
	return b.decode(plain)
}

// decode adds the sets of a part. Its error wraps vault.ErrDamaged.
func (b *foundBook) decode(part []byte) error {
	n, used := binary.Uvarint(part)
	if used <= 0 {
		return fmt.Errorf("findings: %w", vault.ErrDamaged)
	}
	part = part[used:]
	for range n {
		size, used := binary.Uvarint(part)
		if used <= 0 || size > uint64(len(part)-used) {
			return fmt.Errorf("findings: %w", vault.ErrDamaged)
		}
		s := &officev1.FindingSet{}
		if err := proto.Unmarshal(part[used:used+int(size)], s); err != nil {
			return fmt.Errorf("findings: %w", vault.ErrDamaged)
		}
		part = part[used+int(size):]
		b.sets[setKey(s)] = s
		b.bytes += proto.Size(s)
	}
	return nil
}

// encode writes a part.
func (b *foundBook) encode(i int) ([]byte, error) {
	var keys []string
	for key := range b.sets {
		if partOf(key) == i {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	out := binary.AppendUvarint(nil, uint64(len(keys)))
	for _, key := range keys {
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(b.sets[key])
		if err != nil {
			return nil, err
		}
		out = append(binary.AppendUvarint(out, uint64(len(raw))), raw...)
	}
	return out, nil
}

// clear forgets everything.
func (b *foundBook) clear() {
	clear(b.sets)
	b.bytes, b.head = 0, foundHead{}
	for i := range b.dirty {
		b.dirty[i] = true
	}
}

// take works a page in.
func (b *foundBook) take(p *officev1.PullFindingsResponse) {
	if p.GetAnew() {
		b.clear()
	}
	for _, s := range p.GetSets() {
		b.put(s)
	}
	b.head.Cursor = p.GetCursor()
}

// put keeps a set in place of the earlier one of the same thing; an empty one says that
// nothing is found any more, or that it is out of this tablet's sight.
func (b *foundBook) put(s *officev1.FindingSet) {
	key := setKey(s)
	if old := b.sets[key]; old != nil {
		b.bytes -= proto.Size(old)
		delete(b.sets, key)
		b.dirty[partOf(key)] = true
	}
	if len(s.GetFindings()) == 0 {
		return
	}
	if b.bytes+proto.Size(s) > foundBytes {
		b.head.Omitted++
		return
	}
	b.sets[key], b.dirty[partOf(key)] = s, true
	b.bytes += proto.Size(s)
}

// writeBook writes the parts that changed, and then the head.
func (t *Tablet) writeBook(ctx context.Context, b *foundBook) error {
	for i := range b.dirty {
		if !b.dirty[i] {
			continue
		}
		plain, err := b.encode(i)
		if err != nil {
			return err
		}
		sealed, err := t.vault.SealRow(partPlace(i), plain)
		if err != nil {
			return err
		}
		if err := t.store.SetNote(ctx, partName(i), sealed); err != nil {
			return err
		}
		b.dirty[i] = false
	}
	b.head.Sets, b.head.Grave = len(b.sets), 0
	for _, s := range b.sets {
		for _, f := range s.GetFindings() {
			if name := severityName(f.GetSeverity()); !f.GetFault() && (name == SeverityError || name == SeverityWarning) {
				b.head.Grave++
			}
		}
	}
	return t.writeNote(ctx, noteFindings, b.head)
}

// findingsSource gives what the centre finds; *remote.Centre is one.
type findingsSource interface {
	PullFindings(ctx context.Context, cursor []byte, page func(*officev1.PullFindingsResponse) error) error
}

// pullFindings takes what the centre found since the last time and returns how many sets
// came. What came before an error is kept. Others can read meanwhile.
func (t *Tablet) pullFindings(ctx context.Context, from findingsSource) (came int, err error) {
	t.pulling.Lock()
	defer t.pulling.Unlock()
	p := &foundPull{t: t}
	if p.book, err = t.openBook(ctx); err != nil {
		return 0, err
	}
	err = from.PullFindings(ctx, p.book.head.Cursor, func(m *officev1.PullFindingsResponse) error { return p.page(ctx, m) })
	return p.came, errors.Join(err, p.end(context.WithoutCancel(ctx)))
}

// openBook is fromBook for who does not hold finding.
func (t *Tablet) openBook(ctx context.Context) (*foundBook, error) {
	t.finding.Lock()
	defer t.finding.Unlock()
	return t.fromBook(ctx)
}

// foundPull is one pull of what the centre found.
type foundPull struct {
	t     *Tablet
	book  *foundBook
	pages int
	came  int
}

// page takes a page and, every so often, writes what came.
func (p *foundPull) page(ctx context.Context, m *officev1.PullFindingsResponse) error {
	p.t.finding.Lock()
	defer p.t.finding.Unlock()
	p.book.take(m)
	p.came += len(m.GetSets())
	if p.pages++; p.pages%foundPages == 0 {
		return p.t.writeBook(ctx, p.book)
	}
	return nil
}

// end writes what came. Where that fails, or the tablet was locked meanwhile, what is on
// disk counts.
func (p *foundPull) end(ctx context.Context) error {
	if p.pages == 0 {
		return nil
	}
	p.t.finding.Lock()
	defer p.t.finding.Unlock()
	err := p.t.writeBook(ctx, p.book)
	p.t.mu.Lock()
	defer p.t.mu.Unlock()
	if err != nil || p.t.found != p.book {
		p.t.found = nil
	}
	return err
}

// fromCentre returns what the centre found, in no order.
func (t *Tablet) fromCentre(ctx context.Context) ([]*Finding, error) {
	b, err := t.openBook(ctx)
	if err != nil {
		return nil, err
	}
	t.finding.Lock()
	defer t.finding.Unlock()
	var out []*Finding
	for _, s := range b.sets {
		for _, f := range s.GetFindings() {
			whole := proto.CloneOf(f)
			whole.SubjectId, whole.RecordId = s.GetSubjectId(), s.GetRecordId()
			one := findingOf(whole, emptyForm(s.GetRecordId()))
			one.Centre = true
			if d := care.Date(s.GetChangedOn()); d.Valid() {
				one.On = d.String()
			}
			out = append(out, one)
		}
	}
	slices.SortFunc(out, func(a, b *Finding) int { return strings.Compare(a.key(), b.key()) })
	return out, nil
}

// emptyForm returns a form of the kind of a record, nil where there is none.
func emptyForm(id []byte) proto.Message {
	if len(id) != len(record.ID{}) {
		return nil
	}
	m, err := care.New(record.ID(id).Kind())
	if err != nil {
		return nil
	}
	return m
}
