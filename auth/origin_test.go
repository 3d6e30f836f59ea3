package auth

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOriginAllowed(t *testing.T) {
	tests := []struct {
		host    string
		origins []string
		want    bool
	}{
		{"example.org", nil, true},
		{"example.org", []string{"https://example.org"}, true},
		{"example.org", []string{"http://example.org"}, true},
		{"example.org", []string{"https://EXAMPLE.org"}, true},
		{"example.org:443", []string{"https://example.org"}, true},
		{"example.org", []string{"http://example.org:80"}, true},
		{"example.org:8000", []string{"http://example.org:8000"}, true},
		{"[::1]:8000", []string{"http://[::1]:8000"}, true},
		{"127.0.0.1:8000", []string{"http://127.0.0.1:8000"}, true},

		{"example.org", []string{""}, false},
		{"example.org", []string{"null"}, false},
		{"example.org", []string{"https://evil.example"}, false},
		{"example.org", []string{"https://example.org.evil.example"}, false},
		{"example.org", []string{"https://evil.example/example.org"}, false},
		{"example.org", []string{"https://example.org@evil.example"}, false},
		{"example.org", []string{"https://evil.example@example.org"}, false},
		{"example.org", []string{"https://sub.example.org"}, false},
		{"example.org", []string{"https://example.org:8443"}, false},
		{"example.org:8000", []string{"http://example.org:8001"}, false},
		{"example.org:8000", []string{"http://example.org"}, false},
		{"example.org:443", []string{"http://example.org"}, false},
		{"example.org", []string{"https://example.org/"}, false},
		{"example.org", []string{"https://example.org?x"}, false},
		{"example.org", []string{"//example.org"}, false},
		{"example.org", []string{"example.org"}, false},
		{"example.org", []string{"file://example.org"}, false},
		{"example.org", []string{"https://exa mple.org"}, false},
		{"", []string{"https://"}, false},
		{"example.org", []string{"https://example.org", "https://evil.example"}, false},
		{"example.org", []string{"https://example.org", "https://example.org"}, false},
	}
	for _, test := range tests {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = test.host
		for _, origin := range test.origins {
			r.Header.Add("Origin", origin)
		}
		if got := OriginAllowed(r); got != test.want {
			t.Errorf("host %q, origins %q: got %t", test.host, test.origins, got)
		}
	}
}

func FuzzOriginAllowed(f *testing.F) {
	f.Add("example.org", "https://example.org")
	f.Add("example.org", "null")
	f.Add("[::1]:1", "http://[::1]:1")
	f.Add("", "http://:80")
	f.Fuzz(func(t *testing.T, host, origin string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		r.Header.Set("Origin", origin)
		if OriginAllowed(r) && (host == "" || origin == "" || origin == "null") {
			t.Errorf("host %q allows %q", host, origin)
		}
	})
}
