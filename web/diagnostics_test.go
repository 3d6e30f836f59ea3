package web

import (
	"net/http"
	"strings"
	"testing"
)

// It has a row for each way, and words that the page of a room need not load.
func TestDiagnosticsPage(t *testing.T) {
	site := newTestSite(t, Config{Codecs: []string{"opus", "vp8"}})
	session := site.session(t)
	w := site.get("/diagnostics/", session)
	script := site.assets.path("js/diagnostics.js")
	checkPage(t, w, http.StatusOK, `data-codecs="opus vp8"`, "diagnostics.verdict.no_media", script)
	for _, row := range append(mediaPaths(), "secure", "camera", "microphone", "speaker", "socket", "up", "down") {
		if n := strings.Count(w.Body.String(), `data-row="`+row+`"`); n != 1 {
			t.Errorf("%d rows of %s", n, row)
		}
	}
	room := site.get("/r/standup/", session).Body.String()
	for _, not := range []string{"diagnostics.verdict", "js/diagnostics", "elements/senses", "elements/testpicture"} {
		if strings.Contains(room, not) {
			t.Errorf("the page of a room has %s", not)
		}
	}
	for _, page := range []string{"/", "/r/standup/"} {
		checkPage(t, site.get(page, session), http.StatusOK, `href="/diagnostics/"`)
	}
}
