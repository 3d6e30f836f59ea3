package auth

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// asked is what is behind a proxy sees of a request.
type asked struct {
	remote, host string
	secure       bool
}

// behind sends a request for example.org from remote through the middleware.
func behind(proxies Proxies, overTLS bool, remote string, headers http.Header) (got asked) {
	handler := proxies.Behind(overTLS, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = asked{r.RemoteAddr, r.Host, Secure(r)}
	}))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr, r.Host, r.Header = remote, "example.org", headers
	handler.ServeHTTP(httptest.NewRecorder(), r)
	return got
}

func TestForwardedFor(t *testing.T) {
	proxies := Proxies{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("2001:db8:1::/48")}
	for _, test := range []struct {
		about, remote string
		chain         []string // one header each
		want          string
	}{
		{"no proxy", "198.51.100.7:40000", nil, "198.51.100.7:40000"},
		{"one", "127.0.0.1:40000", []string{"198.51.100.7"}, "198.51.100.7:0"},
		{"one that says nothing", "127.0.0.1:40000", nil, "127.0.0.1:40000"},
		{"one over IPv6", "[2001:db8:1::2]:40000", []string{"2001:db8:2::7"}, "[2001:db8:2::7]:0"},
		{"one at a mapped address", "[::ffff:10.0.0.2]:40000", []string{"198.51.100.7"}, "198.51.100.7:0"},
		{"one at a link-local address", "[fe80::1%eth0]:40000", []string{"198.51.100.7"}, "[fe80::1%eth0]:40000"},
		{"spoofed by the client itself", "198.51.100.7:40000", []string{"192.0.2.1"}, "198.51.100.7:40000"},
		{"spoofed as a proxy", "198.51.100.7:40000", []string{"192.0.2.1, 10.0.0.3"}, "198.51.100.7:40000"},
		{"spoofed through a proxy", "127.0.0.1:40000", []string{"192.0.2.1, 198.51.100.7"}, "198.51.100.7:0"},
		{"spoofed proxies through one", "127.0.0.1:40000", []string{"10.0.0.9, 198.51.100.7"}, "198.51.100.7:0"},
		{"a chain", "127.0.0.1:40000", []string{"192.0.2.1, 198.51.100.7,10.0.0.3 , 10.0.0.2"}, "198.51.100.7:0"},
		{"a chain in several headers", "10.0.0.1:1", []string{"192.0.2.1", "198.51.100.7", "10.0.0.3"}, "198.51.100.7:0"},
		{"nobody but proxies", "127.0.0.1:40000", []string{"10.0.0.4, 10.0.0.3"}, "10.0.0.4:0"},
		{"a port", "127.0.0.1:40000", []string{"198.51.100.7:5000"}, "198.51.100.7:5000"},
		{"IPv6 in brackets", "127.0.0.1:40000", []string{"[2001:db8:2::7]"}, "[2001:db8:2::7]:0"},
		{"IPv6 with a port", "127.0.0.1:40000", []string{"[2001:db8:2::7]:5000"}, "[2001:db8:2::7]:5000"},
		{"mapped IPv4", "127.0.0.1:40000", []string{"192.0.2.1, ::ffff:198.51.100.7"}, "198.51.100.7:0"},
		{"a mapped proxy", "127.0.0.1:40000", []string{"198.51.100.7, ::ffff:10.0.0.3"}, "198.51.100.7:0"},
		{"a zone", "127.0.0.1:40000", []string{"fe80::7%eth0"}, "[fe80::7]:0"},
		{"empty", "127.0.0.1:40000", []string{""}, "127.0.0.1:40000"},
		{"a comma at the end", "127.0.0.1:40000", []string{"198.51.100.7,"}, "127.0.0.1:40000"},
		{"garbage", "127.0.0.1:40000", []string{"unknown"}, "127.0.0.1:40000"},
		{"garbage before a proxy", "127.0.0.1:40000", []string{"198.51.100.7, _x, 10.0.0.3"}, "10.0.0.3:0"},
		{"garbage before the client", "127.0.0.1:40000", []string{"<script>, 198.51.100.7"}, "198.51.100.7:0"},
		{"no network address", "@", []string{"198.51.100.7"}, "@"},
	} {
		got := behind(proxies, false, test.remote, http.Header{forwardedFor: test.chain})
		if want := (asked{test.want, "example.org", false}); got != want {
			t.Errorf("%s: got %+v, want %+v", test.about, got, want)
		}
	}
}

func TestForwardedProto(t *testing.T) {
	proxies := Proxies{netip.MustParsePrefix("127.0.0.1/32")}
	for _, test := range []struct {
		remote  string
		overTLS bool // to the server itself
		protos  []string
		want    bool
	}{
		{"127.0.0.1:1", false, nil, false},
		{"127.0.0.1:1", true, nil, true},
		{"127.0.0.1:1", false, []string{"https"}, true},
		{"127.0.0.1:1", false, []string{"HTTPS"}, true},
		{"127.0.0.1:1", false, []string{"wss"}, true},
		{"127.0.0.1:1", true, []string{"http"}, false},
		{"127.0.0.1:1", true, []string{"ws"}, false},
		{"127.0.0.1:1", false, []string{"http, https"}, true},
		{"127.0.0.1:1", false, []string{"https, http"}, false},
		{"127.0.0.1:1", false, []string{"https", "http"}, false},
		{"127.0.0.1:1", false, []string{"gopher"}, false},
		{"127.0.0.1:1", true, []string{""}, true},
		{"127.0.0.2:1", false, []string{"https"}, false},
		{"127.0.0.2:1", true, []string{"http"}, true},
	} {
		got := behind(proxies, test.overTLS, test.remote, http.Header{forwardedProto: test.protos})
		if got.secure != test.want || got.remote != test.remote {
			t.Errorf("%+v: got %+v", test, got)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if r.TLS = new(tls.ConnectionState); !Secure(r) {
		t.Error("TLS to this server is none without the middleware")
	}
}

func TestForwardedHost(t *testing.T) {
	proxies := Proxies{netip.MustParsePrefix("127.0.0.1/32")}
	for _, test := range []struct {
		remote string
		hosts  []string
		want   string
	}{
		{"127.0.0.1:1", nil, "example.org"},
		{"127.0.0.1:1", []string{"call.example.org"}, "call.example.org"},
		{"127.0.0.1:1", []string{"call.example.org:8443"}, "call.example.org:8443"},
		{"127.0.0.1:1", []string{"[2001:db8::1]:8443"}, "[2001:db8::1]:8443"},
		{"127.0.0.1:1", []string{"evil.example, call.example.org"}, "call.example.org"},
		{"127.0.0.1:1", []string{"evil.example", "call.example.org"}, "call.example.org"},
		{"127.0.0.1:1", []string{"evil.example/call.example.org"}, "example.org"},
		{"127.0.0.1:1", []string{"a@evil.example"}, "example.org"},
		{"127.0.0.1:1", []string{"call.example.org,"}, "example.org"},
		{"127.0.0.1:1", []string{strings.Repeat("a", maxHost+1)}, "example.org"},
		{"127.0.0.2:1", []string{"call.example.org"}, "example.org"},
	} {
		if got := behind(proxies, false, test.remote, http.Header{forwardedHost: test.hosts}); got.host != test.want {
			t.Errorf("%+v: got %+v", test, got)
		}
	}
}

// Pages are of the origin that the browser asked the proxy for, and of no other.
func TestOriginBehindProxy(t *testing.T) {
	proxies := Proxies{netip.MustParsePrefix("127.0.0.1/32")}
	for _, test := range []struct {
		remote, origin string
		want           bool
	}{
		{"127.0.0.1:1", "https://call.example.org", true},
		{"127.0.0.1:1", "https://example.org", false},
		{"198.51.100.7:1", "https://call.example.org", false},
		{"198.51.100.7:1", "https://example.org", true},
	} {
		var got bool
		handler := proxies.Behind(false, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = OriginAllowed(r)
		}))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Host = test.remote, "example.org"
		r.Header.Set(forwardedHost, "call.example.org")
		r.Header.Set("Origin", test.origin)
		if handler.ServeHTTP(httptest.NewRecorder(), r); got != test.want {
			t.Errorf("%+v: got %t", test, got)
		}
	}
}

func FuzzForwarded(f *testing.F) {
	f.Add("198.51.100.7, 10.0.0.3", "https", "call.example.org")
	f.Add("[2001:db8::1]:80,::ffff:10.0.0.1", "http,https", "[::1]:80")
	f.Add(",,[", ",", ",")
	proxies := Proxies{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, chain, proto, host string) {
		got := behind(proxies, false, "10.0.0.1:1", http.Header{
			forwardedFor: {chain}, forwardedProto: {proto}, forwardedHost: {host},
		})
		if _, err := netip.ParseAddrPort(got.remote); err != nil || got.host == "" {
			t.Errorf("got %+v", got)
		}
	})
}
