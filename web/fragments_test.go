package web

import (
	"strings"
	"testing"

	"parley/signaling/protocol"
)

func TestFragments(t *testing.T) {
	fragments := NewFragments()
	ann := protocol.Participant{ChannelName: "chan-abc123", UserName: `Ann <b>"`, ShortName: "peer-abc123"}
	for about, test := range map[string]struct {
		html  string
		parts []string
	}{
		"header": {fragments.Header(protocol.Header{Room: "Jürgen", People: 2}), []string{
			`<header id="header" hx-swap-oob="true">`, `<h1 title="Jürgen">Jürgen</h1>`,
			`2 <span class="unit" data-t="header.people" data-t-n="2">people</span>`,
		}},
		"header of a large room": {
			fragments.Header(protocol.Header{Room: "hall", People: 3, Viewers: 12, Headroom: 40, Locked: true}), []string{
				`data-t-n="3">people</span><span class="viewers"><span class="unit">, </span>`,
				`<span class="unit" data-t="header.watching" data-t-n="12">watching<`,
				`<p class="headroom" data-t="header.headroom" data-t-n="40">room for about 40 more</p>`,
				`<span class="locked" role="img" aria-label="Locked`,
			},
		},
		"header of a full server": {fragments.Header(protocol.Header{Room: "hall"}), []string{">no room for more people<"}},
		"nobody's hand":           {fragments.Hands(nil), []string{`<ul id="hands" hx-swap-oob="outerMorph"></ul>`}},
		"hands": {fragments.Hands([]protocol.Participant{ann}), []string{
			`<ul id="hands" hx-swap-oob="outerMorph"><li id="peer-abc123-hand" data-channel="chan-abc123">`,
			`<span class="name">Ann &lt;b&gt;&#34;</span>`,
			`<button id="peer-abc123-let" class="for-viewer" type="button" data-action="stage"`,
			`aria-label="Let Ann &lt;b&gt;&#34; on stage" data-t-label="hands.let_name" data-t-name="Ann &lt;b&gt;&#34;"`,
			`data-t="hands.let">Let on stage</button>`,
			`<button id="peer-abc123-lower" type="button" data-action="lower"`,
			`aria-label="Lower the hand of Ann &lt;b&gt;&#34;" data-t-label="hands.lower_name"`,
			`data-t="hands.lower">Lower</button></li></ul>`,
		}},
		"header of one": {fragments.Header(protocol.Header{Room: "standup", People: 1}), []string{
			`1 <span class="unit" data-t="header.people" data-t-n="1">person</span>`,
		}},
		"panel": {fragments.Panel(ann), []string{
			`<div hx-swap-oob="beforeend:#others"><div id="peer-abc123-div" class="panel tile hue-`,
			` data-channel="chan-abc123" hidden><figure id="peer-abc123">`,
			"<video autoplay playsinline></video>",
			`<span class="name">Ann &lt;b&gt;&#34;</span>`,
			`<span id="peer-abc123-state" class="state"></span>`,
			"</figure></div></div>",
		}},
		"away": {fragments.State(ann, true), []string{
			`<span id="peer-abc123-state" class="state away" hx-swap-oob="true" data-t="tile.away">reconnecting…</span>`,
		}},
		"back": {fragments.State(ann, false), []string{
			`<span id="peer-abc123-state" class="state" hx-swap-oob="true"></span>`,
		}},
		"no rooms": {fragments.Rooms(nil), []string{`<li class="none">`}},
		"rooms": {fragments.Rooms([]protocol.Room{{Name: "a_b", People: 3}}), []string{
			`<li><a class="room-link" href="/r/a_b/">`, ">a_b<", "3 <",
		}},
	} {
		for _, part := range test.parts {
			if !strings.Contains(test.html, part) {
				t.Errorf("%s: no %q in %s", about, part, test.html)
			}
		}
	}
	quiet := fragments.Header(protocol.Header{Room: "hall", People: 2, Headroom: -1})
	for _, part := range []string{"watching", "headroom", "locked"} {
		if strings.Contains(quiet, part) {
			t.Errorf("%q without need in %s", part, quiet)
		}
	}
	if strings.Count(fragments.Panel(ann), "hx-swap-oob") != 1 {
		t.Error("a part of a panel would be swapped by itself")
	}
}

func TestPresent(t *testing.T) {
	fragments := NewFragments()
	const begin, end = `<div id="present" hx-swap-oob="innerHTML">`, `</div>`
	shown := []protocol.Participant{{UserName: `Ann <b>"`}, {UserName: "Bob"}}
	names := `<ul><li><span class="avatar hue-2" aria-hidden="true">A&lt;</span>
    <span class="name">Ann &lt;b&gt;&#34;</span></li><li><span class="avatar hue-4" aria-hidden="true">B</span>
    <span class="name">Bob</span></li></ul>`
	watching := `<p class="watching" data-t="present.watching" data-t-n="3">3 people are watching.</p>`
	for about, test := range map[string]struct {
		present protocol.Present
		want    string
	}{
		"nobody": {protocol.Present{}, `<p class="none" data-t="present.none">No one is here yet.</p>`},
		"all":    {protocol.Present{Shown: shown, People: 2}, names},
		"some": {
			protocol.Present{Shown: shown, People: 7, Viewers: 3},
			names + `<p class="more" data-t="present.more" data-t-n="5">and 5 more</p>` + watching,
		},
		"a number": {
			protocol.Present{People: 1},
			`<p class="many" data-t="present.people" data-t-n="1">1 person is here.</p>`,
		},
		"viewers": {protocol.Present{Viewers: 3}, watching},
	} {
		if got := fragments.Present(test.present); got != begin+test.want+end {
			t.Errorf("%s: %s", about, got)
		}
	}
}

// #others has to be empty of text for the page's style to see that nobody is there.
func TestPanelBringsNoText(t *testing.T) {
	html := NewFragments().Panel(protocol.Participant{ChannelName: "c", UserName: "Ann", ShortName: "peer-c"})
	if strings.TrimSpace(html) != html || !strings.Contains(html, `#others"><div`) ||
		!strings.HasSuffix(html, "</figure></div></div>") {
		t.Error(html)
	}
}

// What a button says that it opens has to be what opens.
func TestTileMenuIsWhatItsButtonPromises(t *testing.T) {
	page, err := embedded.ReadFile("templates/room/tiles.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`data-action="menu" aria-haspopup="dialog"`, `<div id="tile-menu" class="menu" popover role="dialog"`,
	} {
		if !strings.Contains(string(page), part) {
			t.Errorf("no %q", part)
		}
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Ann":               "A",
		"ann":               "A",
		"María José":        "MJ",
		"a b c d":           "AD",
		"Anna-Lena":         "AL",
		"élan":              "É",
		"e\u0301lan":        "E\u0301",
		"漢字":                "漢",
		"👩\u200d💻 Dev":      "👩\u200d💻D",
		"👍🏽":                "👍🏽",
		"__x":               "X",
		"-":                 "",
		"":                  "",
		"x\u200d":           "X\u200d",
		"\u200dx":           "\u200d",
		"Wolfeschlegelstei": "W",
	} {
		if got := initials(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestHue(t *testing.T) {
	seen := map[uint32]bool{}
	for _, name := range []string{"Ann", "Bob", "Cem", "Dana", "Eve", "Finn", "Gus", "Ida", "Jo", "Kim", "Lea", "Max"} {
		first, again := hue(name), hue(name)
		if first >= hues || first != again {
			t.Errorf("%s: %d, then %d", name, first, again)
		}
		seen[first] = true
	}
	if len(seen) < 4 {
		t.Errorf("only %d colours", len(seen))
	}
}
