package egress

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
)

var discard = slog.New(slog.DiscardHandler)

func TestListen(t *testing.T) {
	for _, addr := range []string{":0", "[::]:0", "127.0.0.1:0", "[::1]:0", "0.0.0.0:0"} {
		t.Run(addr, func(t *testing.T) {
			if addr == "[::1]:0" {
				needIPv6(t, addr)
			}
			var logged bytes.Buffer
			log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
			c, err := Listen(t.Context(), addr, Options{}, log)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if !strings.Contains(logged.String(), "receive_buffer=") || !strings.Contains(logged.String(), "send_buffer=") {
				t.Errorf("logged %q", logged.String())
			}
			family := "127.0.0.1"
			if addr == "[::1]:0" {
				family = "::1"
			}
			self := netip.AddrPortFrom(netip.MustParseAddr(family), localAddr(c).Port())
			if _, err := c.WriteToAddrPort([]byte("x"), self); err != nil {
				t.Fatal(err)
			}
			if r := read(t, c); r.data != "x" || r.from != self {
				t.Fatal(r)
			}
		})
	}
}

func TestListenFails(t *testing.T) {
	first, err := Listen(t.Context(), "127.0.0.1:0", Options{}, discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	for _, addr := range []string{localAddr(first).String(), "nonsense", "198.51.100.99:0"} {
		if c, err := Listen(context.Background(), addr, Options{}, discard); err == nil {
			t.Errorf("%s: listens", addr)
			_ = c.Close()
		}
	}
}
