// Package letsencrypt stands in for a module that is not to be had any more. Distribution 2.8 asks
// it for certificates if it is configured to; in the lab it never is.
package letsencrypt

import (
	"crypto/tls"
	"errors"
)

var errAbsent = errors.New("this registry was built without Let's Encrypt")

// Manager gets no certificates.
type Manager struct{}

// CacheFile fails.
func (*Manager) CacheFile(string) error { return errAbsent }

// Registered says no.
func (*Manager) Registered() bool { return false }

// Register fails.
func (*Manager) Register(string, func(string) bool) error { return errAbsent }

// SetHosts does nothing.
func (*Manager) SetHosts([]string) {}

// GetCertificate fails.
func (*Manager) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return nil, errAbsent
}
