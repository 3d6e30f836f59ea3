package signaling

import (
	"slices"
	"strings"
	"testing"

	"parley/sfu"
	"parley/signaling/protocol"
)

func TestViewAndLimitedReachThePeer(t *testing.T) {
	f := newFixture(t, Config{})
	c := f.open("ann")
	c.join("red")
	c.nothing() // the peer is there once this is answered
	peer := f.media.last(c.id())
	most := `{"channel_name":"p","track":"camera","width":1,"height":1}`
	c.send(`{"rtc":{"type":"view","tiles":[
		{"channel_name":"p","track":"camera","width":320,"height":180},
		{"channel_name":"p","track":"screen","width":16384,"height":16384,"pinned":true,"later":{}},
		{"channel_name":"q","track":"camera"}]}}`)
	c.send(`{"rtc":{"type":"view","tiles":[]}}`) // says nothing
	c.send(`{"rtc":{"type":"limited","mid":"1","why":"cpu"}}`)
	c.send(`{"rtc":{"type":"limited","mid":"1","why":"bandwidth"}}`)
	c.send(`{"rtc":{"type":"limited","mid":"1","why":"none"}}`)
	c.nothing()
	want := []string{
		"view:[{Publisher:p Screen:false Width:320 Height:180 Pinned:false}" +
			" {Publisher:p Screen:true Width:16384 Height:16384 Pinned:true}" +
			" {Publisher:q Screen:false Width:0 Height:0 Pinned:false}]",
		`limited:1 "cpu"`, `limited:1 "bandwidth"`, `limited:1 ""`,
	}
	if got := peer.log(); !slices.Equal(got, want) {
		t.Fatalf("peer got\n%q, want\n%q", got, want)
	}

	c.send(`{"rtc":{"type":"view","tiles":[` + strings.Repeat(most+",", protocol.MaxTiles-1) + most + `]}}`)
	c.nothing()
	if got := peer.log(); len(got) != len(want)+1 {
		t.Fatalf("a full message did not arrive: %d calls", len(got))
	}
}

func TestBadViewsAndLimitsLoseNothing(t *testing.T) {
	f := newFixture(t, Config{})
	c := f.open("ann")
	c.join("red")
	c.nothing()
	tile := func(fields string) string {
		good := `{"channel_name":"p","track":"camera","width":1,"height":1}`
		return `{"rtc":{"type":"view","tiles":[` + good + `,{` + fields + `}]}}`
	}
	long := strings.Repeat("x", protocol.MaxChannelName+1)
	for _, frame := range []string{
		`{"rtc":{"type":"view"}}`,
		`{"rtc":{"type":"view","tiles":null}}`,
		`{"rtc":{"type":"view","tiles":{}}}`,
		`{"rtc":{"type":"view","tiles":[7]}}`,
		`{"rtc":{"type":"view","tiles":[` + strings.Repeat("{},", protocol.MaxTiles) + `{}]}}`,
		tile(`"track":"camera"`),
		tile(`"channel_name":"` + long + `","track":"camera"`),
		tile(`"channel_name":"p"`),
		tile(`"channel_name":"p","track":"microphone"`),
		tile(`"channel_name":"p","track":"camera","width":-1`),
		tile(`"channel_name":"p","track":"camera","height":16385`),
		tile(`"channel_name":"p","track":"camera","width":1.5`),
		tile(`"channel_name":"p","track":"camera","width":"320"`),
		tile(`"channel_name":"p","track":"camera","width":1e400`),
		tile(`"channel_name":"p","track":"camera","pinned":1`),
		`{"rtc":{"type":"limited"}}`,
		`{"rtc":{"type":"limited","mid":"","why":"cpu"}}`,
		`{"rtc":{"type":"limited","mid":1,"why":"cpu"}}`,
		`{"rtc":{"type":"limited","mid":"` + strings.Repeat("1", protocol.MaxMid+1) + `","why":"cpu"}}`,
		`{"rtc":{"type":"limited","mid":"1"}}`,
		`{"rtc":{"type":"limited","mid":"1","why":"choice"}}`,
		`{"rtc":{"type":"limited","mid":"1","why":null}}`,
	} {
		c.send(frame)
		if e := c.errorType(); e != protocol.ErrorBadMessage {
			t.Fatalf("%.80s: error %s", frame, e)
		}
	}
	if got := f.media.last(c.id()).log(); len(got) != 0 {
		t.Fatalf("peer got %q", got)
	}
	if !f.hub.InCall(c.id()) {
		t.Error("the call was lost")
	}
}

// A quality of a former stay is about people who may not be here.
func TestQualityOfAFormerPeerIsDropped(t *testing.T) {
	f := newFixture(t, Config{})
	c := f.open("ann")
	c.join("red")
	c.nothing()
	former := f.media.last(c.id())
	c.join("blue")
	c.nothing()
	former.deliver(sfu.Quality{Publisher: "p", Layers: 1})
	former.deliver(sfu.LayersWanted{Mid: "1"})
	c.nothing()
}
