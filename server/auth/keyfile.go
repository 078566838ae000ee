// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

const (
	pemKey         = "PRIVATE KEY"
	pemSecret      = "SECRET KEY"
	pemCertificate = "CERTIFICATE"
)

// WriteKey writes a private key (PKCS #8, PEM) to a new file that only its owner
// may read. It never replaces a file.
func WriteKey(path string, key any) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("key %s: %w", filepath.Base(path), err)
	}
	return WriteNew(path, pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}), 0o600)
}

// SecretSize is the size of a secret, in bytes.
const SecretSize = 32

// WriteSecret writes a secret of SecretSize bytes, such as the key of a MAC, to a new file that
// only its owner may read. It never replaces a file.
func WriteSecret(path string, secret []byte) error {
	if len(secret) != SecretSize {
		return fmt.Errorf("secret of %d bytes", len(secret))
	}
	return WriteNew(path, pem.EncodeToMemory(&pem.Block{Type: pemSecret, Bytes: secret}), 0o600)
}

// ReadSecret reads a secret that WriteSecret wrote.
func ReadSecret(path string) ([]byte, error) {
	if err := checkOwners(path); err != nil {
		return nil, err
	}
	secret, err := readPEM(path, pemSecret)
	if err == nil && len(secret) != SecretSize {
		err = fmt.Errorf("%s holds a secret of %d bytes", path, len(secret))
	}
	return secret, err
}

// SyncFolder returns when the names in a folder are on disk: without it a file that
// is on disk can be gone after a power cut.
func SyncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // which cannot, and keeps names by itself
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// WriteNew writes a file that is not there yet, down to the disk.
func WriteNew(path string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// ReadSigningKey reads an Ed25519 key that WriteKey wrote.
func ReadSigningKey(path string) (ed25519.PrivateKey, error) {
	return readKey[ed25519.PrivateKey](path)
}

// ReadRecipientKey reads an X25519 key that WriteKey wrote.
func ReadRecipientKey(path string) (*ecdh.PrivateKey, error) { return readKey[*ecdh.PrivateKey](path) }

func readTLSKey(path string) (*ecdsa.PrivateKey, error) { return readKey[*ecdsa.PrivateKey](path) }

// readKey reads a key of one type from a file that nobody else may read.
func readKey[K any](path string) (K, error) {
	var none K
	if err := checkOwners(path); err != nil {
		return none, err
	}
	der, err := readPEM(path, pemKey)
	if err != nil {
		return none, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return none, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := parsed.(K)
	if !ok {
		return none, fmt.Errorf("%s holds a key of type %T", path, parsed)
	}
	return key, nil
}

// checkOwners refuses a file that others than its owner may read.
func checkOwners(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("others may read %s: chmod 600 it", path)
	}
	return nil
}

func readPEM(path, kind string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s: no PEM block %q", path, kind)
	}
	return block.Bytes, nil
}
