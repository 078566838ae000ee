// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"crypto/sha256"
	"sync"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// maxCertificates is how many read certificates are kept: those of a large county.
const maxCertificates = 4096

// certificateCache keeps certificates by the hash of their bytes once their
// signature was found good, which costs a hundred times what finding them here does.
type certificateCache struct {
	mu   sync.Mutex
	good map[[32]byte]segment.Certificate
}

// readCertificate is segment.ParseCertificate for this shard. The certificate's
// slices are shared and must not be changed.
func (e *Engine) readCertificate(raw []byte) (segment.Certificate, error) {
	c, key := &e.certs, sha256.Sum256(raw)
	c.mu.Lock()
	cert, ok := c.good[key]
	c.mu.Unlock()
	if ok {
		return cert, nil
	}
	cert, err := segment.ParseCertificate(raw, e.cfg.ShardKey.Public())
	if err != nil {
		return cert, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.good == nil || len(c.good) >= maxCertificates {
		c.good = map[[32]byte]segment.Certificate{}
	}
	c.good[key] = cert
	return cert, nil
}
