// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"net"

	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Addresses returns where tablets find the server, best first: what the
// configuration says; else where it listens; and when that is everywhere, the
// addresses of this machine.
func (s *Server) Addresses() []string {
	if len(s.cfg.Addresses) > 0 {
		return s.cfg.Addresses
	}
	host, port, err := net.SplitHostPort(s.Address())
	if err != nil {
		return nil
	}
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		return []string{net.JoinHostPort(host, port)}
	}
	own, err := ownAddresses()
	if err != nil || len(own) == 0 {
		own = []string{"127.0.0.1"}
	}
	var out []string
	for _, ip := range own[:min(len(own), session.MaxAddresses)] {
		out = append(out, net.JoinHostPort(ip, port))
	}
	return out
}

// ownAddresses returns the addresses of this machine's network cards that others can
// reach, IPv4 first.
func ownAddresses() ([]string, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("addresses of this machine: %w", err)
	}
	var four, six []string
	for _, a := range all {
		n, ok := a.(*net.IPNet)
		switch {
		case !ok || !n.IP.IsGlobalUnicast():
		case n.IP.To4() != nil:
			four = append(four, n.IP.String())
		default:
			six = append(six, n.IP.String())
		}
	}
	return append(four, six...), nil
}
