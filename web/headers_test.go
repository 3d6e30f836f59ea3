package web

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"parley/signaling/protocol"
)

func TestSecureHeaders(t *testing.T) {
	site := newTestSite(t, Config{})
	foreign := httptest.NewRequest(http.MethodPost, "/login/", nil)
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	for about, w := range map[string]*httptest.ResponseRecorder{
		"login":     site.get("/login/"),
		"lobby":     site.get("/", site.session(t)),
		"redirect":  site.get("/"),
		"slashless": site.get("/login"),
		"not found": site.get("/nowhere"),
		"asset":     site.get(site.assets.path("css/base.css")),
		"foreign":   site.do(foreign),
	} {
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; " +
				"img-src 'self' data:; connect-src 'self'; media-src 'self' blob: mediastream:; font-src 'self'; " +
				"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "same-origin",
			"X-Frame-Options":              "DENY",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Strict-Transport-Security":    "",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s: %q", about, name, got)
			}
		}
		policy := w.Header().Get("Permissions-Policy")
		for _, feature := range []string{"camera=(self)", "microphone=(self)", "display-capture=(self)"} {
			if !strings.Contains(policy, feature) {
				t.Errorf("%s: no %s in %q", about, feature, policy)
			}
		}
	}
}

func TestStrictTransport(t *testing.T) {
	overTLS := httptest.NewRequest(http.MethodGet, "/login/", nil)
	overTLS.TLS = &tls.ConnectionState{}
	if got := newTestSite(t, Config{}).do(overTLS).Header().Get("Strict-Transport-Security"); got == "" {
		t.Error("none over TLS")
	}
	behindTLS := newTestSite(t, Config{Secure: true}).get("/login/")
	if behindTLS.Header().Get("Strict-Transport-Security") == "" {
		t.Error("none behind TLS")
	}
}

// What is about somebody is not kept by anybody but their own browser, so that it can go back into a call.
func TestPagesAreNotStored(t *testing.T) {
	site := newTestSite(t, Config{})
	for _, target := range []string{"/login/", "/", "/r/standup/", "/nowhere"} {
		want := "no-store"
		if target == "/r/standup/" {
			want = "private, no-cache"
		}
		w := site.get(target, site.session(t))
		if got := w.Header().Get("Cache-Control"); w.Code != http.StatusFound && got != want {
			t.Errorf("%s: %q", target, got)
		}
	}
}

// The policy allows nothing inline, so nothing inline may be there.
func TestNothingInline(t *testing.T) {
	site := newTestSite(t, Config{})
	site.store.setRooms(protocol.Room{Name: "standup", People: 2})
	fragments := NewFragments()
	ann := protocol.Participant{ChannelName: "chan-abc123", UserName: "Ann", ShortName: "peer-abc123"}
	pages := map[string]string{
		"login":  site.get("/login/").Body.String(),
		"wrong":  site.post("/login/", nil).Body.String(),
		"lobby":  site.get("/", site.session(t)).Body.String(),
		"room":   site.get("/r/standup/", site.session(t)).Body.String(),
		"error":  site.get("/nowhere").Body.String(),
		"header": fragments.Header(protocol.Header{Room: "standup", People: 1}),
		"panel":  fragments.Panel(ann),
		"state":  fragments.State(ann, true),
	}
	inline := regexp.MustCompile(
		`(?i)<style|\sstyle=|\son\w+=|hx-on|javascript:|\sjs:|<script(?:[^>](?:[^s]|s[^r]))*>[^<]`)
	script := regexp.MustCompile(`<script[^>]*>[^<]*`)
	words := regexp.MustCompile(`<script type="application/json" id="words">[^<]*</script>`) // nothing runs it
	for name, html := range pages {
		html = words.ReplaceAllString(html, "")
		if found := inline.FindString(html); found != "" {
			t.Errorf("%s: %q", name, found)
		}
		for _, tag := range script.FindAllString(html, -1) {
			if !strings.Contains(tag, ` src="/static/`) || !strings.HasSuffix(tag, ">") {
				t.Errorf("%s: %q", name, tag)
			}
		}
	}
}

func TestForeignRequests(t *testing.T) {
	site := newTestSite(t, Config{})
	for about, test := range map[string]struct {
		method, header, value string
		refused               bool
	}{
		"another site":            {http.MethodPost, "Sec-Fetch-Site", "cross-site", true},
		"another host of ours":    {http.MethodPost, "Sec-Fetch-Site", "same-site", true},
		"another origin":          {http.MethodPost, "Origin", "https://evil.example", true},
		"no origin to speak of":   {http.MethodPost, "Origin", "null", true},
		"our page":                {http.MethodPost, "Sec-Fetch-Site", "same-origin", false},
		"our origin":              {http.MethodPost, "Origin", "http://example.com", false},
		"no browser":              {http.MethodPost, "Accept", "*/*", false},
		"a link from another one": {http.MethodGet, "Sec-Fetch-Site", "cross-site", false},
	} {
		for _, target := range []string{"/login/", "/", "/logout/"} {
			r := httptest.NewRequest(test.method, target, nil)
			r.Header.Set(test.header, test.value)
			w := site.do(r, site.session(t))
			if (w.Code == http.StatusForbidden) != test.refused {
				t.Errorf("%s: %s %s: got %d", about, test.method, target, w.Code)
			}
		}
	}
	foreign := httptest.NewRequest(http.MethodPost, "/logout/", nil)
	foreign.Header.Set("Origin", "https://evil.example")
	session := site.session(t)
	checkPage(t, site.do(foreign, session), http.StatusForbidden, "403 Forbidden", "another site")
	checkPage(t, site.get("/", session), http.StatusOK)
}
