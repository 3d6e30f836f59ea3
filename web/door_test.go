package web

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/auth"
)

func TestNoPasswordIsAskedFor(t *testing.T) {
	site := newTestSite(t, Config{})
	w := site.get("/login/")
	checkPage(t, w, http.StatusOK, "Two names, and no password.")
	if strings.Contains(w.Body.String(), `name="password"`) {
		t.Error("a field that means nothing")
	}
}

func TestPassword(t *testing.T) {
	site := newTestSite(t, Config{})
	site.deps.Door = auth.NewPasswordDoor("open sesame")
	checkPage(t, site.get("/login/"), http.StatusOK, `<label for="password">Password of this server</label>`,
		"Two names and a password.")

	for password, message := range map[string]string{
		"":            "Please enter the password of this server",
		"open barley": "This is not the password of this server",
	} {
		w := site.post("/login/", nil, "screen_name", "Ann", "name", "Ann", "password", password, "next", "/r/standup/")
		checkPage(t, w, http.StatusOK, `id="password-error">`+message+"<", `name="next" value="/r/standup/"`, `value="Ann"`)
		input := element(t, w.Body.String(), `<input id="password"`)
		if attribute(input, "type") != "password" || attribute(input, "aria-invalid") != "true" ||
			!strings.Contains(attribute(input, "aria-describedby"), "password-error") ||
			!strings.Contains(input, "autofocus") || strings.Contains(input, " value=") {
			t.Error(input)
		}
		if strings.Contains(w.Body.String(), `id="screen_name-error"`) || len(site.store.users) != 0 {
			t.Error("the names were looked at")
		}
		if len(w.Result().Cookies()) != 0 {
			t.Error("a session began")
		}
	}
	w := site.post("/login/", nil, "screen_name", "Ann", "name", "Ann", "password", "open sesame")
	checkPage(t, w, http.StatusOK, `id="screen_name-error"`)
	if strings.Contains(w.Body.String(), "sesame") {
		t.Error("the password is shown")
	}
	w = site.post("/login/", nil, "screen_name", "Ann", "name", "Ann Smith", "password", "open sesame")
	checkRedirect(t, w, http.StatusFound, "/")
}

func TestPasswordIsNotGuessed(t *testing.T) {
	site := newTestSite(t, Config{})
	site.deps.Door = auth.NewPasswordDoor("open sesame")
	session := site.session(t)
	for range 10 {
		site.post("/login/", nil, "screen_name", "Ann", "name", "Ann Smith", "password", "wrong")
	}
	w := site.post("/login/", nil, "screen_name", "Ann", "name", "Ann Smith", "password", "open sesame")
	checkPage(t, w, http.StatusOK, `id="password-error">Too many wrong passwords. Please try again in a minute<`)
	checkPage(t, site.get("/", session), http.StatusOK, "Ann")
}

func TestInvited(t *testing.T) {
	site := newTestSite(t, Config{})
	invites, err := auth.NewInvites(filepath.Join(t.TempDir(), "invite.key"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	site.deps.Door = auth.NewInviteDoor(invites)
	token, _ := invites.Make("Jürgen")
	link := "/r/J%C3%BCrgen/?invite=" + token

	login := site.get(link).Header().Get("Location")
	checkPage(t, site.get(login), http.StatusOK, "Join Jürgen", `name="screen_name"`)
	w := site.post("/login/", nil, "screen_name", "Ann", "name", "Ann Smith", "next", link)
	checkRedirect(t, w, http.StatusFound, link)
	session := w.Result().Cookies()[0]

	for next, message := range map[string]string{
		"":                              "You need an invitation",
		"/":                             "You need an invitation",
		"/r/J%C3%BCrgen/":               "You need an invitation",
		"https://evil.example" + link:   "You need an invitation",
		"/r/standup/?invite=" + token:   "This invitation has expired, or is for another room",
		"/?invite=" + token:             "This invitation has expired, or is for another room",
		link + "A":                      "This invitation has expired, or is for another room",
		"/r/J%C3%BCrgen/?invite=<b>&a=": "This invitation has expired, or is for another room",
	} {
		w := site.get("/login/?next=" + url.QueryEscape(next))
		checkPage(t, w, http.StatusForbidden, "By invitation only", message)
		if strings.Contains(w.Body.String(), `action="/login/"`) {
			t.Errorf("%s: a form that is of no use", next)
		}
		w = site.post("/login/", nil, "screen_name", "Bob", "name", "Bob Jones", "next", next)
		checkPage(t, w, http.StatusForbidden, message)
		if len(w.Result().Cookies()) != 0 || len(site.store.users) != 1 {
			t.Errorf("%s: let in", next)
		}
	}
	// Whoever is in stays in, and needs no invitation to go elsewhere.
	checkPage(t, site.get("/r/standup/", session), http.StatusOK, "standup")
	checkRedirect(t, site.get("/login/", session), http.StatusFound, "/")
}
