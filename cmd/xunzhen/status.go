// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"strings"
	"time"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/server/hub"
)

// statusCommand tells how every county of the running server stands.
type statusCommand struct {
	dataFlag
	Json bool `help:"help_json"`
}

// countyStatus is one county for programs.
type countyStatus struct {
	County     string        `json:"county"`
	Shard      string        `json:"shard"`
	Epoch      uint64        `json:"epoch"`
	LedgerSize uint64        `json:"ledger_size"`
	Stopped    bool          `json:"stopped"`
	Held       uint64        `json:"held_records"`
	Backup     backupStatus  `json:"backup"`
	Restored   *refillStatus `json:"restored,omitempty"`
	Devices    int           `json:"devices"`
	// Findings are nil where the server looks for nothing.
	Findings *findingsStatus `json:"findings,omitempty"`
}

// findingsStatus is how far findings follow the records.
type findingsStatus struct {
	Pack       string `json:"pack"` // name and edition
	PackSHA256 string `json:"pack_sha256"`
	BuiltIn    bool   `json:"built_in"`
	AsOf       string `json:"as_of"`
	Sets       uint64 `json:"records_with_findings"`
	Behind     uint64 `json:"behind"`
	Queued     uint64 `json:"queued"`
	UnderWay   bool   `json:"under_way"`
	Refused    string `json:"refused_pack,omitempty"`
	RefusedWhy string `json:"refused_why,omitempty"`
	FailedMs   int64  `json:"failed_ms,omitempty"`
	Failed     string `json:"failed,omitempty"`
	PassedOver uint64 `json:"passed_over"`
}

// backupStatus is how the backups stand.
type backupStatus struct {
	Number     uint64 `json:"number"` // 0: none was ever made
	VerifiedMs int64  `json:"verified_ms,omitempty"`
	LedgerSize uint64 `json:"ledger_size"`
	Folder     string `json:"folder,omitempty"` // empty: the server makes none by itself
	EveryMs    uint64 `json:"every_ms,omitempty"`
	Overdue    bool   `json:"overdue"`
	FailedMs   int64  `json:"failed_ms,omitempty"`
	Failed     string `json:"failed,omitempty"`
}

// refillStatus is what is known of what a restore lost.
type refillStatus struct {
	NotHeard []deviceStatus `json:"not_heard"`
	Lacking  []deviceStatus `json:"lacking"`
	// SeenLedger is how many entries of an earlier epoch's ledger somebody has seen, and
	// Broken that they are not the beginning of this one.
	SeenLedger uint64 `json:"seen_ledger"`
	Broken     bool   `json:"broken"`
}

// deviceStatus is one tablet or hub.
type deviceStatus struct {
	Replica string   `json:"replica"`
	Label   string   `json:"label"`
	Staff   []string `json:"staff"`
	Lacking uint32   `json:"lacking_segments,omitempty"`
}

// Run tells of each county.
func (f statusCommand) Run(c *call) error {
	data, err := f.folder(c)
	if err != nil {
		return err
	}
	if hub.Exists(hubFolder(data)) {
		return hubCommand{dataFlag: f.dataFlag, Json: f.Json}.Run(c)
	}
	running, err := office.ReadServing(data)
	if err != nil {
		return err
	}
	all := []countyStatus{}
	for _, one := range running.Counties {
		s, err := f.ask(c, running, one)
		if err != nil {
			return err
		}
		all = append(all, s)
	}
	if f.Json {
		return c.json(all)
	}
	if len(all) == 0 {
		c.line("status_no_county")
	}
	for _, s := range all {
		c.tellCounty(s, data)
	}
	return nil
}

func (f statusCommand) ask(c *call, running office.Serving, one office.ServingCounty) (countyStatus, error) {
	o, err := running.Connect(one.Code)
	if err != nil {
		return countyStatus{}, err
	}
	defer o.Close() //nolint:errcheck // nothing is lost with it
	state, err := o.BackupState(c.ctx)
	if err != nil {
		return countyStatus{}, err
	}
	refills, err := o.Refills(c.ctx)
	if err != nil {
		return countyStatus{}, err
	}
	found, err := o.FindingState(c.ctx)
	if err != nil {
		return countyStatus{}, err
	}
	s := statusOf(one, state, refills)
	s.Findings = findingsStatusOf(found)
	return s, nil
}

func findingsStatusOf(m *officev1.GetFindingStateResponse) *findingsStatus {
	if m == nil {
		return nil
	}
	b := m.GetBasis()
	return &findingsStatus{
		Pack: strings.TrimSpace(b.GetPackName() + " " + b.GetPackVersion()), PackSHA256: hex.EncodeToString(b.GetPackSha256()), BuiltIn: m.GetBuiltIn(),
		AsOf: care.Date(b.GetAsOf()).String(), Sets: m.GetSets(), Behind: b.GetBehind(), Queued: b.GetQueued(), UnderWay: b.GetUnderWay(),
		Refused: idText(m.GetRefusedPack()), RefusedWhy: m.GetRefusedWhy(), FailedMs: m.GetFailedAtMs(), Failed: m.GetFailed(), PassedOver: m.GetPassedOver(),
	}
}

func statusOf(one office.ServingCounty, m *syncv1.GetBackupStateResponse, refills []*syncv1.Refill) countyStatus {
	s := countyStatus{
		County: one.Code, Shard: one.Shard, Epoch: m.GetEpoch().GetNumber(), LedgerSize: m.GetLedgerSize(), Stopped: m.GetStopped(),
		Held: m.GetHeldRecords(), Devices: len(refills),
		Backup: backupStatus{
			Number: m.GetLastNumber(), VerifiedMs: m.GetLastVerifiedAtMs(), LedgerSize: m.GetLastLedgerSize(), Folder: m.GetFolder(),
			EveryMs: m.GetEveryMs(), Overdue: m.GetOverdue(), FailedMs: m.GetFailedAtMs(), Failed: m.GetFailed(),
		},
	}
	if s.Epoch > 1 {
		s.Restored = refillOf(refills)
	}
	return s
}

// refillOf says what is missing, and from whom.
func refillOf(refills []*syncv1.Refill) *refillStatus {
	s := &refillStatus{NotHeard: []deviceStatus{}, Lacking: []deviceStatus{}}
	for _, r := range refills {
		d := deviceStatus{
			Replica: hex.EncodeToString(r.GetReplica()), Label: r.GetLabel(), Staff: r.GetStaff(), Lacking: r.GetLacking(),
		}
		if r.GetHeardAtMs() == 0 {
			s.NotHeard = append(s.NotHeard, d)
		}
		if r.GetLacking() > 0 {
			s.Lacking = append(s.Lacking, d)
		}
		s.SeenLedger, s.Broken = max(s.SeenLedger, r.GetSeenSize()), s.Broken || r.GetBroken()
	}
	return s
}

func (c *call) tellCounty(s countyStatus, data string) {
	c.line("status_county", s.County, s.Epoch, s.LedgerSize, s.Devices)
	if s.Stopped {
		c.line("serve_county_stopped", s.County, data)
	}
	c.tellBackupStatus(s.Backup, data)
	if s.Held > 0 {
		c.line("status_held_records", s.Held)
	}
	if s.Restored != nil {
		c.tellRefill(*s.Restored)
	}
	if s.Findings != nil {
		c.tellFindings(*s.Findings)
	}
}

func (c *call) tellFindings(s findingsStatus) {
	c.line("status_findings", s.Sets, s.Pack, s.AsOf)
	if s.Behind > 0 || s.Queued > 0 || s.UnderWay {
		c.line("status_findings_under_way", s.Behind, s.Queued)
	}
	if s.Refused != "" {
		c.line("status_findings_refused", s.Refused, s.RefusedWhy)
	}
	if s.PassedOver > 0 {
		c.line("status_findings_passed_over", s.PassedOver)
	}
	if s.FailedMs > 0 {
		c.line("status_findings_failed", minute(time.UnixMilli(s.FailedMs)), s.Failed)
	}
}

func (c *call) tellBackupStatus(b backupStatus, data string) {
	switch {
	case b.Number == 0 && b.Folder == "":
		c.line("warning_no_backup", data)
	case b.Number == 0:
		c.line("status_backup_none_yet", b.Folder)
	default:
		c.line("status_backup", b.Number, minute(time.UnixMilli(b.VerifiedMs)), b.LedgerSize)
	}
	if b.Folder != "" {
		c.line("status_backup_planned", b.Folder, time.Duration(b.EveryMs)*time.Millisecond)
	} else if b.Number > 0 {
		c.line("status_backup_unplanned")
	}
	if b.FailedMs > 0 {
		c.line("status_backup_failed", minute(time.UnixMilli(b.FailedMs)), b.Failed)
	}
	if b.Overdue {
		c.line("status_backup_overdue")
	}
}

func (c *call) tellRefill(s refillStatus) {
	if len(s.NotHeard)+len(s.Lacking) == 0 {
		c.line("status_refilled")
	}
	c.someOf(s.NotHeard, func(d deviceStatus) { c.line("status_not_heard", d.name()) })
	c.someOf(s.Lacking, func(d deviceStatus) { c.line("status_lacking", d.name(), d.Lacking) })
	switch {
	case s.Broken:
		c.line("status_ledger_broken", s.SeenLedger)
	case s.SeenLedger > 0:
		c.line("status_ledger_whole", s.SeenLedger)
	}
}

// maxTold is how many devices are told of by name; programs get all.
const maxTold = 20

// someOf tells of the first devices, and how many more there are.
func (c *call) someOf(all []deviceStatus, tell func(deviceStatus)) {
	for _, d := range all[:min(len(all), maxTold)] {
		tell(d)
	}
	if more := len(all) - maxTold; more > 0 {
		c.line("status_more", more)
	}
}

// name is how people know a device.
func (d deviceStatus) name() string {
	return strings.TrimSpace(d.Label + " (" + strings.Join(d.Staff, ", ") + ") " + d.Replica[:8])
}
