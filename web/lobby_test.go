package web

import (
	"net/http"
	"strings"
	"testing"

	"parley/signaling/protocol"
)

func TestLobbyPage(t *testing.T) {
	site := newTestSite(t, Config{})
	session := site.session(t)
	checkPage(t, site.get("/", session), http.StatusOK, "No one is in a room", `hx-sse:connect="/rooms/"`,
		`method="post" action="/logout/"`, "Ann")

	site.store.setRooms(protocol.Room{Name: "Jürgen", People: 1}, protocol.Room{Name: "standup", People: 12})
	w := site.get("/", session)
	checkPage(t, w, http.StatusOK,
		`href="/r/J%C3%BCrgen/"`, ">Jürgen<", `1 <span class="unit" data-t="header.people" data-t-n="1">person<`,
		`href="/r/standup/"`, ">standup<", `12 <span class="unit" data-t="header.people" data-t-n="12">people<`)
	if strings.Contains(w.Body.String(), "Ann Smith") {
		t.Error("the real name is on the page")
	}
}

func TestEnterRoom(t *testing.T) {
	site := newTestSite(t, Config{})
	session := site.session(t)
	for typed, location := range map[string]string{
		"standup":        "/r/standup/",
		"  standup\t":    "/r/standup/",
		"Jürgen":         "/r/J%C3%BCrgen/",
		"Ju\u0308rgen":   "/r/J%C3%BCrgen/",
		"\u6f22\u5b57-1": "/r/%E6%BC%A2%E5%AD%97-1/",
	} {
		checkRedirect(t, site.post("/", session, "room", typed), http.StatusFound, location)
	}
	// The room page asks to log in, and knows where to go on.
	checkRedirect(t, site.post("/", nil, "room", "standup"), http.StatusFound, "/r/standup/")
}

func TestEnterRoomRefused(t *testing.T) {
	site := newTestSite(t, Config{})
	session := site.session(t)
	for typed, message := range map[string]string{
		"team meeting":          "Please use 1 to 64 letters, digits, _ or - and no spaces",
		"../r":                  "Please use 1 to 64 letters, digits, _ or - and no spaces",
		`"><script>`:            "Please use 1 to 64 letters, digits, _ or - and no spaces",
		strings.Repeat("a", 65): "Please use 1 to 64 letters, digits, _ or - and no spaces",
		"":                      "Please enter the name of a room",
		"  ":                    "Please enter the name of a room",
	} {
		w := site.post("/", session, "room", typed)
		checkPage(t, w, http.StatusOK, `id="room-error">`+message+"<", "Rooms in use")
		input := element(t, w.Body.String(), `<input id="room"`)
		if attribute(input, "value") != typed || attribute(input, "aria-invalid") != "true" ||
			!strings.Contains(attribute(input, "aria-describedby"), "room-error") {
			t.Errorf("%q: %s", typed, input)
		}
	}
	checkRedirect(t, site.post("/", nil, "room", "team meeting"), http.StatusFound, "/login/?next=/")
}

func TestRoomPage(t *testing.T) {
	site := newTestSite(t, Config{Codecs: []string{"opus", "vp9"}})
	site.store.setRooms(protocol.Room{Name: "Jürgen", People: 7})
	w := site.get("/r/J%C3%BCrgen/", site.session(t))
	checkPage(t, w, http.StatusOK,
		`<main id="room" data-room="Jürgen" data-codecs="opus vp9"`,
		`hx-ws:connect="/ws/J%C3%BCrgen/" hx-swap="none"`,
		`hx-config='{"ws":{"pauseOnBackground":false,"reconnectDelay":500,"reconnectMaxDelay":5000,"reconnectJitter":0}}'`,
		`<header id="header">`, ">Jürgen</h1>", `7 <span class="unit" data-t="header.people" data-t-n="7">people<`,
		`<div id="others"></div>`, `<div id="self"`, "<video muted playsinline autoplay></video>",
		`<button id="call-button" class="join" type="button" data-as="participant">`,
		`<button id="watch-button" type="button" data-as="viewer"`,
		`<p id="notice" role="status" aria-live="polite"></p>`, `<template id="quality-badge"><p class="quality">`,
		"vendor/hx-ws.min.js", `type="module" src="`+site.assets.path("js/app.js")+`"`)
	for id, on := range map[string]string{
		"toggle-cam": "true", "toggle-mic": "true", "toggle-screen": "false", "toggle-hand": "false",
	} {
		button := element(t, w.Body.String(), `<button id="`+id+`"`)
		_, content, _ := strings.Cut(w.Body.String(), button)
		content, _, _ = strings.Cut(content, "</button>")
		if attribute(button, "role") != "switch" || attribute(button, "aria-checked") != on ||
			!strings.Contains(content, `<span class="label">`) {
			t.Error(button, content)
		}
	}
	if strings.Contains(w.Body.String(), "Ann Smith") {
		t.Error("the real name is on the page")
	}
	other := newTestSite(t, Config{})
	w = other.get("/r/standup/", other.session(t))
	if strings.Contains(w.Body.String(), "data-codecs") {
		t.Error("codecs that nobody configured")
	}
}
