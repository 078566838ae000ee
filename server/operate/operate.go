// SPDX-License-Identifier: Apache-2.0

// Package operate is the listener for whoever runs the server: its figures, whether
// it lives, and whether it takes what tablets bring. It speaks plain HTTP, changes
// nothing, and tells nothing about anybody; it belongs on an address that only this
// machine, or the watching one, can reach.
//
//	GET /metrics   figures, in Prometheus' text format
//	GET /healthz   200 while the process answers: restart it when not
//	GET /readyz    200, or 503 and a line for each thing that is wrong
package operate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/xunzhen/xunzhen/server/admission"
)

// Config is what a Listener answers with. All must be given.
type Config struct {
	Address string // host:port; see CheckAddress
	Metrics http.Handler
	Ready   func(context.Context) error // nil: ready; its text is what is wrong
	Clock   func() time.Time
	Log     *slog.Logger
}

// ErrAddress is wrapped for an address that does not say which host.
var ErrAddress = errors.New("an address of the form host:port, with the host")

// CheckAddress returns nil for host:port with a host. An address without one would
// mean every network card, and nobody should open that by leaving something out.
func CheckAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" {
		return fmt.Errorf("%q: %w", address, ErrAddress)
	}
	return nil
}

// Listener answers until Close.
type Listener struct {
	inner net.Listener
	http  *http.Server
	ended chan error
}

// What one request may take.
const (
	headerTime = 5 * time.Second
	answerTime = 30 * time.Second
	idleTime   = time.Minute
	maxHeader  = 8 << 10
)

// arrivals are few: a scraper, a supervisor, a person.
func arrivals() admission.Arrivals {
	return admission.Arrivals{Total: 32, PerAddress: 32, Rate: admission.Budget{PerSecond: 20, Burst: 100}}
}

// Listen takes the port and begins to answer. Its error wraps ErrAddress, or is the
// system's.
func Listen(cfg Config) (*Listener, error) {
	if err := CheckAddress(cfg.Address); err != nil {
		return nil, err
	}
	inner, err := net.Listen("tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("operate: %w", err)
	}
	l := &Listener{inner: admission.NewListener(inner, arrivals(), cfg.Clock), ended: make(chan error, 1), http: &http.Server{
		Handler: Handler(cfg), ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelWarn),
	}}
	go func() { l.ended <- l.http.Serve(l.inner) }()
	return l, nil
}

// Address returns where it listens, with the port it took.
func (l *Listener) Address() string { return l.inner.Addr().String() }

// Close ends it, and what it is answering.
func (l *Listener) Close() error {
	err := l.http.Close()
	if ended := <-l.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// Handler answers the three questions, and 404 to all others.
func Handler(cfg Config) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", cfg.Metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := cfg.Ready(r.Context()); err != nil {
			say(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		say(w, http.StatusOK, "ready")
	})
	return mux
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}
