package doctor

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"testing"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

// FuzzCandidate reads candidates of a server: what is read is where it was, and can be put elsewhere.
func FuzzCandidate(f *testing.F) {
	for _, seed := range []string{
		"candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host",
		"candidate:1 1 TCP 1 2001:db8::1 443 typ host tcptype passive",
		"candidate:1 1 udp 1 ::ffff:192.0.2.7 1 typ host",
		"candidate:1 1 udp 1 fe80::1%lo 65536 typ host", "", "1 2 3 4 5 6 7",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, ok := parseCandidate(text)
		if !ok {
			return
		}
		if !c.address.IsValid() || c.address.Addr().Is4In6() {
			t.Fatalf("%q is at %v", text, c.address)
		}
		elsewhere := netip.MustParseAddrPort("192.0.2.9:9")
		if again, ok := parseCandidate(c.at(elsewhere)); !ok || again.address != elsewhere || again.network != c.network {
			t.Fatalf("%q at %v is %+v", text, elsewhere, again)
		}
	})
}

// FuzzAnswers reads what a server says before a call: what it offers is a host and a port, and a call that it offers no
// path for ends.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"type":"connect","rtc_config":{"iceServers":[{"urls":["turn:x:3478?transport=udp"],"username":"u"}]}}`,
		`{"type":"connect","rtc_config":{"iceServers":[{"urls":["turns:[2001:db8::1]:443?transport=tcp","stun:x"]}]}}`,
		`{"type":"connect","rtc_config":{"iceTransportPolicy":"relay"}}`, `{"type":"signal","signal":{"candidate":null}}`,
		`{"type":"signal","signal":{}}`, `{"type":7}`, `null`, `{"type":"connect","rtc_config":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if !json.Valid(value) {
			return // the client has found that out
		}
		for _, p := range paths(4, 6) {
			ctx, end := context.WithCancelCause(t.Context())
			a := &attempt{path: p, end: end, tried: make(map[netip.Addr]bool)}
			a.outcome.turn = make(map[string]protocol.ICEServer)
			a.observe(client.Frame{Key: protocol.KeyRTC, Value: value})
			a.observe(client.Frame{Key: protocol.KeyRTC, Value: []byte(`{"type":"signal","signal":{"candidate":null}}`)})
			for _, address := range a.outcome.offered {
				if _, _, err := net.SplitHostPort(address); err != nil {
					t.Fatalf("%q: offered %q", value, address)
				}
			}
			if ended := context.Cause(ctx) != nil; ended == (len(a.outcome.offered) > 0) {
				t.Fatalf("%q: ended %v, offered %v", value, ended, a.outcome.offered)
			}
			end(nil)
		}
	})
}
