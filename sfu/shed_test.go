package sfu

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// What was dropped unread is not asked for again; a keyframe is.
func TestGoesOnAfterWhatWasShed(t *testing.T) {
	h := newHouse(t)
	a, b := h.films("a"), h.join("b")
	b.watch(a.track("1"), videoSeat())
	h.pass(time.Second)
	a.send(picture(2, 10), picture(3, 0))
	a.settle()
	asked := a.asked()
	h.pass(time.Second)
	in := a.conn.ingress
	in.mu.Lock()
	in.resume(h.now)
	in.mu.Unlock()
	for n := range uint16(5) { // 4 to 29 are lost
		h.pass(20 * time.Millisecond)
		a.send(picture(30+n, 0))
	}
	if nacks := of[*rtcp.TransportLayerNack](a.rtcp); len(nacks) > 0 {
		t.Errorf("asked for %v", nacks[0].Nacks)
	}
	if a.asked() == asked {
		t.Error("no keyframe is asked for")
	}
	h.pass(20 * time.Millisecond)
	a.send(picture(36, 0), picture(37, 0)) // without 35, which is lost later
	h.pass(20 * time.Millisecond)
	a.send(picture(38, 0))
	if nacks := of[*rtcp.TransportLayerNack](a.rtcp); len(nacks) != 1 || nacks[0].Nacks[0].PacketID != 35 {
		t.Errorf("of what is lost later: asked %v", nacks)
	}
}

// What the others say of themselves is told at once, and then together, each time the latest.
func TestFeaturesAreToldTogether(t *testing.T) {
	h := newHouse(t)
	p := h.join("a").peer
	says := func(from, features string) { p.gossip.add(featuresShared{from, json.RawMessage(features)}) }
	says("b", `{"audio":true}`)
	if p.passFeatures(h.now); len(p.gossip.news) > 0 {
		t.Fatal("the first is not told at once")
	}
	says("c", `{"audio":true}`)
	says("b", `{"audio":false}`)
	says("c", `{"audio":false}`)
	if wake := p.passFeatures(h.now.Add(gossipEvery / 2)); wake != gossipEvery/2 || len(p.gossip.news) != 2 {
		t.Fatalf("due in %v, %d to tell", wake, len(p.gossip.news))
	}
	for _, news := range p.gossip.news {
		if string(news.features) != `{"audio":false}` {
			t.Errorf("of %s: %s", news.from, news.features)
		}
	}
	if p.passFeatures(h.now.Add(gossipEvery)); len(p.gossip.news) > 0 {
		t.Error("not told when it was due")
	}
}
