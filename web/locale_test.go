package web

import (
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Words that are looked for under keys that are nowhere written out begin like this; so do those that a script puts
// together as `area.${…}`.
var madeUpKeys = []string{"said.", "page.language.name"}

func testLocales(t *testing.T) *locales {
	t.Helper()
	locales, err := newLocales(embedded)
	if err != nil {
		t.Fatal(err)
	}
	return locales
}

func TestLanguagesSayTheSame(t *testing.T) {
	locales := testLocales(t)
	placeholder := regexp.MustCompile(`\{\w+\}`)
	placeholders := func(text string) []string {
		found := placeholder.FindAllString(text, -1)
		slices.Sort(found)
		return slices.Compact(found)
	}
	english := locales.all[defaultLanguage].messages
	for _, l := range locales.list() {
		for _, missing := range difference(english, l.messages) {
			t.Errorf("%s lacks %s", l.Language, missing)
		}
		for _, more := range difference(l.messages, english) {
			t.Errorf("only %s has %s", l.Language, more)
		}
		for key, m := range l.messages {
			if strings.TrimSpace(m.One) == "" || strings.TrimSpace(m.Other) == "" {
				t.Errorf("%s has nothing for %s", l.Language, key)
			}
			if got, want := placeholders(m.Other), placeholders(english[key].Other); !slices.Equal(got, want) {
				t.Errorf("%s: %s has %v, not %v", l.Language, key, got, want)
			}
		}
	}
}

// difference is the keys of a that b lacks, sorted.
func difference[V, W any](a map[string]V, b map[string]W) []string {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(a)) {
		if _, ok := b[key]; !ok {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestSaidIsTheEnglishText(t *testing.T) {
	for key, m := range testLocales(t).all[defaultLanguage].messages {
		if text, ok := strings.CutPrefix(key, "said."); ok && text != m.Other {
			t.Errorf("%q is %q", key, m.Other)
		}
	}
}

func TestSaid(t *testing.T) {
	locales := testLocales(t)
	for text, want := range map[string]string{
		"Please use at most 12 characters, this has 13": "Bitte nimm höchstens 12 Zeichen, das sind 13",
		"the room takes 7 people":                       "der Raum fasst 7 Leute",
		"404 Not Found":                                 "404 Nicht gefunden",
		"something without words, 1":                    "something without words, 1",
	} {
		if got := locales.all["de"].said(text); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
		if got := locales.all["en"].said(text); got != text {
			t.Errorf("%s: got %q", text, got)
		}
	}
}

// sources are the texts of the embedded files below a folder, by name.
func sources(t *testing.T, root string, extensions ...string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := fs.WalkDir(embedded, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !slices.Contains(extensions, path.Ext(name)) ||
			strings.HasPrefix(name, "static/vendor/") {
			return err
		}
		text, err := fs.ReadFile(embedded, name)
		texts[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// usedKeys are the keys that pages and scripts name, each with a file that does.
func usedKeys(t *testing.T) (used, byScripts map[string]string) {
	t.Helper()
	used, byScripts = map[string]string{}, map[string]string{}
	collect := func(texts map[string]string, pattern string, into ...map[string]string) {
		key := regexp.MustCompile(pattern)
		for name, text := range texts {
			for _, match := range key.FindAllStringSubmatch(text, -1) {
				for _, keys := range into {
					keys[match[1]] = name
				}
			}
		}
	}
	templates := sources(t, "templates", ".html")
	collect(templates, `\bt "([\w.]+)"`, used)
	collect(templates, `data-t(?:-label|-title)?="([\w.]+)"`, used, byScripts)
	collect(sources(t, "static/js", ".js"), `\bt\(\s*'([\w.]+)'`, used, byScripts)
	return used, byScripts
}

func TestKeysThatAreUsedHaveWords(t *testing.T) {
	l := testLocales(t).all[defaultLanguage]
	used, byScripts := usedKeys(t)
	for _, key := range difference(used, l.messages) {
		t.Errorf("no words for %s, of %s", key, used[key])
	}
	for _, key := range difference(byScripts, l.scripts) {
		t.Errorf("scripts do not get %s, of %s", key, byScripts[key])
	}
}

// A script may also keep a key in a table: what counts then is that it is written out somewhere.
func TestWordsAreUsed(t *testing.T) {
	used, _ := usedKeys(t)
	prefixes := slices.Clone(madeUpKeys)
	madeUp := regexp.MustCompile(`\x60([a-z_]+\.[\w.]*)\$\{`)
	quoted := regexp.MustCompile(`['"` + "`" + `]([a-z_]+(?:\.[\w.]+)+)['"` + "`" + `]`)
	for name, text := range sources(t, "static/js", ".js") {
		for _, match := range quoted.FindAllStringSubmatch(text, -1) {
			used[match[1]] = name
		}
		for _, match := range madeUp.FindAllStringSubmatch(text, -1) {
			prefixes = append(prefixes, match[1])
		}
	}
	titles := regexp.MustCompile(`word\("([\w.]+)"`)
	for _, name := range []string{"admin.go", "diagnostics.go", "figures.go", "lobby.go", "login.go"} {
		for _, match := range titles.FindAllStringSubmatch(goSource(t, name), -1) {
			used[match[1]] = name
		}
	}
	for _, key := range difference(testLocales(t).all[defaultLanguage].messages, used) {
		if !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			t.Errorf("nothing uses %s", key)
		}
	}
}

func TestLanguageOfARequest(t *testing.T) {
	site := newTestSite(t, Config{})
	for about, test := range map[string]struct{ cookie, accept, want string }{
		"nothing":               {"", "", "en"},
		"asked for":             {"", "de-AT,de;q=0.9,en;q=0.5", "de"},
		"asked for in vain":     {"", "tlh", "en"},
		"not a header":          {"", ";;q=\x00", "en"},
		"chosen":                {"de", "en", "de"},
		"chosen over asked for": {"en", "de", "en"},
		"unknown choice":        {"xx", "de", "de"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/login/", nil)
		r.Header.Set("Accept-Language", test.accept)
		if test.cookie != "" {
			r.AddCookie(&http.Cookie{Name: languageCookie, Value: test.cookie})
		}
		w := site.do(r)
		title := map[string]string{"en": "Who are you?", "de": "Wer bist du?"}[test.want]
		if !strings.Contains(w.Body.String(), `<html lang="`+test.want+`"`) || !strings.Contains(w.Body.String(), title) {
			t.Errorf("%s: not in %s: %.200s", about, test.want, w.Body.String())
		}
	}
}

func TestChooseLanguage(t *testing.T) {
	site := newTestSite(t, Config{})
	for next, want := range map[string]string{
		"/login/?next=/r/standup/": "/login/?next=/r/standup/", "": "/",
		"https://evil.example/": "/", "//evil.example/": "/", `/\evil.example`: "/",
	} {
		w := site.post("/language/", nil, "language", "de", "next", next)
		checkRedirect(t, w, http.StatusSeeOther, want)
		cookies := w.Result().Cookies()
		if len(cookies) != 1 || cookies[0].Name != languageCookie || cookies[0].Value != "de" || cookies[0].MaxAge != aYear {
			t.Errorf("%q: %v", next, cookies)
		}
	}
	for _, unknown := range []string{"", "xx", "EN", "../en"} {
		w := site.post("/language/", nil, "language", unknown)
		checkPage(t, w, http.StatusBadRequest, "This language is not available.")
		if len(w.Result().Cookies()) != 0 {
			t.Errorf("%q was kept", unknown)
		}
	}
}

func TestTheme(t *testing.T) {
	site := newTestSite(t, Config{})
	for theme, want := range map[string]string{
		"light": `<html lang="en" data-theme="light">`, "dark": `<html lang="en" data-theme="dark">`,
		"": `<html lang="en">`, "pink": `<html lang="en">`,
	} {
		checkPage(t, site.get("/login/", &http.Cookie{Name: themeCookie, Value: theme}), http.StatusOK, want)
	}
}
