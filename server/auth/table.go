// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Rule says who may call a method.
type Rule struct {
	Who Who // Nobody: everyone, without a session
	// Office: the operator may, too, where Who is Device.
	Office bool
	// Desk: a desk of the office may, too, within its certificate.
	Desk bool
	// Expired: a device or desk may whose certificate has expired by the centre's clock.
	Expired bool
	// Revoked: a device or desk may that a fence cuts off.
	Revoked bool
}

const (
	enrolment  = "/xunzhen.sync.v1.EnrolmentService/"
	syncing    = "/xunzhen.sync.v1.SyncService/"
	hubs       = "/xunzhen.sync.v1.HubService/"
	records    = "/xunzhen.sync.v1.RecordService/"
	evidence   = "/xunzhen.sync.v1.EvidenceService/"
	bundles    = "/xunzhen.sync.v1.BundleService/"
	backups    = "/xunzhen.sync.v1.BackupService/"
	health     = "/grpc.health.v1.Health/"
	reflection = "/grpc.reflection.v1.ServerReflection/"
	reflecting = "/grpc.reflection.v1alpha.ServerReflection/"
	devices    = "/xunzhen.sync.v1.DeviceService/"
	persons    = "/xunzhen.sync.v1.PersonService/"
	divisions  = "/xunzhen.sync.v1.DivisionService/"
	found      = "/xunzhen.office.v1.FindingService/"
	residents  = "/xunzhen.office.v1.ResidentService/"
	accesses   = "/xunzhen.office.v1.AccessService/"
	assessing  = "/xunzhen.office.v1.AssessmentService/"
	doubts     = "/xunzhen.office.v1.AuthenticityService/"
	exporting  = "/xunzhen.office.v1.ExportService/"
	supervise  = "/xunzhen.office.v1.SupervisionService/"
	tasks      = "/xunzhen.office.v1.TaskService/"
	imports    = "/xunzhen.office.v1.ImportService/"
)

// RuleOf returns the rule of a method, by its full name. A method without one may
// not be called.
func RuleOf(method string) (Rule, bool) {
	r, ok := table()[method]
	return r, ok
}

// Methods returns every method that has a rule, sorted.
func Methods() []string { return slices.Sorted(maps.Keys(table())) }

// table is the one table; nobody changes it.
var table = sync.OnceValue(func() map[string]Rule {
	return map[string]Rule{
		// Letting in: who asks has no session yet.
		enrolment + "Enrol":     {Who: Nobody},
		enrolment + "Challenge": {Who: Nobody},
		enrolment + "Login":     {Who: Nobody},
		// An expired device must be able to renew; a revoked one must not.
		enrolment + "Renew": {Who: Device, Desk: true, Expired: true},
		// A copied key goes on under a new one whatever its dates; it stays cut off.
		enrolment + "Succeed": {Who: Device, Expired: true, Revoked: true},

		// What was saved is taken from everybody: it is judged by its signatures.
		syncing + "Hello": {Who: Device, Expired: true, Revoked: true},
		syncing + "Push":  {Who: Device, Expired: true, Revoked: true},
		// What is stored is given to those in good standing.
		syncing + "Pull":  {Who: Device},
		syncing + "Scope": {Who: Device},
		syncing + "Watch": {Who: Device},

		// Whether a server is a hub of its shard must be known before anybody signs in.
		hubs + "Introduce": {Who: Nobody},

		// A desk reads and saves what its work needs: see rpc/desk.go.
		records + "Get":              {Who: Operator, Desk: true},
		records + "List":             {Who: Operator},
		records + "ListConflicts":    {Who: Operator},
		records + "Resolve":          {Who: Operator},
		records + "Save":             {Who: Operator, Desk: true},
		records + "Void":             {Who: Operator, Desk: true},
		records + "Move":             {Who: Operator},
		records + "ListHeld":         {Who: Operator},
		records + "Release":          {Who: Operator},
		records + "Withdraw":         {Who: Operator},
		records + "Erase":            {Who: Operator},
		records + "Fence":            {Who: Operator},
		records + "RuleGap":          {Who: Operator},
		records + "ListReplicas":     {Who: Operator},
		records + "CreateInvitation": {Who: Operator},
		records + "GetCheckpoint":    {Who: Operator},
		records + "ListSums":         {Who: Operator},
		records + "Verify":           {Who: Operator},

		// Proofs and records as they stood: the office hands them on.
		evidence + "Prove":       {Who: Operator},
		evidence + "GetShardKey": {Who: Operator},
		evidence + "GetAsOf":     {Who: Operator},
		evidence + "ListAsOf":    {Who: Operator},

		bundles + "ImportBundle":   {Who: Operator},
		bundles + "ExportBundle":   {Who: Operator},
		backups + "Backup":         {Who: Operator},
		backups + "GetBackupState": {Who: Operator},
		backups + "ListRefills":    {Who: Operator},

		// For load balancers and for people with grpcurl: no content of any shard.
		health + "Check":                    {Who: Nobody},
		health + "List":                     {Who: Nobody},
		health + "Watch":                    {Who: Nobody},
		reflection + "ServerReflectionInfo": {Who: Nobody},
		reflecting + "ServerReflectionInfo": {Who: Nobody},

		// Which installations there are, and which are cut off: the office decides.
		devices + "ListDevices":    {Who: Operator},
		devices + "PlanRevocation": {Who: Operator},
		devices + "Revoke":         {Who: Operator},
		devices + "LiftRevocation": {Who: Operator},
		devices + "Exempt":         {Who: Operator},
		devices + "ListForks":      {Who: Operator},

		// Who bears a number: tablets are shown what their certificate names, see MaySee.
		persons + "FindByNumber":      {Who: Device, Office: true},
		persons + "ListLinkProposals": {Who: Operator},

		// Which codes were changed decides what certificates name: the office alone says.
		divisions + "Recode": {Who: Operator},
		// Whole files become records: staff and organisations among them, which give rights.
		imports + "Import": {Who: Operator},
		// What is found about records is given as the records are.
		found + "PullFindings":    {Who: Device},
		found + "ListFindings":    {Who: Operator, Desk: true},
		found + "GetFindingState": {Who: Operator, Desk: true},

		// What makes records doubtful, within a desk's certificate; rulings are its staff's.
		doubts + "ListAuthenticity":      {Who: Operator, Desk: true},
		doubts + "GetAuthenticity":       {Who: Operator, Desk: true},
		doubts + "GetAuthenticityDoctor": {Who: Operator, Desk: true},
		doubts + "RuleAuthenticity":      {Who: Operator, Desk: true},

		// Files leave with an entry in the access log, and have what the caller may see.
		exporting + "ExportTable":  {Who: Operator, Desk: true},
		exporting + "ExportPerson": {Who: Operator, Desk: true},

		// Figures are within what the caller may see; what is about the whole county is for who sees all of it.
		assessing + "ListIndicators": {Who: Operator, Desk: true},
		assessing + "GetFigures":     {Who: Operator, Desk: true},
		assessing + "ListPeople":     {Who: Operator, Desk: true},
		assessing + "GetScoreSheet":  {Who: Operator, Desk: true},
		assessing + "Freeze":         {Who: Operator, Desk: true},
		assessing + "ListFreezes":    {Who: Operator, Desk: true},
		assessing + "GetFreeze":      {Who: Operator, Desk: true},
		assessing + "ListLate":       {Who: Operator, Desk: true},
		assessing + "VerifyFreeze":   {Who: Operator, Desk: true},
		assessing + "ListWorkPoints": {Who: Operator, Desk: true},

		// Files leave with an entry in the access log, and have what the caller may see.

		// Persons, and who looked at whom, within the scope of a desk.
		residents + "SearchResidents": {Who: Operator, Desk: true},
		residents + "GetPerson":       {Who: Operator, Desk: true},
		accesses + "ListAccess":       {Who: Operator, Desk: true},

		// Rounds, checks, rectifications: within a desk's divisions, see call.view and call.save.
		supervise + "AnnounceRound":       {Who: Operator, Desk: true},
		supervise + "GetFrame":            {Who: Operator, Desk: true},
		supervise + "DrawRound":           {Who: Operator, Desk: true},
		supervise + "ListRounds":          {Who: Operator, Desk: true},
		supervise + "ListCallSheets":      {Who: Operator, Desk: true},
		supervise + "RecordResults":       {Who: Operator, Desk: true},
		supervise + "GetResults":          {Who: Operator, Desk: true},
		supervise + "ListRectifications":  {Who: Operator, Desk: true},
		supervise + "IssueRectifications": {Who: Operator, Desk: true},
		supervise + "RuleRectification":   {Who: Operator, Desk: true},
		// A county's task is divided by who may save all of its parts.
		tasks + "SplitTask": {Who: Operator, Desk: true},
		tasks + "ListTasks": {Who: Operator, Desk: true},
	}
})

// Allow returns nil when p may call a method with this rule now. revoked is asked
// only when it matters. Errors: ErrToken for nobody, else a syncengine.Error with
// ReasonRights, ReasonExpired or ReasonRevoked, or revoked's.
func (r Rule) Allow(p Principal, now time.Time, revoked func(segment.Certificate) (bool, error)) error {
	switch {
	case r.Who == Nobody:
		return nil
	case p.Who == Nobody:
		return ErrToken
	case p.Who == Operator && r.Office:
		return nil
	case p.Who != r.Who && !(p.Who == Desk && r.Desk):
		return &syncengine.Error{Reason: syncengine.ReasonRights, Doing: "call"}
	case p.Who == Operator:
		return nil
	case !r.Expired && !now.Before(p.Certificate.ExpiresAt):
		return &syncengine.Error{Reason: syncengine.ReasonExpired, Doing: "call"}
	case r.Revoked:
		return nil
	}
	cut, err := revoked(p.Certificate)
	if err != nil {
		return fmt.Errorf("call: %w", err)
	}
	if cut {
		return &syncengine.Error{Reason: syncengine.ReasonRevoked, Doing: "call"}
	}
	return nil
}
