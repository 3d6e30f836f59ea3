package sfu

import (
	"maps"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// cameras publishes a picture in three sizes.
type cameras struct {
	*guest
	sequence uint16
	sizes    []byte // width of q, h, f; those of 0 do not flow
}

func newCameras(g *guest) *cameras {
	g.describe(offer(camerasLine))
	c := &cameras{guest: g, sizes: []byte{16, 32, 64}}
	c.frame(true)
	g.settle()
	c.frame(true)
	return c
}

// frame sends a picture in each size, a keyframe if key.
func (c *cameras) frame(key bool) {
	c.sequence++
	for i, width := range c.sizes {
		if width == 0 {
			continue
		}
		w := byte(0)
		if key {
			w = width
		}
		o := out{
			ssrc: 900 + uint32(i), pt: 96, sequence: c.sequence, timestamp: 3000 * uint32(c.sequence), marker: true,
			mid: "1", rid: []string{"q", "h", "f"}[i], payload: append(vp8(c.sequence, w, ""), make([]byte, 70<<(2*i))...),
		}
		c.send(o)
	}
}

// run sends 30 frames a second; a keyframe whenever one was asked for.
func (c *cameras) run(d time.Duration, each func()) {
	for end := c.now.Add(d); c.now.Before(end); {
		asked := len(of[*rtcp.PictureLossIndication](c.rtcp)) > 0
		c.rtcp = nil
		c.frame(asked)
		if each != nil {
			each()
		}
		for range 6 {
			c.pass(time.Second / 180)
			if c.sfu.controls {
				c.sfu.clock.turn(c.now)
			}
		}
	}
}

// control has congestion control on, with a pace clock that only the test drives.
func (h *house) control() { h.sfu.controls, h.sfu.clock = true, newPaceClock(h.conn) }

// told returns what a guest was told last of the quality of what it gets.
func (g *guest) told() (q Quality) {
	for _, e := range g.events {
		if e, ok := e.(Quality); ok {
			q = e
		}
	}
	return q
}

// wanted returns what a guest was told last of its own layers.
func (g *guest) wanted() map[string]bool {
	for i := range g.events {
		if e, ok := g.events[len(g.events)-1-i].(LayersWanted); ok {
			return e.Active
		}
	}
	return nil
}

func (g *guest) view(width, height int) {
	g.tb.Helper()
	g.peer.View([]Tile{{Publisher: "a", Width: width, Height: height}}, nil)
	g.settle()
}

// newest is the size of the payload that came last.
func (g *guest) newest() int {
	if len(g.rtp) == 0 {
		return 0
	}
	return len(g.rtp[len(g.rtp)-1].Payload)
}

// carry has the guest's own lines know of a track, as they would after a round.
func (g *guest) carry(up *upTrack) {
	d := g.watch(up, videoSeat())
	g.conn.lines.active[up] = &line{down: d, open: true}
}

func TestTileDecidesTheLayer(t *testing.T) {
	h := newHouse(t)
	a, b := newCameras(h.join("a")), h.join("b")
	b.carry(a.track("1"))
	a.run(time.Second, nil)
	b.settle()
	if q := b.told(); q.Layer != 2 || q.Layers != 3 || q.Why != Unlimited || q.Width != 64 {
		t.Fatalf("at first %+v", q)
	}
	b.view(16, 16)
	a.run(time.Second, nil)
	b.settle()
	if q := b.told(); q.Layer != 0 || q.Why != ForChoice || q.Width != 16 || b.newest() > 200 {
		t.Fatalf("in a small tile %+v, %d bytes", q, b.newest())
	}
	b.view(0, 0)
	a.run(100*time.Millisecond, nil)
	b.rtp = nil
	a.run(time.Second, nil)
	b.settle()
	if q := b.told(); q.Layer != -1 || q.Why != ForChoice || len(b.rtp) > 0 {
		t.Fatalf("hidden %+v, %d packets", q, len(b.rtp))
	}
	b.view(64, 64)
	a.run(time.Second, nil)
	b.settle()
	if q := b.told(); q.Layer != 2 || b.newest() < 1000 {
		t.Errorf("in a large tile %+v, %d bytes", q, b.newest())
	}
}

func TestLayersThatNobodyReceivesAreSwitchedOff(t *testing.T) {
	h := newHouse(t)
	a, b, c := newCameras(h.join("a")), h.join("b"), h.join("c")
	up := a.track("1")
	b.carry(up)
	c.carry(up)
	b.view(16, 16)
	c.view(32, 32)
	slot := func() { a.peer.switchLayers(a.now) }
	a.run(switchOffAfter/2, slot)
	if a.wanted() != nil {
		t.Fatalf("told %v too early", a.wanted())
	}
	a.run(switchOffAfter, slot)
	if want := map[string]bool{"q": true, "h": true, "f": false}; !maps.Equal(a.wanted(), want) {
		t.Fatalf("told %v, want %v", a.wanted(), want)
	}
	a.sizes[2] = 0
	a.run(2*layerTimeout, slot)
	b.settle()
	if q := b.told(); q.Layers != 3 {
		t.Errorf("the layer that is switched off no longer counts: %+v", q)
	}
	b.view(64, 64)
	a.run(100*time.Millisecond, nil) // which has the publisher told
	a.settle()
	if want := map[string]bool{"q": true, "h": true, "f": true}; !maps.Equal(a.wanted(), want) {
		t.Fatalf("told %v, want all at once", a.wanted())
	}
	a.run(200*time.Millisecond, nil) // it takes the publisher that long
	if b.newest() > 1000 {
		t.Error("it flows before it flows")
	}
	a.sizes[2] = 64
	a.run(200*time.Millisecond, nil)
	if b.newest() < 1000 {
		t.Errorf("%d bytes after the layer has come back", b.newest())
	}
	if of[*rtcp.PictureLossIndication](a.rtcp) != nil {
		t.Error("still asking for keyframes")
	}
}

func TestBandwidthPausesPicturesNotSound(t *testing.T) {
	h := newHouse(t)
	h.control()
	a, slow, fast := newCameras(h.join("a")), h.join("slow"), h.join("fast")
	slow.carry(a.track("1"))
	fast.carry(a.track("1"))
	a.run(2*time.Second, nil)
	slow.control(&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: 1000, SSRCs: []uint32{42}})
	before := h.now
	a.run(500*time.Millisecond, nil)
	slow.settle()
	fast.settle()
	if q := slow.told(); q.Layer != -1 || q.Why != ForBandwidth {
		t.Errorf("%v after the estimate fell: %+v", h.now.Sub(before), q)
	}
	if q := fast.told(); q.Why == ForBandwidth {
		t.Errorf("the other pays for it: %+v", q)
	}
	slow.rtp = nil
	fast.rtp = nil
	a.run(time.Second, nil)
	if len(slow.rtp) > 0 || len(fast.rtp) < 25 {
		t.Errorf("%d and %d packets", len(slow.rtp), len(fast.rtp))
	}
}

// TestWaitingPacketsKeepTheirOrder has more come than the estimate lets leave at once.
func TestWaitingPacketsKeepTheirOrder(t *testing.T) {
	h := newHouse(t)
	h.control()
	a, b := newCameras(h.join("a")), h.join("b")
	a.sizes = []byte{0, 0, 64}
	s := videoSeat()
	s.numbered = true
	b.watch(a.track("1"), s)
	a.run(2*time.Second, nil) // after 3 s of calm all may leave at once
	b.rtp = nil
	const frames = 30 // which leave within 0.3 s: what waits longer is dropped
	for range frames {
		a.frame(false)
	}
	if waiting := frames - len(b.rtp); waiting < 10 {
		t.Fatalf("only %d wait", waiting)
	}
	turns := 0
	for more := true; more && turns < 10_000; turns++ {
		h.pass(paceInterval)
		batch := h.conn.Batch()
		more = b.conn.sender.turn(h.now, batch)
		batch.Done()
	}
	var numbers, sequences []uint16
	for _, p := range b.rtp {
		if p.SSRC != 42 {
			continue
		}
		sequences = append(sequences, p.SequenceNumber)
		numbers = append(numbers, uint16(p.GetExtension(5)[0])<<8|uint16(p.GetExtension(5)[1]))
	}
	for i := range sequences[1:] {
		if sequences[i+1] != sequences[i]+1 {
			t.Fatalf("packet %d has number %d after %d", i+1, sequences[i+1], sequences[i])
		}
		if numbers[i+1]-numbers[i] > 3 {
			t.Fatalf("transport-wide number %d after %d", numbers[i+1], numbers[i])
		}
	}
	if len(sequences) != frames {
		t.Errorf("%d packets arrived", len(sequences))
	}
}
