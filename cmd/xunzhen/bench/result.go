// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// Result is what was measured; its JSON is one object.
type Result struct {
	UploadPerCPU   float64 `json:"upload_per_cpu_s"`
	UploadPerS     float64 `json:"upload_per_s"`
	RawPerCPU      float64 `json:"raw_per_cpu_s"`
	UploadRatio    float64 `json:"upload_ratio"`
	UpdatePerCPU   float64 `json:"update_per_cpu_s"`
	ConflictPerCPU float64 `json:"conflict_per_cpu_s"`
	DownloadPerCPU float64 `json:"download_per_cpu_s"`
	IncrementalCPU float64 `json:"incremental_cpu_s"`
	NoopSmall      float64 `json:"noop_ms_10k"`
	NoopLarge      float64 `json:"noop_ms_100k"`
	UploadGrowth   float64 `json:"upload_growth"`
	RawGrowth      float64 `json:"raw_growth"`
	BytesUp        float64 `json:"bytes_up"`
	BytesUpZstd    float64 `json:"bytes_up_zstd"`
	BytesDown      float64 `json:"bytes_down"`
	BytesDownZstd  float64 `json:"bytes_down_zstd"`
	BytesDisk      float64 `json:"bytes_disk"`
	MemorySmall    float64 `json:"rss_mb_10k"`
	MemoryLarge    float64 `json:"rss_mb_100k"`
	SignaturePct   float64 `json:"signature_percent"` // of what an uploaded record costs the server
	LedgerPct      float64 `json:"ledger_percent"`

	// How it was measured.
	Quick       bool    `json:"quick"`
	StoredSmall int     `json:"stored_small"` // where the keys say 10k
	StoredLarge int     `json:"stored_large"` // where the keys say 100k
	FormBytes   float64 `json:"form_bytes"`   // of a record as a protobuf message, mean
	PerCommit   float64 `json:"records_per_commit"`
	Seconds     float64 `json:"seconds"`
}

func (s *run) result() Result {
	var all chunk
	for _, c := range s.chunks {
		all = all.add(c)
	}
	g := s.got
	small, large := s.window(s.size.chunk), s.window(s.size.large)
	return Result{
		UploadPerCPU: all.upload.perCPU(),
		UploadPerS:   float64(all.upload.n) / max(all.upload.wall.Seconds(), 1e-9),
		RawPerCPU:    all.raw.perCPU(),
		UploadRatio:  all.upload.perCPU() / all.raw.perCPU(),
		UpdatePerCPU: g.update.perCPU(), ConflictPerCPU: g.conflict.perCPU(), DownloadPerCPU: g.download.perCPU(),
		IncrementalCPU: g.incremental.cpu.Seconds(),
		NoopSmall:      g.noopSmall.Seconds() * 1000, NoopLarge: g.noopLarge.Seconds() * 1000,
		UploadGrowth: large.upload.perCPU() / small.upload.perCPU(),
		RawGrowth:    large.raw.perCPU() / small.raw.perCPU(),
		BytesUp:      g.upPlain.ratio(), BytesUpZstd: g.upPacked.ratio(),
		BytesDown: g.downPlain.ratio(), BytesDownZstd: g.downPacked.ratio(),
		BytesDisk:   float64(g.diskBytes) / float64(max(g.stored, 1)),
		MemorySmall: g.memorySmall, MemoryLarge: g.memoryLarge,
		SignaturePct: all.upload.percentOf(g.signatures), LedgerPct: all.upload.percentOf(g.ledger),

		Quick: s.o.Quick, StoredSmall: s.size.chunk, StoredLarge: s.size.large,
		FormBytes: float64(g.upPacked.forms) / float64(max(all.upload.n, 1)),
		PerCommit: float64(all.upload.n) / float64(max(all.commits, 1)),
		Seconds:   g.ended.Sub(g.began).Seconds(),
	}
}

// window is the chunk before and the chunk after so many records were stored.
func (s *run) window(stored int) (out chunk) {
	for _, c := range s.chunks {
		if c.stored == stored || c.stored == stored+s.size.chunk {
			out = out.add(c)
		}
	}
	return out
}

// A line is one row of the table: a figure, the limit seen on such a machine and
// what other programs reach, and the aim.
type line struct {
	key     string
	value   float64
	digits  int
	limit   string
	aim     float64 // 0: none
	atMost  bool
	meaning string
}

func (l line) verdict() string {
	switch {
	case l.aim == 0:
		return ""
	case l.atMost && l.value <= l.aim, !l.atMost && l.value >= l.aim:
		return "reached"
	}
	return "missed"
}

func (l line) aimText() string {
	switch {
	case l.aim == 0:
		return ""
	case l.atMost:
		return "≤ " + number(l.aim, 2)
	}
	return "≥ " + number(l.aim, 2)
}

func (r Result) lines() []line {
	return []line{
		{"upload_per_cpu_s", r.UploadPerCPU, 0, "100,000 bare gRPC + SQLite", 30_000, false, "new records, signed and on disk, per CPU second of the server"},
		{"upload_per_s", r.UploadPerS, 0, "", 0, false, "the same per second of this machine, devices beside it"},
		{"raw_per_cpu_s", r.RawPerCPU, 0, "", 0, false, "the same states, bare SQLite"},
		{"upload_ratio", r.UploadRatio, 2, "1", 0.30, false, "upload ÷ raw"},
		{"update_per_cpu_s", r.UpdatePerCPU, 0, "94,000-148,000 lookup + upsert", 20_000, false, "second saves"},
		{"conflict_per_cpu_s", r.ConflictPerCPU, 0, "94,000-148,000", 20_000, false, "saves beside a concurrent one of the same registers"},
		{"download_per_cpu_s", r.DownloadPerCPU, 0, "250,000; others 6,300-40,000", 120_000, false, "a fresh device pulls everything"},
		{"incremental_cpu_s", r.IncrementalCPU, 3, "0.03; others 0.22-0.60", 0.15, true, "every device changes 10 records, all sync, handshakes counted"},
		{"noop_ms_10k", r.NoopSmall, 2, "flat", 0, true, "a sync with nothing new"},
		{"noop_ms_100k", r.NoopLarge, 2, "flat", 1.3 * r.NoopSmall, true, "the same with more stored"},
		{"upload_growth", r.UploadGrowth, 2, "0.91 ordered ids", 0.85, false, "upload rate with more stored ÷ with little stored"},
		{"raw_growth", r.RawGrowth, 2, "0.91", 0, false, "the same of bare SQLite"},
		{"bytes_up", r.BytesUp, 2, "1.1", 1.35, true, "on the wire per byte of form, TLS included, not compressed"},
		{"bytes_up_zstd", r.BytesUpZstd, 2, "0.6", 0.8, true, "the same as shipped"},
		{"bytes_down", r.BytesDown, 2, "1.1", 1.35, true, "the way down, not compressed"},
		{"bytes_down_zstd", r.BytesDownZstd, 2, "0.6", 0, true, "the same as shipped"},
		{"bytes_disk", r.BytesDisk, 0, "500-1,150", 900, true, "per record, with ledger and history"},
		{"rss_mb_10k", r.MemorySmall, 0, "53", 120, true, "most memory the server had"},
		{"rss_mb_100k", r.MemoryLarge, 0, "146", 250, true, "the same with more stored"},
		{"signature_percent", r.SignaturePct, 1, "", 0, true, "of an upload's processor time: segments opened, hashed, signatures checked"},
		{"ledger_percent", r.LedgerPct, 1, "", 0, true, "the same: leaves, tree hashes, their rows"},
	}
}

// write prints the table.
func (r Result) write(w io.Writer) error {
	t := terminal.Table{Head: []string{"figure", "measured", "aim", "", "limit, others", "what"}, Right: []bool{false, true, true}}
	for _, l := range r.lines() {
		t.Add(l.key, number(l.value, l.digits), l.aimText(), l.verdict(), l.limit, l.meaning)
	}
	if err := t.Write(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nrecords of %.0f bytes, %.0f a commit; \"10k\" is %s and \"100k\" is %s stored records; %.0f s\n",
		r.FormBytes, r.PerCommit, number(float64(r.StoredSmall), 0), number(float64(r.StoredLarge), 0), r.Seconds)
	if err == nil && r.Quick {
		_, err = fmt.Fprintln(w, "quick: fewer records were stored than the keys say; nothing is extrapolated")
	}
	return err
}

// number writes v with commas and so many decimals, without needless zeros.
func number(v float64, digits int) string {
	if v < 1000 {
		return strconv.FormatFloat(math.Round(v*math.Pow10(digits))/math.Pow10(digits), 'f', -1, 64)
	}
	text := strconv.FormatInt(int64(math.Round(v)), 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
