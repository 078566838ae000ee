// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/tablet/vault"
)

// What the tablet notes beside the replica. Nothing of it is personal.
const (
	noteVault  = "vault"  // id of the vault that seals the bodies
	noteServer = "server" // where the centre is: server
	noteSync   = "sync"   // what the last sync found: lastSync
	noteHubs   = "hubs"   // the clinic hubs it knows, as they were added: []knownHub

	noteReturned = "returned" // what is returned for correction: returnedForms

	noteRulesUsed = "rules" // the rule pack it works by: rulesNote

	noteLimits = "limits" // how much it keeps, and how much its scope has: limitsNote

	noteFindings = "findings" // how much the centre found and how far that was taken: foundHead
)

// server is where the centre is and how to know it.
type server struct {
	Addresses []string        `json:"addresses"`
	Pin       session.Pin     `json:"pin"`
	Shard     segment.ShardID `json:"shard"`
	ShardKey  []byte          `json:"shard_key"`
	Recipient []byte          `json:"recipient"`
	Roster    []byte          `json:"roster,omitempty"` // the newest one seen: session.Roster
}

// lastSync is what the last sync found.
type lastSync struct {
	AtMs      int64  `json:"at_ms"`      // of the last try
	CleanMs   int64  `json:"clean_ms"`   // of the last one that came to its end
	Reason    string `json:"reason"`     // of the last try's failure; "" none
	Revoked   bool   `json:"revoked"`    // the centre takes and gives nothing
	Marks     int    `json:"marks"`      // backups the centre could show
	NewKeys   int    `json:"new_keys"`   // how often a new key was needed
	NewKeyMs  int64  `json:"new_key_ms"` // when the last one was
	Rewritten bool   `json:"rewritten"`  // the centre contradicted itself
	Behind    string `json:"behind"`     // see Status; until a sync goes well
	HubMs     int64  `json:"hub_ms"`     // of the last one with a hub that came to its end
}

func (t *Tablet) readNote(ctx context.Context, name string, into any) error {
	raw, err := t.store.Note(ctx, name)
	if err != nil || raw == nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("note %s: %w", name, vault.ErrDamaged)
	}
	return nil
}

func (t *Tablet) writeNote(ctx context.Context, name string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("note %s: %w", name, err)
	}
	return t.store.SetNote(ctx, name, raw)
}
