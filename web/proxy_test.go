package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"parley/auth"
)

// proxied posts a form for a client of a proxy at 10.0.0.1, or of somebody else who says that it is one.
func (s *testSite) proxied(proxy, client, target string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	r.RemoteAddr = proxy + ":40000"
	for name, value := range map[string]string{
		"Content-Type":    "application/x-www-form-urlencoded",
		"X-Forwarded-For": client, "X-Forwarded-Proto": "https", "X-Forwarded-Host": "call.example.org",
		"Origin": "https://call.example.org",
	} {
		r.Header.Set(name, value)
	}
	return s.do(r)
}

func TestBehindProxy(t *testing.T) {
	site := newTestSite(t, Config{Proxies: auth.Proxies{netip.MustParsePrefix("10.0.0.1/32")}})
	names := url.Values{"screen_name": {"Ann"}, "name": {"Ann Smith"}, "language": {"de"}}
	for target, cookie := range map[string]string{"/login/": "__Host-parley_session", "/language/": languageCookie} {
		w := site.proxied("10.0.0.1", "198.51.100.7", target, names)
		cookies := w.Result().Cookies()
		if len(cookies) != 1 || cookies[0].Name != cookie || !cookies[0].Secure {
			t.Errorf("%s: %d, got %v", target, w.Code, cookies)
		}
		if w.Header().Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: browsers may come without TLS", target)
		}
		// Its Origin is not ours, as far as we know.
		w = site.proxied("10.0.0.2", "198.51.100.7", target, names)
		if w.Code != http.StatusForbidden || w.Header().Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: a stranger is believed: %d", target, w.Code)
		}
	}
}

// A guess counts for whoever made it, not for the proxy.
func TestGuessesBehindProxy(t *testing.T) {
	site := newTestSite(t, Config{Proxies: auth.Proxies{netip.MustParsePrefix("10.0.0.1/32")}})
	site.deps.Door = auth.NewPasswordDoor("open sesame")
	form := url.Values{"screen_name": {"Ann"}, "name": {"Ann Smith"}, "password": {"wrong"}}
	for range 10 {
		site.proxied("10.0.0.1", "198.51.100.7", "/login/", form)
	}
	form.Set("password", "open sesame")
	w := site.proxied("10.0.0.1", "192.0.2.1, 198.51.100.7", "/login/", form)
	checkPage(t, w, http.StatusOK, "Too many wrong passwords")
	w = site.proxied("10.0.0.1", "198.51.100.7, 198.51.100.8", "/login/", form)
	checkRedirect(t, w, http.StatusFound, "/")
}
