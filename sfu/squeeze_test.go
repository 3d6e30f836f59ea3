package sfu

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"parley/sfu/alloc"
)

// gallery is a receiver in front of cameras, and of a microphone.
type gallery struct {
	*guest
	cameras []*cameras
	mic     *guest
	sound   uint16 // packets of it so far
}

const soundSSRC = 5000

func newGallery(h *house, n int) *gallery {
	h.tb.Helper()
	g := &gallery{guest: h.join("viewer"), mic: h.join("mic")}
	for i := range n {
		c := newCameras(h.join(fmt.Sprintf("p%d", i)))
		up := c.track("1")
		s := videoSeat()
		s.ssrc, s.rtx = webrtc.SSRC(1000+i), webrtc.SSRC(2000+i)
		g.conn.lines.active[up] = &line{down: g.watch(up, s), open: true}
		g.cameras = append(g.cameras, c)
	}
	g.mic.describe(offer(micLine))
	g.speak()
	g.mic.settle()
	opus := webrtc.RTPCodecParameters{RTPCodecCapability: capability(webrtc.MimeTypeOpus), PayloadType: 111}
	g.watch(g.mic.track("0"), seat{binding: binding{codecs: []webrtc.RTPCodecParameters{opus}}, ssrc: soundSSRC})
	return g
}

func (g *gallery) speak() {
	g.sound++
	g.mic.send(out{ssrc: 100, pt: 111, sequence: g.sound, timestamp: 1600 * uint32(g.sound), payload: []byte{1, 2, 3}})
}

// pass lets frames and sound come, 30 a second, keyframes where they were asked for.
func (g *gallery) pass(d time.Duration) {
	for end := g.now.Add(d); g.now.Before(end); {
		g.house.pass(time.Second / 30)
		for _, c := range g.cameras {
			asked := len(of[*rtcp.PictureLossIndication](c.rtcp)) > 0
			c.rtcp = nil
			c.frame(asked)
		}
		g.speak()
		if g.sfu.controls {
			g.control(&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: 10_000_000, SSRCs: []uint32{1000}})
			g.sfu.clock.turn(g.now)
		}
	}
	g.settle()
}

// told is what the receiver was told last of each camera.
func (g *gallery) told() []Quality {
	qualities := make([]Quality, len(g.cameras))
	for _, e := range g.events {
		if q, ok := e.(Quality); ok {
			i := slices.IndexFunc(g.cameras, func(c *cameras) bool { return c.peer.id == q.Publisher })
			qualities[i] = q
		}
	}
	return qualities
}

// layers are those of each camera, for which that is the reason.
func (g *gallery) layers(why Why) (layers []int) {
	for _, q := range g.told() {
		if q.Why == why {
			layers = append(layers, q.Layer)
		}
	}
	return layers
}

// count is how many packets come of each SSRC meanwhile.
func (g *gallery) count(d time.Duration) map[uint32]int {
	g.rtp = nil
	g.pass(d)
	counts := make(map[uint32]int)
	for _, p := range g.rtp {
		counts[p.SSRC]++
	}
	return counts
}

func TestSqueezeLowersEverybodyAlike(t *testing.T) {
	for _, control := range []bool{false, true} {
		t.Run(fmt.Sprintf("congestion control %v", control), func(t *testing.T) {
			h := newHouse(t)
			if control {
				h.control()
			}
			g := newGallery(h, 2)
			g.peer.View([]Tile{{Publisher: "p1", Width: 64, Height: 64, Pinned: true}}, nil)
			g.pass(2 * time.Second)
			for level, want := range []int{2, 1, 0} {
				h.sfu.Squeeze(alloc.Squeeze(level))
				g.pass(2 * time.Second)
				why := ForServer
				if level == 0 {
					why = Unlimited
				}
				if got := g.layers(why); !slices.Equal(got, []int{want, want}) {
					t.Errorf("at level %d: %+v", level, g.told())
				}
			}
			if sound := g.count(time.Second)[soundSSRC]; sound < 29 {
				t.Errorf("%d packets of sound in a second", sound)
			}
			h.sfu.Squeeze(0)
			g.pass(3 * time.Second)
			if got := g.layers(Unlimited); !slices.Equal(got, []int{2, 2}) {
				t.Errorf("after the squeeze: %+v", g.told())
			}
		})
	}
}

func TestSqueezePausesThoseLookedAtLeast(t *testing.T) {
	const all, level = 11, 4
	h := newHouse(t)
	g := newGallery(h, all)
	var tiles []Tile
	for i := range all {
		tiles = append(tiles, Tile{Publisher: fmt.Sprintf("p%d", i), Width: 20 + i, Height: 20})
	}
	tiles[0].Pinned = true
	g.cameras[1].peer.speaks.Store(true)
	g.peer.View(tiles, nil)
	g.pass(time.Second)
	h.sfu.Squeeze(level)
	g.pass(500 * time.Millisecond)
	counts := g.count(time.Second)
	for i, q := range g.told() {
		packets := counts[uint32(1000+i)]
		paused := i == 2 || i == 3 // the smallest but for the pinned one and the speaker
		if paused != (packets == 0) || paused != (q.Layer < 0) || q.Why != ForServer {
			t.Errorf("camera %d: %d packets, %+v", i, packets, q)
		}
	}
	if sound := counts[soundSSRC]; sound < 29 {
		t.Errorf("%d packets of sound in a second", sound)
	}
	h.sfu.Squeeze(alloc.MostSqueeze)
	g.pass(500 * time.Millisecond)
	if counts := g.count(time.Second); len(counts) != 1 || counts[soundSSRC] < 29 {
		t.Errorf("packets by SSRC where only sound is left: %v", counts)
	}
	h.sfu.Squeeze(0)
	g.pass(3 * time.Second)
	counts = g.count(time.Second)
	for i, q := range g.told() {
		if packets := counts[uint32(1000+i)]; packets < 29 || q.Layer < 1 || q.Why == ForServer {
			t.Errorf("camera %d after the squeeze: %d packets, %+v", i, packets, q)
		}
	}
}

// TestSpeakerIsKept has another speak every half second, with room for one picture: it changes every two seconds.
func TestSpeakerIsKept(t *testing.T) {
	h := newHouse(t)
	g := newGallery(h, 3)
	g.pass(time.Second)
	h.sfu.Squeeze(alloc.MostSqueeze - 1)
	changes, before := 0, ""
	for half := range 16 {
		for i, c := range g.cameras {
			c.peer.speaks.Store(i == half%3)
		}
		g.pass(500 * time.Millisecond)
		shown := ""
		for _, q := range g.told() {
			if q.Layer >= 0 {
				shown += q.Publisher
			}
		}
		if shown != before {
			before = shown
			changes++
		}
	}
	if changes < 3 || changes > 6 || len(before) != len("p0") {
		t.Errorf("%d changes in 8 s, at last %q is shown", changes, before)
	}
	g.pass(3 * time.Second)
	if q := g.told()[0]; q.Layer < 0 {
		t.Errorf("who speaks at last is not shown: %+v", q)
	}
}

// BenchmarkReview decides for one of 50 who see all others.
func BenchmarkReview(b *testing.B) {
	for _, level := range []alloc.Squeeze{0, 1, 4} {
		b.Run(fmt.Sprintf("squeeze %d", level), func(b *testing.B) {
			g := newGallery(newHouse(b), 50)
			g.sfu.Squeeze(level)
			g.pass(2 * time.Second)
			s := g.conn.sender
			b.ReportAllocs()
			for b.Loop() {
				s.mu.Lock()
				g.now = g.now.Add(reviewInterval)
				s.review(g.now)
				s.mu.Unlock()
			}
		})
	}
}

// TestSqueezeEndsWhereNothingFlows has publishers send nothing any more, since nobody gets it.
func TestSqueezeEndsWhereNothingFlows(t *testing.T) {
	h := newHouse(t)
	g := newGallery(h, 1)
	g.pass(time.Second)
	h.sfu.Squeeze(alloc.MostSqueeze)
	g.pass(time.Second)
	h.sfu.Squeeze(0)
	h.pass(reportInterval)
	g.conn.sender.retry(h.now)
	g.settle()
	if q := g.told()[0]; q.Layer < 0 {
		t.Errorf("%+v", q)
	}
}
