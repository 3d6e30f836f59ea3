package web

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"parley/auth"
)

func TestLoginPage(t *testing.T) {
	site := newTestSite(t, Config{})
	checkPage(t, site.get("/login/"), http.StatusOK,
		`method="post" action="/login/"`, `name="screen_name"`, `name="name"`, `type="hidden" name="next" value=""`)
	checkPage(t, site.get("/login/?next=/r/J%25C3%25BCrgen/"), http.StatusOK,
		`name="next" value="/r/J%C3%BCrgen/"`, "Join Jürgen")
	checkPage(t, site.get("/login/?next=https://evil.example/"), http.StatusOK, `name="next" value=""`)
}

func TestLogIn(t *testing.T) {
	for about, test := range map[string]struct{ target, next, location string }{
		"no next":        {"/login/", "", "/"},
		"a room":         {"/login/", "/r/J%C3%BCrgen/", "/r/J%C3%BCrgen/"},
		"in the address": {"/login/?next=/r/standup/", "", "/r/standup/"},
		"another host":   {"/login/", "//evil.example/", "/"},
	} {
		t.Run(about, func(t *testing.T) {
			site := newTestSite(t, Config{})
			w := site.post(test.target, nil, "screen_name", " Ann ", "name", "Ann Smith\t", "next", test.next)
			checkRedirect(t, w, http.StatusFound, test.location)
			cookies := w.Result().Cookies()
			if len(cookies) != 1 {
				t.Fatalf("got cookies %v", cookies)
			}
			checkPage(t, site.get("/", cookies[0]), http.StatusOK, "Ann")
			if want := (auth.User{Name: "Ann Smith", ScreenName: "Ann"}); site.store.users["Ann Smith"] != want {
				t.Errorf("kept %v", site.store.users)
			}
		})
	}
}

func TestLogInMultipart(t *testing.T) {
	site := newTestSite(t, Config{})
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range map[string]string{"screen_name": "Ann", "name": "Ann Smith", "next": "/r/standup/"} {
		if err := form.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/login/", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	checkRedirect(t, site.do(r), http.StatusFound, "/r/standup/")
}

// A refusal is shown at its field, and nothing that was typed is lost.
func TestLogInRefused(t *testing.T) {
	tests := []struct {
		about, screenName, name string
		wrong                   map[string]string
	}{
		{
			"another screen name", "Annie", "Ann Smith",
			map[string]string{"name": "The name exists but does not match the screen name used"},
		},
		{
			"equal", "Bob", "Bob",
			map[string]string{"screen_name": "Do not use your real name as your screen name"},
		},
		{
			"both empty", "", "  ",
			map[string]string{
				"screen_name": "Please enter your first name or nickname", "name": "Please enter your real name",
			},
		},
		{
			"too long", strings.Repeat("a", 13), "Bob Jones",
			map[string]string{"screen_name": "Please use at most 12 characters, this has 13"},
		},
		{
			"markup", "<b>&\"'</b>", "Ann\x00",
			map[string]string{"name": "Please leave out invisible control characters"},
		},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			site := newTestSite(t, Config{})
			site.store.users["Ann Smith"] = auth.User{Name: "Ann Smith", ScreenName: "Ann"}
			w := site.post("/login/", nil, "screen_name", test.screenName, "name", test.name, "next", "/r/standup/")
			checkPage(t, w, http.StatusOK, `name="next" value="/r/standup/"`)
			if len(w.Result().Cookies()) != 0 {
				t.Error("a session began")
			}
			for field, typed := range map[string]string{"screen_name": test.screenName, "name": test.name} {
				input := element(t, w.Body.String(), `<input id="`+field+`"`)
				if got := attribute(input, "value"); got != typed && !strings.Contains(typed, "\x00") {
					t.Errorf("%s: %q became %q", field, typed, got)
				}
				message, wrong := test.wrong[field]
				if (attribute(input, "aria-invalid") == "true") != wrong {
					t.Errorf("%s: %s", field, input)
				}
				described := strings.Contains(attribute(input, "aria-describedby"), field+"-error")
				shown := strings.Contains(w.Body.String(), `id="`+field+`-error">`+message+"<")
				if described != wrong || wrong && !shown {
					t.Errorf("%s: %q is not shown in %s", field, message, w.Body)
				}
			}
			if got := len(site.store.users); got != 1 {
				t.Errorf("%d users", got)
			}
		})
	}
}

func TestLogInStoreFault(t *testing.T) {
	site := newTestSite(t, Config{})
	site.store.fail(errors.New("no answer"))
	w := site.post("/login/", nil, "screen_name", "Ann", "name", "Ann Smith", "next", "/r/standup/")
	checkPage(t, w, http.StatusInternalServerError, "You could not be logged in",
		`value="Ann"`, `value="Ann Smith"`, `value="/r/standup/"`)
	if strings.Contains(w.Body.String(), "no answer") {
		t.Error("the cause is shown")
	}
}

func TestLogOut(t *testing.T) {
	site := newTestSite(t, Config{})
	session := site.session(t)
	w := site.post("/logout/", session)
	checkRedirect(t, w, http.StatusFound, "/login/")
	if cookies := w.Result().Cookies(); len(cookies) != 1 || cookies[0].MaxAge != -1 {
		t.Errorf("got %v", cookies)
	}
	checkRedirect(t, site.get("/", session), http.StatusFound, "/login/?next=/")
	checkRedirect(t, site.post("/logout/", nil), http.StatusFound, "/login/")

	session = site.session(t)
	site.store.fail(errors.New("no answer"))
	checkPage(t, site.post("/logout/", session), http.StatusInternalServerError, "Please try again")
}

func TestForms(t *testing.T) {
	site := newTestSite(t, Config{})
	part := "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n"
	large := url.Values{"name": {strings.Repeat("x", maxFormBytes)}}.Encode()
	for about, test := range map[string]struct {
		contentType, body string
		status            int
	}{
		"too large":           {"application/x-www-form-urlencoded", large, http.StatusRequestEntityTooLarge},
		"too large multipart": {"multipart/form-data; boundary=x", part + large, http.StatusRequestEntityTooLarge},
		"not a form":          {"application/x-www-form-urlencoded", "name=%zz", http.StatusBadRequest},
		"cut multipart":       {"multipart/form-data; boundary=x", part + "Ann", http.StatusBadRequest},
		"no fields":           {"text/plain", "name=Ann", http.StatusOK},
	} {
		for _, target := range []string{"/login/", "/"} {
			r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(test.body))
			r.Header.Set("Content-Type", test.contentType)
			if w := site.do(r, site.session(t)); w.Code != test.status {
				t.Errorf("%s: %s: got %d, want %d", about, target, w.Code, test.status)
			}
		}
	}
}

// element returns the tag that starts with start.
func element(t *testing.T, html, start string) string {
	t.Helper()
	_, after, found := strings.Cut(html, start)
	if !found {
		t.Fatalf("no %s in %s", start, html)
	}
	rest, _, _ := strings.Cut(after, ">")
	return start + rest + ">"
}

// attribute returns the value of an attribute of a tag, unescaped.
func attribute(tag, name string) string {
	_, after, _ := strings.Cut(tag, " "+name+`="`)
	value, _, _ := strings.Cut(after, `"`)
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'", "&amp;", "&").Replace(value)
}
