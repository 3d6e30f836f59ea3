package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

var nextTargets = map[string]bool{
	"/":                             true,
	"/r/standup/":                   true,
	"/r/J%C3%BCrgen/?a=b#c":         true,
	"/r/Jürgen/":                    true,
	"/login/?next=//evil":           true,
	"/a//b":                         true,
	"":                              false,
	"r/standup/":                    false,
	"//evil.example":                false,
	"//evil.example/r/standup/":     false,
	"///evil.example":               false,
	"/\\evil.example":               false,
	"\\/evil.example":               false,
	"/r/\\evil.example":             false,
	"/\t/evil.example":              false,
	"/\n/evil.example":              false,
	"/\r\nSet-Cookie:%20a=b":        false,
	"\t//evil.example":              false,
	" //evil.example":               false,
	"/\x00":                         false,
	"/\u0085":                       false,
	"https://evil.example/":         false,
	"https:/evil.example":           false,
	"https:evil.example":            false,
	"javascript:alert(1)":           false,
	"data:text/html,x":              false,
	"?next=/":                       false,
	"#x":                            false,
	"/%zz":                          false,
	"/" + strings.Repeat("a", 2048): false,
}

func TestLocalPath(t *testing.T) {
	for target, local := range nextTargets {
		want := ""
		if local {
			want = target
		}
		if got := localPath(target); got != want {
			t.Errorf("%q became %q", target, got)
		}
	}
}

// Wherever localPath lets one go, a browser stays on this host.
func FuzzLocalPath(f *testing.F) {
	for target := range nextTargets {
		f.Add(target)
	}
	base, err := url.Parse("https://parley.example/login/")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		next := localPath(target)
		if next == "" {
			return
		}
		w := httptest.NewRecorder()
		http.Redirect(w, httptest.NewRequest(http.MethodPost, "/login/", nil), next, http.StatusFound)
		location := w.Header().Get("Location")
		resolved, err := base.Parse(location)
		if err != nil || resolved.Host != base.Host || resolved.Scheme != base.Scheme {
			t.Errorf("%q leads to %q", target, location)
		}
		if strings.HasPrefix(location, "//") || strings.ContainsAny(location, "\\\r\n\t") {
			t.Errorf("%q gives the location %q", target, location)
		}
	})
}

func TestRoomOf(t *testing.T) {
	for path, want := range map[string]string{
		"/r/standup/":      "standup",
		"/r/standup":       "standup",
		"/r/J%C3%BCrgen/":  "Jürgen",
		"/r/Ju%CC%88rgen/": "Jürgen",
		"/":                "",
		"":                 "",
		"/r/":              "",
		"/r/a/b/":          "",
		"/r/a%20b/":        "",
		"/x/r/a/":          "",
		"/%zz":             "",
	} {
		if got := roomOf(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func TestInviteOf(t *testing.T) {
	for path, want := range map[string]string{
		"/r/standup/?invite=abc-_1":     "abc-_1",
		"/r/standup/?a=b&invite=abc#c":  "abc",
		"/r/standup/?invite=a&invite=b": "a",
		"/r/standup/?invite=":           "",
		"/r/standup/":                   "",
		"":                              "",
		"/%zz?invite=abc":               "",
	} {
		if got := inviteOf(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

// An invitation is not lost on the way from its link over the login to the room.
func TestInvitationIsKept(t *testing.T) {
	site := newTestSite(t, Config{})
	const link = "/r/J%C3%BCrgen/?invite=abc-_1"
	checkRedirect(t, site.get("/r/J%C3%BCrgen?invite=abc-_1"), http.StatusMovedPermanently, link)
	checkRedirect(t, site.get("/r/Ju%CC%88rgen/?invite=abc-_1"), http.StatusMovedPermanently, link)
	w := site.get(link)
	login := "/login/?next=/r/J%25C3%25BCrgen/%3Finvite%3Dabc-_1"
	checkRedirect(t, w, http.StatusFound, login)
	page := site.get(login)
	checkPage(t, page, http.StatusOK, "Join Jürgen")
	next := attribute(element(t, page.Body.String(), `<input type="hidden" name="next"`), "value")
	checkRedirect(t, site.post("/login/", nil, "screen_name", "Ann", "name", "Ann Smith", "next", next),
		http.StatusFound, link)
}
