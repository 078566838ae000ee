// SPDX-License-Identifier: Apache-2.0

package operate_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/server/operate"
)

func listen(t *testing.T, ready func(context.Context) error) string {
	t.Helper()
	l, err := operate.Listen(operate.Config{
		Address: "127.0.0.1:0", Ready: ready, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "figures\n") }),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Address()
}

func ask(t *testing.T, method, url string) (status int, text string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := c.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(body)
}

func TestThreeQuestionsAreAnsweredAndNoOther(t *testing.T) {
	var wrong error
	at := listen(t, func(context.Context) error { return wrong })
	for _, row := range []struct {
		name, method, path string
		wrong              error
		status             int
		says               string
	}{
		{"figures", "GET", "/metrics", nil, 200, "figures"},
		{"alive", "GET", "/healthz", nil, 200, "alive"},
		{"alive though not ready", "GET", "/healthz", errors.New("disk full"), 200, "alive"},
		{"ready", "GET", "/readyz", nil, 200, "ready"},
		{"not ready", "GET", "/readyz", errors.Join(errors.New("disk full"), errors.New("county 130403: stopped")), 503, "disk full\ncounty 130403: stopped\n"},
		{"head only", "HEAD", "/readyz", nil, 200, ""},
		{"a write", "POST", "/readyz", nil, 405, ""},
		{"anything else", "GET", "/debug/pprof/", nil, 404, ""},
		{"the top", "GET", "/", nil, 404, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			wrong = row.wrong
			if status, text := ask(t, row.method, at+row.path); status != row.status || !strings.Contains(text, row.says) {
				t.Errorf("%d %q, want %d %q", status, text, row.status, row.says)
			}
		})
	}
}

func TestAnAddressNamesItsHost(t *testing.T) {
	for address, good := range map[string]bool{
		"127.0.0.1:9130": true, "[::1]:9130": true, "localhost:0": true, ":9130": false, "9130": false, "127.0.0.1": false, "127.0.0.1:": false, "": false,
	} {
		if err := operate.CheckAddress(address); good != (err == nil) || err != nil && !errors.Is(err, operate.ErrAddress) {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := operate.Listen(operate.Config{Address: ":0"}); !errors.Is(err, operate.ErrAddress) {
		t.Errorf("listen: %v", err)
	}
}
