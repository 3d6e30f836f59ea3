package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/signaling/protocol"
)

const operatorToken = "correct horse battery"

// fakeAdmin has one room, with Ann and Bob in it, until one of them or all are removed.
type fakeAdmin struct {
	mu    sync.Mutex
	asked int      // guarded by mu: for overviews
	done  []string // guarded by mu
	more  func(*Overview)
}

func (f *fakeAdmin) Overview() Overview {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	now := time.Now()
	o := Overview{
		At: now, Started: now.Add(-26 * time.Hour), Version: "v1.2.3", Headroom: 45, Limit: "cpu", CPU: 0.371, Cores: 0.74,
		Sent: 12_345_678, Packet: 3100 * time.Nanosecond,
		Events: []AdminEvent{{At: now, Room: "Küche", Who: "<b>", What: "refused", Why: "password"}},
	}
	if len(f.done) == 0 {
		o.Rooms = []AdminRoom{{Name: "Küche", Opened: now.Add(-5 * time.Minute), Locked: true, Members: []AdminMember{
			{
				Participant: protocol.Participant{ChannelName: "chan-ann", UserName: "Ann", ShortName: "peer-an-ann"},
				Since:       now.Add(-90 * time.Second), Host: true, Media: annsMedia(),
			},
			{
				Participant: protocol.Participant{ChannelName: "chan-bob", UserName: "Bob <i>", ShortName: "peer-an-bob"},
				Since:       now, Viewer: true, Away: true,
			},
		}}}
	}
	if f.more != nil {
		f.more(&o)
	}
	return o
}

func annsMedia() *AdminMedia {
	return &AdminMedia{
		Way: "turn", RTT: 12 * time.Millisecond, LossUp: 0.013, Estimate: 8_200_000, Sent: 1_730_000, Received: 640_000,
		Tracks: []AdminTrack{
			{Kind: "audio", Codec: "opus", Barred: true, Layers: []AdminLayer{{Bitrate: 32_000}}},
			{Kind: "video", Codec: "vp8", Receivers: 1, Why: "uplink", Layers: []AdminLayer{
				{RID: "q", Width: 320, Height: 180, FrameRate: 14.96, Bitrate: 150_000, Spatial: 1, Temporal: 2},
				{RID: "h", Width: 640, Height: 360, Off: true, Spatial: 1, Temporal: 1},
			}},
		},
		Pictures: []AdminPicture{
			{Publisher: "x", Name: "Cid", Layer: 1, Layers: 3, Width: 640, Height: 360, Why: "bandwidth"},
			{Publisher: "y", Name: "Dan", Layer: -1, Layers: 3, Why: "choice"},
			{Publisher: "z", Name: "Eve", Screen: true, Layer: 0, Layers: 1},
		},
		Sounds: 4,
	}
}

func (f *fakeAdmin) do(what string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = append(f.done, what)
	return len(f.done) == 1
}

func (f *fakeAdmin) Kick(room, channelName string) bool {
	return f.do("kick " + channelName + " from " + room)
}
func (f *fakeAdmin) CloseRoom(room string) bool { return f.do("close " + room) }

// operator logs in and returns the cookie.
func (s *testSite) operator(t *testing.T) *http.Cookie {
	t.Helper()
	w := s.post("/admin/", nil, "token", operatorToken)
	checkRedirect(t, w, http.StatusSeeOther, "/admin/")
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("got cookies %v", cookies)
	}
	return cookies[0]
}

func (s *testSite) admin() *fakeAdmin { return s.deps.Admin.(*fakeAdmin) }

func TestAdminShowsNothingToOthers(t *testing.T) {
	site := newTestSite(t, Config{})
	person := site.session(t)
	for _, cookies := range [][]*http.Cookie{nil, {person}, {{Name: "parley_admin", Value: "x"}}} {
		w := site.get("/admin/?peer=chan-ann", cookies...)
		checkPage(t, w, http.StatusOK, `name="token"`, "Operator")
		if strings.Contains(w.Body.String(), "Ann") || strings.Contains(w.Body.String(), "v1.2.3") {
			t.Errorf("shown: %s", w.Body)
		}
		w = site.get("/admin/live/", cookies...)
		if w.Code != http.StatusUnauthorized || w.Header().Get("HX-Redirect") != "/admin/" ||
			strings.Contains(w.Body.String(), "Ann") {
			t.Errorf("live: %d %s", w.Code, w.Body)
		}
		query := "?" + url.Values{"room": {"Küche"}, "peer": {"chan-ann"}}.Encode()
		for _, path := range []string{"/admin/remove/", "/admin/close/"} {
			checkRedirect(t, site.get(path+query, cookies...), http.StatusSeeOther, "/admin/")
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(query[1:]))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			checkRedirect(t, site.do(r, cookies...), http.StatusSeeOther, "/admin/")
		}
	}
	if admin := site.admin(); admin.asked > 0 || len(admin.done) > 0 {
		t.Errorf("asked %d times, did %v", admin.asked, admin.done)
	}
}

func TestAdminLogIn(t *testing.T) {
	site := newTestSite(t, Config{})
	for token, message := range map[string]string{
		"": "Please enter the token", operatorToken[1:]: "This is not the token of this server",
	} {
		w := site.post("/admin/", nil, "token", token)
		checkPage(t, w, http.StatusOK, message, `aria-invalid="true"`)
		if len(w.Result().Cookies()) > 0 {
			t.Errorf("%q: let in", token)
		}
	}
	operator := site.operator(t)
	checkRedirect(t, site.get("/", operator), http.StatusFound, "/login/?next=/") // it is no person's
	checkPage(t, site.get("/admin/", operator), http.StatusOK, "v1.2.3")
	checkRedirect(t, site.post("/admin/logout/", operator), http.StatusSeeOther, "/admin/")
	checkPage(t, site.get("/admin/", operator), http.StatusOK, `name="token"`)
}

func TestAdminPage(t *testing.T) {
	site := newTestSite(t, Config{})
	operator := site.operator(t)
	parts := []string{
		"45 more", "The CPU limits", ">37 %<", "0.74 cores in use", "3.1 µs a packet", ">12 Mbit/s<", "up for 1 day 2 h",
		`<h2 id="title-Küche">Küche`, "2 people, 1 watching", "open for 5 min", `aria-label="Locked"`,
		">Ann<", ">1 min<", ">TURN<", ">12 ms<", "1.3 % / 0 %", ">640 kbit/s<", "1.7 Mbit/s", "of 8.2 Mbit/s",
		"1 full", "1 their network", "1 shown small", ">Bob &lt;i&gt;<", `aria-label="Watches"`, `aria-label="Reconnecting"`,
		`href="/admin/remove/?room=K%c3%bcche&amp;peer=chan-ann"`, `href="/admin/close/?room=K%c3%bcche"`,
		`href="/admin/?peer=chan-ann#peer-an-ann"`, "&lt;b&gt; was not let into Küche <code>password</code>",
	}
	w := site.get("/admin/", operator)
	checkPage(t, w, http.StatusOK, append(parts, `hx-get="/admin/live/"`, `hx-trigger="every 2s"`)...)
	details := []string{
		"not forwarded", "sender&#39;s network", "320 × 180", "15 fps", "150 kbit/s", "off, nobody wants it", ">T2<",
		"layer 2 of 3", "paused", ">Eve<", "and 4 voices",
	}
	for _, part := range details {
		if strings.Contains(w.Body.String(), part) {
			t.Errorf("%q without being asked for", part)
		}
	}
	checkPage(t, site.get("/admin/?peer=chan-ann", operator), http.StatusOK,
		append(details, `hx-get="/admin/live/?peer=chan-ann"`)...)
	live := site.get("/admin/live/?peer=chan-ann", operator)
	checkPage(t, live, http.StatusOK, append(parts[:20:20], details...)...)
	if strings.Contains(live.Body.String(), "<html") || strings.Contains(live.Body.String(), "hx-get") {
		t.Error("what is polled is a whole page")
	}
	checkPage(t, site.get("/admin/?peer=chan-bob", operator), http.StatusOK, "Nothing is known of their media yet.")
	if n := site.admin().asked; n != 1 {
		t.Errorf("asked %d times within a second", n)
	}
	german := site.get("/admin/", operator, &http.Cookie{Name: languageCookie, Value: "de"})
	checkPage(t, german, http.StatusOK, "0,74 Kerne belegt", "läuft seit 1 Tag 2 h", "1,3 % / 0 %")
}

func TestAdminPageOfAnother(t *testing.T) {
	for about, test := range map[string]struct {
		more  func(*Overview)
		parts []string
	}{
		"nobody there": {
			func(o *Overview) { o.Rooms, o.Events, o.Headroom = nil, nil, -1 },
			[]string{"Nobody is in a room just now.", "Nothing has happened yet.", "Not known yet", "without a limit"},
		},
		"squeezed": {
			func(o *Overview) { o.Squeeze, o.Headroom, o.Limit, o.Egress = 2, 0, "egress", 0.99 },
			[]string{"Level 2", "0 more", "The network limits", "99 % of the limit"},
		},
		"draining": {
			func(o *Overview) { o.Draining, o.Limit = true, "people" },
			[]string{"Takes no new rooms", "As many as are allowed"},
		},
	} {
		t.Run(about, func(t *testing.T) {
			site := newTestSite(t, Config{})
			site.admin().more = test.more
			checkPage(t, site.get("/admin/", site.operator(t)), http.StatusOK, test.parts...)
		})
	}
}

func TestAdminRemoves(t *testing.T) {
	for path, test := range map[string]struct {
		query url.Values
		asks  []string
		did   string
	}{
		"/admin/remove/": {
			url.Values{"room": {"Küche"}, "peer": {"chan-bob"}},
			[]string{"Remove Bob &lt;i&gt; from Küche?", `action="/admin/remove/"`, `name="peer" value="chan-bob"`},
			"kick chan-bob from Küche",
		},
		"/admin/close/": {
			url.Values{"room": {"Küche"}},
			[]string{"Close the room Küche?", "2 people are in it", `action="/admin/close/"`}, "close Küche",
		},
	} {
		t.Run(path, func(t *testing.T) {
			site := newTestSite(t, Config{})
			operator := site.operator(t)
			checkPage(t, site.get(path+"?"+test.query.Encode(), operator), http.StatusOK, test.asks...)
			for _, gone := range []string{"?room=other", "?room=other&peer=chan-ann"} {
				checkRedirect(t, site.get(path+gone, operator), http.StatusSeeOther, "/admin/")
			}

			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(test.query.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "https://evil.example")
			checkPage(t, site.do(r, operator), http.StatusForbidden, "another site")
			if done := site.admin().done; len(done) > 0 {
				t.Fatalf("did %v for another site", done)
			}
			w := site.post(path, operator, "room", test.query.Get("room"), "peer", test.query.Get("peer"))
			checkRedirect(t, w, http.StatusSeeOther, "/admin/")
			if done := site.admin().done; !slices.Equal(done, []string{test.did}) {
				t.Errorf("did %q", done)
			}
			checkPage(t, site.get("/admin/", operator), http.StatusOK, "Nobody is in a room") // at once
		})
	}
}

func TestSpans(t *testing.T) {
	l := testLocales(t).all[defaultLanguage]
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min", 61 * time.Minute: "1 h 1 min",
		49 * time.Hour: "2 days 1 h",
	} {
		if got := l.span(d); got != want {
			t.Errorf("%s: %s", d, got)
		}
	}
	for rate, want := range map[int]string{
		0: "–", 400: "0 kbit/s", 999_000: "999 kbit/s", 1_250_000: "1.2 Mbit/s", 25e6: "25 Mbit/s",
		2_100_000_000: "2.1 Gbit/s",
	} {
		if got := l.bits(rate); got != want {
			t.Errorf("%d: %s", rate, got)
		}
	}
}
