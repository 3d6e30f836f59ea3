package sfu

import (
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// asked counts the keyframes that a guest was asked for.
func (g *guest) asked() int { return len(of[*rtcp.PictureLossIndication](g.rtcp)) }

// slot does a loop's regular work on what the guest receives.
func (g *guest) slot() { g.conn.sender.retry(g.now) }

// TestJoinerBeginsWithTheKeyframeThatCameJustNow has two join one after the other.
func TestJoinerBeginsWithTheKeyframeThatCameJustNow(t *testing.T) {
	h := newHouse(t)
	a, b, c := h.join("a"), h.join("b"), h.join("c")
	a.describe(offer(cameraLine))
	a.send(picture(1, 0))
	a.settle()
	a.send(picture(2, 0))
	b.watch(a.track("1"), videoSeat())
	if a.asked() != 1 {
		t.Fatalf("asked %d times", a.asked())
	}
	h.pass(30 * time.Millisecond)
	a.send(picture(3, 64))
	for sequence := uint16(4); sequence < 13; sequence++ {
		h.pass(33 * time.Millisecond)
		a.send(picture(sequence, 0))
	}
	c.watch(a.track("1"), videoSeat())
	a.send(picture(13, 0), picture(14, 0))
	first, second := b.sequences(42), c.sequences(42)
	if len(first) != 12 || len(second) != 12 {
		t.Fatalf("the first has got %d packets, the second %d", len(first), len(second))
	}
	for i := range second {
		want := second[0] + uint16(i)
		if stamp := b.rtp[i].Timestamp; second[i] != want || c.rtp[i].Timestamp != stamp {
			t.Errorf("packet %d: number %d, want %d, timestamp %d of %d", i, second[i], want, c.rtp[i].Timestamp, stamp)
		}
	}
	if payload := c.rtp[0].Payload; payload[4]&1 != 0 {
		t.Errorf("begins with %x, which is no keyframe", payload)
	}
	h.pass(2 * keyframeInterval)
	a.send(picture(15, 0))
	if a.asked() != 1 {
		t.Errorf("asked %d times", a.asked())
	}
}

// TestJoinersWithPacketsThatComeLate has two join while what was lost comes again: a packet from before the keyframe,
// and one of the run itself.
func TestJoinersWithPacketsThatComeLate(t *testing.T) {
	h := newHouse(t)
	a := h.join("a")
	a.describe(offer(cameraLine))
	a.send(picture(1, 0))
	a.settle()
	a.send(picture(2, 0), picture(4, 64)) // 3 is missing
	h.pass(20 * time.Millisecond)
	a.send(picture(5, 0), picture(7, 0)) // and 6
	a.send(picture(3, 0))
	for _, id := range []string{"b", "c"} {
		b := h.join(id)
		b.watch(a.track("1"), videoSeat())
		if id == "b" {
			a.send(picture(6, 0))
			a.send(picture(8, 0))
		} else {
			a.send(picture(9, 0))
		}
		ids := make([]byte, 0, 8)
		for _, p := range b.rtp {
			ids = append(ids, byte(p.Timestamp/3000))
			if i := len(ids) - 1; p.SequenceNumber != b.rtp[0].SequenceNumber+uint16(i) {
				t.Errorf("%s: packet %d has number %d after %d", id, i, p.SequenceNumber, b.rtp[0].SequenceNumber)
			}
		}
		want := []byte{4, 5, 6, 7, 8}
		if id == "c" {
			want = append(want, 9)
		}
		if string(ids) != string(want) {
			t.Errorf("%s got %d, want %d", id, ids, want)
		}
	}
	if a.asked() > 0 {
		t.Errorf("asked %d times", a.asked())
	}
}

// TestJoinerWhileNothingComes is of a still picture, whose keyframe came just now.
func TestJoinerWhileNothingComes(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(cameraLine))
	a.send(picture(1, 64))
	a.settle()
	a.send(picture(2, 64))
	h.pass(2 * runPause)
	down := b.conn.sender.add(a.track("1"), tileSize{})
	if _, err := down.Bind(videoSeat()); err != nil {
		t.Fatal(err)
	}
	subscribe(down, h.now)
	if a.asked() != 1 {
		t.Errorf("asked %d times", a.asked())
	}
}

// TestJoinerAfterTheRunIsOver needs a keyframe of its own.
func TestJoinerAfterTheRunIsOver(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(cameraLine))
	a.send(picture(1, 64))
	a.settle()
	a.send(picture(2, 64))
	h.pass(keyframeInterval)
	a.send(picture(3, 0))
	b.watch(a.track("1"), videoSeat())
	a.send(picture(4, 0))
	if n := len(b.sequences(42)); n > 0 || a.asked() != 1 {
		t.Errorf("%d packets came, asked %d times", n, a.asked())
	}
}

// TestStillPictureIsAskedAgain loses the request for a keyframe of a screen that shows nothing new.
func TestStillPictureIsAskedAgain(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(screenLine))
	still := func(sequence uint16, width byte) {
		p := picture(sequence, width)
		p.ssrc = 300
		a.send(p)
	}
	still(1, 64)
	a.settle()
	still(2, 64)
	h.pass(10 * time.Second)
	b.watch(a.track("2"), videoSeat())
	for range 4 {
		h.pass(reportInterval)
		b.slot()
	}
	if n := a.asked(); n < 4 {
		t.Errorf("asked %d times in 4 s", n)
	}
	still(3, 64)
	before := a.asked()
	h.pass(reportInterval)
	b.slot()
	if n := len(b.sequences(42)); n != 1 || a.asked() != before {
		t.Errorf("%d packets, asked %d times more", n, a.asked()-before)
	}
}

// TestLossWhileAnotherLayerIsAwaited has the layer that flows asked too.
func TestLossWhileAnotherLayerIsAwaited(t *testing.T) {
	h := newHouse(t)
	a, b := newCameras(h.join("a")), h.join("b")
	b.carry(a.track("1"))
	b.view(16, 16)
	a.run(time.Second, nil)
	b.view(64, 64)
	a.rtcp = nil
	h.pass(keyframeInterval)
	b.control(&rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 42})
	flowing := false
	for _, pli := range of[*rtcp.PictureLossIndication](a.rtcp) {
		flowing = flowing || pli.MediaSSRC == 900
	}
	if !flowing {
		t.Error("the layer that flows was not asked for a keyframe")
	}
}

// descriptor is a dependency descriptor (AV1 RTP, A.8.1) of a stream of one layer whose structure has that id; only
// that of a keyframe's first packet has the structure in it.
func descriptor(first, last, key bool, id, number int) []byte {
	var bits string
	put := func(value, width int) { bits += fmt.Sprintf("%0*b", width, value) }
	flag := func(set bool) int {
		if set {
			return 1
		}
		return 0
	}
	put(flag(first), 1)
	put(flag(last), 1)
	put(id, 6)
	put(number, 16)
	if first {
		put(flag(key), 1) // structure present
		put(0, 2)         // active decode targets, custom decode target indications
		put(1, 1)         // custom frame differences
		put(0, 1)         // custom chains
		if key {
			put(id, 6)
			put(0, 5) // one decode target
			put(3, 2) // one template
			put(2, 2) // required by it
			put(0, 1) // no frame differences
			put(0, 1) // no chains
			put(0, 1) // no resolutions
			put(0, 2) // refers to nothing
		} else {
			put(1, 2) // refers to
			put(0, 4) // the frame before
			put(0, 2)
		}
	}
	d := make([]byte, (len(bits)+7)/8)
	for i, bit := range bits {
		if bit == '1' {
			d[i/8] |= 0x80 >> (i % 8)
		}
	}
	return d
}

// TestUnreadableKeyframeIsAskedAgain loses the first packet of a keyframe, with it its structure, and gets it again too
// late for the others.
func TestUnreadableKeyframeIsAskedAgain(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer("m=video 9 UDP/TLS/RTP/SAVPF 106 107\r\na=mid:1\r\na=sendonly\r\na=msid:home cam\r\n" +
		"a=rtpmap:106 AV1/90000\r\na=rtpmap:107 rtx/90000\r\na=fmtp:107 apt=106\r\n" +
		"a=ssrc:200 cname:x\r\na=ssrc:201 cname:x\r\na=ssrc-group:FID 200 201\r\n" +
		"a=extmap:13 " + dependencyURI + "\r\n"))
	part := func(sequence uint16, first, last, key bool, id, number int) out {
		return out{
			ssrc: 200, pt: 106, sequence: sequence, timestamp: 3000 * uint32(number), marker: last,
			payload: []byte{0x10, 1, 2, 3}, descriptor: descriptor(first, last, key, id, number),
		}
	}
	frame := func(sequence uint16, key bool, id, number int) out {
		return part(sequence, true, true, key, id, number)
	}
	a.send(frame(1, true, 0, 1))
	a.settle()
	again := repair(frame(1, true, 0, 1), 201, 1)
	again.pt = 107
	a.send(again)
	a.settle()
	a.send(frame(2, true, 0, 2))
	codecs := []webrtc.RTPCodecParameters{{RTPCodecCapability: a.track("1").codec, PayloadType: 106}}
	b.watch(a.track("1"), seat{binding: binding{codecs: codecs}, ssrc: 42})
	h.pass(33 * time.Millisecond)
	a.send(frame(3, false, 0, 3))
	if len(b.rtp) != 2 {
		t.Fatalf("%d packets came", len(b.rtp))
	}
	b.control(&rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 42})
	if a.asked() != 1 {
		t.Fatalf("asked %d times", a.asked())
	}
	h.pass(100 * time.Millisecond)
	a.send(part(5, false, false, false, 10, 4), part(6, false, true, false, 10, 4)) // the structure has another id
	h.pass(30 * time.Millisecond)
	again = repair(part(4, true, false, true, 10, 4), 201, 2)
	again.pt = 107
	a.send(again)
	for i := range 30 {
		h.pass(33 * time.Millisecond)
		a.send(frame(uint16(7+i), false, 10, 5+i))
	}
	if a.asked() < 2 {
		t.Error("not asked again: what was in the unreadable packets is missing for ever")
	}
}
