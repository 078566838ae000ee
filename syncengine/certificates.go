// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"crypto/sha256"
	"sync"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// maxCertificates is how many read certificates are kept: those of a large county.
const maxCertificates = 4096

// certificateCache keeps certificates by the hash of their bytes once their
// signature was found good, which costs a hundred times what finding them here does.
type certificateCache struct {
	mu     sync.Mutex
	good   map[[32]byte]segment.Certificate
	stored map[segment.Hash]segment.Certificate // on disk, where they stay
}

// find returns a certificate that was found on disk before.
func (c *certificateCache) find(h segment.Hash) (segment.Certificate, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cert, ok := c.stored[h]
	return cert, ok
}

func (c *certificateCache) keep(cert segment.Certificate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stored == nil || len(c.stored) >= maxCertificates {
		c.stored = map[segment.Hash]segment.Certificate{}
	}
	c.stored[cert.Hash] = cert
}

// storedCertificate returns the certificate with this hash as of the last commit,
// and asks the store once for each.
func (e *Engine) storedCertificate(ctx context.Context, h segment.Hash) (cert segment.Certificate, ok bool, err error) {
	if cert, ok = e.certs.find(h); ok {
		return cert, true, nil
	}
	err = e.view(ctx, func(r Reader) error {
		cert, ok, err = e.certificate(r, h)
		return err
	})
	if err == nil && ok {
		e.certs.keep(cert)
	}
	return cert, ok, err
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
