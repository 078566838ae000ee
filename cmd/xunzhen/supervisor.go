// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
)

// notifySocket is where systemd hears from a service of Type=notify.
const notifySocket = "NOTIFY_SOCKET"

// What systemd is told: one word a message.
const (
	notifyReady    = "READY=1"
	notifyStopping = "STOPPING=1"
)

// notify tells systemd how far the service is, when systemd asked for it. Nobody is
// helped by a server that ends because its supervisor does not listen.
func (c *call) notify(state string) {
	name := c.Env(notifySocket)
	if name == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		c.note("warning_notify", err)
		return
	}
	defer conn.Close() //nolint:errcheck // a datagram is sent, or is not
	if _, err := conn.Write([]byte(state)); err != nil {
		c.note("warning_notify", err)
	}
}
