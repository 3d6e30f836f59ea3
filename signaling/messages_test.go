package signaling

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"parley/sfu"
	"parley/signaling/protocol"
	"parley/signaling/rate"
)

// wary is a peer that takes only what an SFU may be given.
type wary struct {
	t     *testing.T
	calls int
}

func (w *wary) called(ok bool, what any) {
	w.t.Helper()
	if w.calls++; !ok || w.calls > 1 {
		w.t.Fatalf("call %d: %+v", w.calls, what)
	}
}

func (w *wary) Signal(d sfu.Description) {
	w.called(d.Type == "offer" || d.Type == "answer" || d.Type == sfu.TypeReset, d)
}
func (w *wary) Candidate(c *sfu.Candidate) { w.called(true, c) }
func (w *wary) Screen(streamID string)     { w.called(streamID != "", streamID) }
func (w *wary) Bar(what sfu.Barred)        { w.called(false, what) }
func (w *wary) Slots(audio int)            { w.called(audio >= 0 && audio <= protocol.MaxSlots, audio) }
func (w *wary) Limited(mid string, _ sfu.Why) {
	w.called(mid != "" && len(mid) <= protocol.MaxMid, mid)
}
func (w *wary) Close() {}

func (w *wary) View(tiles []sfu.Tile, only *bool) {
	ok := len(tiles) <= protocol.MaxTiles && (len(tiles) > 0 || only != nil)
	for _, tile := range tiles {
		named := tile.Publisher != "" && len(tile.Publisher) <= protocol.MaxChannelName
		ok = ok && named && min(tile.Width, tile.Height) >= 0 && max(tile.Width, tile.Height) <= protocol.MaxTileSize
	}
	w.called(ok, tiles)
}

// told fails if an error could not be put on the wire.
func told(t *testing.T, err error) {
	t.Helper()
	if wire := wireError(err); wire.Type == "" || wire.Detail == "" || !utf8.ValidString(wire.Detail) {
		t.Fatalf("%v is told as %+v", err, wire)
	}
}

// FuzzRTC hands in messages to the app "rtc": the SFU is given one thing that it may be given, or nothing.
func FuzzRTC(f *testing.F) {
	for _, seed := range []string{
		`{"type":"signal","recipient":"sfu","signal":{"description":{"type":"offer","sdp":"v=0"}}}`,
		`{"type":"signal","recipient":"sfu","signal":{"candidate":{"candidate":"c","sdpMid":"0","sdpMLineIndex":0}}}`,
		`{"type":"signal","recipient":"sfu","signal":{"candidate":null,"end_of_candidates":true}}`,
		`{"type":"signal","recipient":"sfu","signal":{"description":{"type":"_reset"}}}`, `{"type":"signal","recipient":"x"}`,
		`{"type":"view","tiles":[{"channel_name":"x","track":"camera","width":640,"height":360,"pinned":true}],"only":true}`,
		`{"type":"view","tiles":[]}`, `{"type":"view","tiles":[{"channel_name":"x","track":"screen","width":-1}]}`,
		`{"type":"limited","mid":"1","why":"cpu"}`, `{"type":"slots","audio":6}`, `{"type":"slots","audio":-1}`,
		`{"type":"screen","stream":"s"}`, `{"type":"later"}`, `null`, `[]`, `{"type":"slots","audio":1e99}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		peer := &wary{t: t}
		handler := func(c *call) *rtcHandler { return &rtcHandler{call: c, views: rate.New(viewsAllowed, quotaSpan)} }
		h := handler(&call{peer: peer, offered: true})
		if err := h.Receive(message); err != nil {
			told(t, err)
			if peer.calls > 0 {
				t.Fatal("refused, and done all the same")
			}
		}
		_ = handler(nil).Receive(message) // outside a room
	})
}

// FuzzFloorRequest hands in messages to the app "floor": those that are no request are refused, whoever sends them.
func FuzzFloorRequest(f *testing.F) {
	for _, seed := range []string{
		`{"type":"hand","up":true}`, `{"type":"stage","channel_name":"x","on":true}`, `{"type":"remove","channel_name":"x"}`,
		`{"type":"mute","channel_name":"x","on":false}`, `{"type":"camera","channel_name":"x","off":true}`,
		`{"type":"invite"}`,
		`{"type":"lock","on":true}`, `{"type":"access","access":"password","password":"p"}`, `{"type":"later"}`, `null`, `7`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		err := (&floorHandler{session: &Session{}}).Receive(message)
		var m *protocol.ClientFloor
		if json.Unmarshal(message, &m) != nil || m == nil || m.Type == "" {
			if err == nil || errors.Is(err, notInRoom) {
				t.Fatalf("%q is taken", message)
			}
		}
		if err != nil {
			told(t, err)
		}
		if m != nil && m.ChannelName == "" {
			m.ChannelName = strings.Repeat("x", protocol.MaxChannelName+1)
			if ask, _ := parseRequest(m); ask != nil && m.Type == protocol.TypeRemove {
				t.Fatal("somebody whose name is too long can be removed")
			}
		}
	})
}

// FuzzJoin hands in what a client wants to enter: what is taken is within bounds, and the same when written again.
func FuzzJoin(f *testing.F) {
	for _, seed := range []string{
		`"red"`, `{"room":"red"}`, `{"room":"red","as":"viewer","password":"p","invite":"i"}`, `{"room":null}`, `null`, `7`,
		`{"room":"red","as":"host"}`, `{"ROOM":"red","room":"blue"}`, `{"room":""}`, `"\ud800"`, `""`, `{"as":"viewer"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		var j, again protocol.Join
		if json.Unmarshal(message, &j) != nil {
			return
		}
		if string(message) == "null" {
			return
		}
		known := j.As == "" || j.As == protocol.AsParticipant || j.As == protocol.AsViewer
		if !known || len(j.Password) > protocol.MaxPassword || len(j.Invite) > protocol.MaxInvite {
			t.Fatalf("%q is taken as %+v", message, j)
		}
		text, err := json.Marshal(j)
		if err == nil {
			err = json.Unmarshal(text, &again)
		}
		if err != nil || again != j {
			t.Fatalf("%q, then %q: %+v, then %+v, %v", message, text, j, again, err)
		}
	})
}
