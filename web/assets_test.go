package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func TestNewAssets(t *testing.T) {
	tree := fstest.MapFS{
		"css/base.css":        {Data: []byte(strings.Repeat("a { b: c } ", 200))},
		"js/app.js":           {Data: []byte("export {}")},
		"js/app.test.js":      {Data: []byte("test")},
		"js/package.json":     {Data: []byte("{}")},
		"js/tsconfig.json":    {Data: []byte("{}")},
		"vendor/.gitignore":   {Data: []byte("*")},
		"vendor/x.min.js.map": {Data: []byte("{}")},
		"icons/favicon.svg":   {Data: []byte("<svg/>")},
	}
	a, err := newAssets(tree)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"css/base.css":      "text/css; charset=utf-8",
		"js/app.js":         "text/javascript; charset=utf-8",
		"icons/favicon.svg": "image/svg+xml",
	}
	if len(a.files) != len(want) {
		t.Errorf("got %d files", len(a.files))
	}
	for name, contentType := range want {
		if got := a.files[name].contentType; got != contentType {
			t.Errorf("%s: %q", name, got)
		}
	}
	if a.files["css/base.css"].gzipped == nil || a.files["js/app.js"].gzipped != nil {
		t.Error("large text is compressed, small is not")
	}
	if missing := a.missing("js/app.js", "vendor/htmx.min.js"); len(missing) != 1 || missing[0] != "vendor/htmx.min.js" {
		t.Errorf("missing %v", missing)
	}

	before := a.path("js/app.js")
	tree["css/base.css"].Data[0] = 'b'
	after, err := newAssets(tree)
	if err != nil {
		t.Fatal(err)
	}
	if after.path("js/app.js") == before {
		t.Error("the address of a changed tree is the same")
	}
	again, err := newAssets(tree)
	if err != nil || again.hash != after.hash {
		t.Errorf("the same tree has two addresses: %v", err)
	}
}

func TestAssetType(t *testing.T) {
	for name, want := range map[string]string{
		"a.css": "text/css; charset=utf-8", "a.js": "text/javascript; charset=utf-8", "a.svg": "image/svg+xml",
		"a.png": "image/png", "a.woff2": "font/woff2", "a.html": "", "a": "", "a.json": "", "js": "",
	} {
		if got := assetType(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestServeAsset(t *testing.T) {
	site := newTestSite(t, Config{})
	address := site.assets.path("css/base.css")
	plain := site.assets.files["css/base.css"].body
	w := site.get(address)
	if w.Code != http.StatusOK || w.Body.String() != string(plain) || w.Header().Get("Content-Encoding") != "" {
		t.Errorf("got %d, %v", w.Code, w.Header())
	}
	if got := w.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
		t.Errorf("kept %q", got)
	}
	if w.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("varies by %q", w.Header().Get("Vary"))
	}
	r := httptest.NewRequest(http.MethodGet, address, nil)
	r.Header.Set("Accept-Encoding", "br, gzip")
	if w = site.do(r); w.Header().Get("Content-Encoding") != "gzip" || gunzip(t, w) != string(plain) {
		t.Errorf("got %v", w.Header())
	}

	w = site.get("/static/0123456789abcdef/css/base.css")
	checkRedirect(t, w, http.StatusFound, address)
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("the way to another release is kept: %q", got)
	}
	for _, name := range []string{"css/nothing.css", "vendor/.gitignore", "../site.go", "css/", "", "js/app.test.js"} {
		checkPage(t, site.get(assetRoot+site.assets.hash+"/"+name), http.StatusNotFound)
	}
}

// Whatever a page refers to is there; what the build puts in place may be missing before it.
func TestPagesFindTheirAssets(t *testing.T) {
	site := newTestSite(t, Config{})
	reference := regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`)
	found := 0
	for _, target := range []string{"/login/", "/", "/r/standup/", "/nowhere"} {
		html := site.get(target, site.session(t)).Body.String()
		if target == "/login/" {
			html = site.get(target).Body.String()
		}
		for _, match := range reference.FindAllStringSubmatch(html, -1) {
			if strings.Contains(match[1], "/vendor/") {
				continue
			}
			found++
			if w := site.get(match[1]); w.Code != http.StatusOK {
				t.Errorf("%s: %s: %d", target, match[1], w.Code)
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d references", found)
	}
}

func TestPagesAreCompressed(t *testing.T) {
	site := newTestSite(t, Config{})
	session := site.session(t)
	plain := site.get("/r/standup/", session).Body.String()
	for range 2 { // the second writer is the first one, again
		r := httptest.NewRequest(http.MethodGet, "/r/standup/", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := site.do(r, session)
		if w.Header().Get("Content-Encoding") != "gzip" || gunzip(t, w) != plain {
			t.Errorf("got %v", w.Header())
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"":                       false,
		"gzip":                   true,
		"GZIP":                   true,
		"gzip, deflate, br":      true,
		"br;q=1.0, gzip;q=0.8":   true,
		"gzip;q=0":               false,
		"gzip; q=0.000":          false,
		"gzip;Q=0.5":             true,
		"gzip;q=x":               false,
		"gzip;level=9":           true,
		"br":                     false,
		"*":                      true,
		"*;q=0":                  false,
		"*, gzip;q=0":            false,
		"gzip;q=0, *":            false,
		"identity;q=1, *;q=0":    false,
		"x-gzipped":              false,
		"gzip;q=1, identity;q=0": true,
	} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("%q: %t", header, got)
		}
	}
}

func TestGzipOnceSkipsWhatDoesNotShrink(t *testing.T) {
	if gzipOnce([]byte("short")) != nil {
		t.Error("a short body")
	}
	noise := make([]byte, 4096)
	state := uint32(1)
	for i := range noise {
		state = state*1664525 + 1013904223
		noise[i] = byte(state >> 24)
	}
	if gzipOnce(noise) != nil {
		t.Error("noise")
	}
}

func gunzip(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	reader, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}
