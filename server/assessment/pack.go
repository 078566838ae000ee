// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"crypto/sha256"
	"fmt"
	"sync"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care/indicators"
)

// Pack is the rule pack that the county works by.
type Pack interface {
	// Name returns what it is called, and Version its edition.
	Name() string
	Version() string
	// Hash names what it does.
	Hash() [32]byte
	// Content returns its rows.
	Content() *carev1.RulePackContent
}

// rulebook is a pack with what is taken from it.
type rulebook struct {
	pack     Pack
	settings indicators.Settings
	digest   [32]byte // of the settings
}

// rulebookOf reads the settings of a pack; its error wraps indicators.ErrSettings.
func rulebookOf(p Pack) (rulebook, error) {
	s, err := indicators.SettingsOf(p.Content())
	if err != nil {
		return rulebook{}, fmt.Errorf("rule pack %s %s: %w", p.Name(), p.Version(), err)
	}
	return rulebook{p, s, settingsDigest(p.Content())}, nil
}

// settingsDigest names the settings of the indicators and the list of indicators of this build.
func settingsDigest(content *carev1.RulePackContent) [32]byte {
	h := sha256.New()
	byID := map[string]*carev1.Threshold{}
	for _, th := range content.GetThresholds() {
		byID[th.GetId()] = th
	}
	for _, id := range indicators.SettingIDs() {
		th := byID[id]
		fmt.Fprintf(h, "%s %d %v %s\n", id, th.GetNumber(), th.GetNumbers().GetValues(), th.GetText())
	}
	for _, one := range indicators.All() {
		fmt.Fprintf(h, "%s\n", one.Code)
	}
	return [32]byte(h.Sum(nil))
}

// books keeps the rulebook of the pack at hand.
type books struct {
	pack func() Pack

	mu   sync.Mutex
	last rulebook
	err  error
	hash [32]byte
	read bool
}

// current returns the rulebook of the pack that the county works by now.
func (b *books) current() (rulebook, error) {
	p := b.pack()
	hash := p.Hash()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.read || b.hash != hash {
		b.last, b.err = rulebookOf(p)
		b.hash, b.read = hash, true
	}
	return b.last, b.err
}
