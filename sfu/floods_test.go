package sfu

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// wideSeat is a line whose extensions have ids that only the two-byte form could carry.
type wideSeat struct{ seat }

func (wideSeat) HeaderExtensions() []webrtc.RTPHeaderExtensionParameter {
	return []webrtc.RTPHeaderExtensionParameter{{URI: sdp.TransportCCURI, ID: 30}, {URI: audioLevelURI, ID: 31}}
}

// TestWideExtensionIDs has a packet of sound with a single byte go to a client that chose large ids.
func TestWideExtensionIDs(t *testing.T) {
	h := newHouse(t)
	h.control()
	a, b := h.join("a"), h.join("b")
	a.describe(offer(micLine))
	sound := out{ssrc: 100, pt: 111, sequence: 1, timestamp: 960, level: 7, payload: []byte{0xf8}}
	a.send(sound)
	a.settle()
	down := b.conn.sender.add(a.track("0"), tileSize{})
	opus := withRTX(webrtc.MimeTypeOpus)[:1]
	if _, err := down.Bind(wideSeat{seat{binding: binding{codecs: opus}, ssrc: 42}}); err != nil || !down.decodable {
		t.Fatal(err, down.decodable)
	}
	subscribe(down, h.now)
	for _, payload := range [][]byte{{0xf8}, {0xf8, 1, 2, 3, 4, 5, 6, 7, 8}} {
		sound.sequence++
		sound.payload = payload
		a.send(sound)
		if got := b.rtp[len(b.rtp)-1]; string(got.Payload) != string(payload) || got.Extension {
			t.Errorf("%x became %+v", payload, got)
		}
	}
}

// TestSmallPacketsInAFlood has a publisher send 25,000 packets a second to somebody for whom they are too many.
func TestSmallPacketsInAFlood(t *testing.T) {
	h := newHouse(t)
	h.control()
	a, b := h.join("a"), h.join("b")
	a.describe(offer(cameraLine))
	a.send(picture(1, 64))
	a.settle()
	a.send(picture(2, 64))
	b.watch(a.track("1"), videoSeat())
	most := 0
	for i := range 50_000 {
		asked := a.asked() > 0
		a.rtcp = nil
		width := byte(0)
		if asked {
			width = 64
		}
		a.send(picture(uint16(3+i), width))
		h.pass(40 * time.Microsecond)
		if i%125 == 0 {
			h.sfu.clock.turn(h.now)
		}
		most = max(most, b.conn.sender.control.Packets())
	}
	if most < 100 || most > 1100 {
		t.Errorf("%d packets waited", most)
	}
}

// TestWhoLeavesAsksForNoKeyframes has somebody leave for whom most pictures are paused.
func TestWhoLeavesAsksForNoKeyframes(t *testing.T) {
	h := newHouse(t)
	h.control()
	const people = 20
	slow := h.join("slow")
	cameras := make([]*guest, people)
	for i := range cameras {
		a := h.join(fmt.Sprint("camera", i))
		a.describe(offer(cameraLine))
		a.send(picture(1, 64))
		a.settle()
		a.send(picture(2, 64))
		s := videoSeat()
		s.ssrc, s.rtx = webrtc.SSRC(1000+i), webrtc.SSRC(2000+i)
		up := a.track("1")
		slow.conn.lines.active[up] = &line{down: slow.watch(up, s), open: true}
		cameras[i] = a
	}
	for frame := range 150 {
		for _, a := range cameras {
			p := picture(uint16(3+frame), 0)
			p.payload = append(p.payload, make([]byte, 500)...)
			a.send(p)
		}
		h.pass(33 * time.Millisecond)
		h.sfu.clock.turn(h.now)
	}
	paused := 0
	for _, d := range slow.conn.sender.tracks {
		if d.choice.layer == nil {
			paused++
		}
	}
	if paused == 0 || paused == people {
		t.Fatalf("%d of %d are paused", paused, people)
	}
	h.pass(keyframeInterval)
	for _, a := range cameras {
		a.rtcp = nil
	}
	slow.conn.lines.close()
	for i, a := range cameras {
		if a.asked() > 0 {
			t.Errorf("camera %d was asked for a keyframe", i)
		}
		for _, l := range a.track("1").allLayers() {
			if l.demand.wanted != 0 {
				t.Errorf("camera %d is still wanted", i)
			}
		}
	}
}

// TestWhatWaitsKeepsItsOrderAcrossBatches has the pace clock and a reader send at the same time.
func TestWhatWaitsKeepsItsOrderAcrossBatches(t *testing.T) {
	h := newHouse(t)
	h.control()
	a, b := newCameras(h.join("a")), h.join("b")
	a.sizes = []byte{0, 0, 64}
	s := videoSeat()
	s.numbered = true
	b.watch(a.track("1"), s)
	a.run(2*time.Second, nil)
	for range 400 {
		a.frame(false)
	}
	b.rtp = nil
	h.pass(20 * time.Millisecond)
	clock, reader := h.conn.Batch(), h.conn.Batch()
	b.conn.sender.turn(h.now, clock) // and goes on with other senders
	waiting := b.conn.sender.control.Packets()
	h.pass(10 * time.Millisecond)
	b.conn.sender.received(0, time.Millisecond, h.now, reader)
	reader.Done()
	clock.Done()
	b.turn()
	if waiting == 0 || b.conn.sender.control.Packets() >= waiting {
		t.Fatalf("%d waited, then %d", waiting, b.conn.sender.control.Packets())
	}
	numbers := b.sequences(42)
	for i := range numbers[1:] {
		if numbers[i+1] != numbers[i]+1 {
			t.Fatalf("%d after %d", numbers[i+1], numbers[i])
		}
	}
}

// TestFeedbackOnFarTooManyPackets has a client tell of thousands of packets, again and again.
func TestFeedbackOnFarTooManyPackets(t *testing.T) {
	h := newHouse(t)
	h.control()
	a := h.join("a")
	packet := make([]byte, 24)
	packet[0], packet[1], packet[3] = 2<<6|15, 205, 5
	binary.BigEndian.PutUint16(packet[14:], 4096)
	binary.BigEndian.PutUint16(packet[20:], 4096) // a run of packets that did not come
	heard := 0
	for range 10_000 {
		before := a.conn.sender.statuses
		a.conn.sender.feedback(packet, h.now, nil)
		if a.conn.sender.statuses < before || before == 0 {
			heard++
		}
		h.pass(100 * time.Microsecond)
	}
	if heard > 20 {
		t.Errorf("%d were heard in a second", heard)
	}
	h.pass(time.Second)
	if !a.conn.sender.spend(h.now, 4096) {
		t.Error("nothing more is heard of")
	}
}

// TestOnlySoManyEncodings has a client send more encodings than anybody needs.
func TestOnlySoManyEncodings(t *testing.T) {
	h := newHouse(t)
	a := h.join("a")
	a.describe(offer(camerasLine))
	for i := range 20 {
		p := picture(1, 64)
		p.ssrc, p.mid, p.rid = 900+uint32(i), "1", fmt.Sprint("r", i)
		a.send(p)
		a.settle()
	}
	if n := len(a.track("1").allLayers()); n != maxLayers {
		t.Errorf("%d layers", n)
	}
}

// TestAnotherTrackOnALine has a share end while encodings are switched off, and another begin on its line.
func TestAnotherTrackOnALine(t *testing.T) {
	h := newHouse(t)
	a := newCameras(h.join("a"))
	slot := func() { a.peer.switchLayers(a.now) }
	a.run(2*switchOffAfter, slot)
	if active := a.wanted(); len(active) != 3 || active["q"] || active["h"] || active["f"] {
		t.Fatalf("told %v", active)
	}
	a.describe("v=0\r\ns=-\r\n" + extensions)
	a.describe(offer(camerasLine))
	a.conn.secured = true
	a.peer.publishSending(a.conn)
	if a.conn.published["1"] == nil {
		a.peer.publish(a.conn, &a.conn.sending[0], capability(webrtc.MimeTypeVP8))
	}
	for _, rid := range []string{"q", "h", "f"} {
		if !a.wanted()[rid] {
			t.Errorf("told %v: %s stays off, and nobody learns that there is one", a.wanted(), rid)
		}
	}
}

// TestPublisherThatCannotSend says that its uplink is too narrow, and sends no picture for a while.
func TestPublisherThatCannotSend(t *testing.T) {
	h := newHouse(t)
	a, b, c := newCameras(h.join("a")), h.join("b"), h.join("c")
	b.carry(a.track("1"))
	c.carry(a.track("1"))
	c.view(0, 0)
	slot := func() { a.peer.switchLayers(a.now); b.settle(); c.settle() }
	a.run(time.Second, slot)
	a.peer.Limited("1", ForBandwidth)
	a.settle()
	a.run(time.Second, slot)
	if q := b.told(); q.Layer < 0 || q.Why != ForUplink {
		t.Fatalf("while it sends: %+v", q)
	}
	for range 6 {
		h.pass(time.Second)
		slot()
	}
	if q := b.told(); q.Layer != -1 || q.Why != ForUplink {
		t.Errorf("when nothing comes: %+v", q)
	}
	if q := c.told(); q.Why != ForChoice {
		t.Errorf("who hides it is told %+v", q)
	}
	a.run(time.Second, slot)
	if q := b.told(); q.Layer < 0 {
		t.Errorf("when it comes again: %+v", q)
	}
}

// TestCameraThatIsSwitchedOff ends what limits the picture, as a page does, and sends nothing.
func TestCameraThatIsSwitchedOff(t *testing.T) {
	h := newHouse(t)
	a, b := newCameras(h.join("a")), h.join("b")
	b.carry(a.track("1"))
	slot := func() { a.peer.switchLayers(a.now); b.settle() }
	a.run(time.Second, slot)
	a.peer.Limited("1", ForBandwidth)
	a.settle()
	for range 6 {
		h.pass(time.Second)
		slot()
	}
	if q := b.told(); q.Layer != -1 {
		t.Fatalf("told %+v", q)
	}
	a.peer.Limited("1", Unlimited)
	a.settle()
	b.settle()
	for range 6 {
		h.pass(time.Second)
		slot()
	}
	if q := b.told(); q.Layer < 0 || q.Why != Unlimited {
		t.Errorf("told %+v", q)
	}
}

// TestKeyframeOfSound is asked for by somebody who does not know what that is.
func TestKeyframeOfSound(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(micLine))
	sound := out{ssrc: 100, pt: 111, sequence: 1, timestamp: 960, payload: []byte{0xf8}}
	a.send(sound)
	a.settle()
	opus := withRTX(webrtc.MimeTypeOpus)[:1]
	b.watch(a.track("0"), seat{binding: binding{codecs: opus}, ssrc: 42})
	sound.sequence++
	a.send(sound)
	b.control(&rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 42},
		&rtcp.FullIntraRequest{SenderSSRC: 1, FIR: []rtcp.FIREntry{{SSRC: 42, SequenceNumber: 1}}})
	sound.sequence++
	a.send(sound)
	if n := len(b.sequences(42)); n != 2 || a.asked() > 0 {
		t.Errorf("%d packets of sound, asked %d times", n, a.asked())
	}
}

// TestLimitFromBeforeTheTrack tells what limits a picture before that comes.
func TestLimitFromBeforeTheTrack(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.peer.Limited("1", ForCPU)
	a.settle()
	cameras := newCameras(a)
	b.carry(a.track("1"))
	cameras.run(time.Second, nil)
	b.settle()
	if q := b.told(); q.Why != ForCPU {
		t.Errorf("told %+v", q)
	}
}
