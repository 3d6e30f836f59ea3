package sfu

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"parley/sfu/dtlssrtp"
)

// TestSendingLinesOfFirefox has lines that are bundled from the start (RFC 9143, 6): their port is 0.
func TestSendingLinesOfFirefox(t *testing.T) {
	const home = "{d0fe8ce9-8acd-4dbe-8bf5-f530037df62b}"
	want := []expected{
		{
			mid: "0", kind: "audio", stream: home, track: "{aea63346-1730-4471-bf7e-98203d413c18}",
			extensions: extensionIDs{mid: 3, transport: 7, level: 1}, ssrcs: []uint32{34458548},
			formats: map[uint8]string{109: "audio/opus/48000/2/0"},
		},
		{
			mid: "1", kind: "video", stream: home, track: "{54349aa2-b898-4869-a800-e0bfdc705356}",
			extensions: extensionIDs{mid: 3, rid: 9, repairedRID: 10, transport: 7, dependency: 8},
			ssrcs:      []uint32{310157012, 183466738, 2160871809},
			repairs:    map[uint32]uint32{2378309645: 310157012, 2431668259: 183466738, 57973382: 2160871809},
			formats:    map[uint8]string{120: "video/VP8/90000/0/0", 124: "video/rtx/90000/0/120"},
		},
	}
	text := description(t, "firefox")
	check(t, parseSending(text), want)
	check(t, parseSending(strings.ReplaceAll(text, "a=bundle-only\r\n", "")), want[:1])
}

func TestDirectionWithBareLineEnds(t *testing.T) {
	text := strings.ReplaceAll(description(t, "chromium"), "\r\n", "\n")
	if n := len(parseSending(strings.ReplaceAll(text, "sendonly", "recvonly"))); n != 0 {
		t.Errorf("%d lines", n)
	}
}

// TestNewcomerWhoMissedTheKeyframe is ready after the keyframe that was made for it: just now, or long ago.
func TestNewcomerWhoMissedTheKeyframe(t *testing.T) {
	for _, late := range []time.Duration{30 * time.Millisecond, time.Second} {
		h := newHouse(t)
		a, b := h.join("a"), h.joinUnready("b")
		a.describe(offer(cameraLine))
		a.send(picture(1, 64))
		a.settle()
		b.watch(a.track("1"), videoSeat())
		h.pass(30 * time.Millisecond)
		a.send(picture(2, 64))
		h.pass(late)
		b.ready()
		before := len(of[*rtcp.PictureLossIndication](a.rtcp))
		for i := range 10 {
			h.pass(30 * time.Millisecond)
			a.send(picture(uint16(3+i), 0))
		}
		asked := len(of[*rtcp.PictureLossIndication](a.rtcp)) > before
		if soon := late < keyframeInterval; asked == soon || len(b.sequences(42)) > 0 != soon {
			t.Errorf("after %v: a keyframe was asked for: %v; %d packets came", late, asked, len(b.sequences(42)))
		}
	}
}

// TestSenderReportAfterALatePacket has an old packet come last.
func TestSenderReportAfterALatePacket(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(cameraLine))
	a.send(picture(1, 64))
	a.settle()
	down := b.watch(a.track("1"), videoSeat())
	a.send(picture(2, 64), picture(32, 0))
	before := down.report(h.now).(*rtcp.SenderReport).RTPTime
	a.send(picture(3, 0))
	if after := down.report(h.now).(*rtcp.SenderReport).RTPTime; after != before {
		t.Errorf("the same instant is %d, then %d", before, after)
	}
}

// TestSlowLoopBindsOnce has a loop so busy that a stream is asked about twice before the first answer.
func TestSlowLoopBindsOnce(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(cameraLine))
	a.send(picture(1, 64))
	h.pass(2 * askAgain)
	a.send(picture(2, 64))
	posted := a.peer.inbox.Take()
	if err := posted[0].do(a.peer); err != nil {
		t.Fatal(err)
	}
	b.watch(a.track("1"), videoSeat())
	a.send(picture(3, 64))
	for _, later := range posted[1:] {
		if err := later.do(a.peer); err != nil {
			t.Fatal(err)
		}
	}
	a.send(picture(4, 0))
	if got := b.sequences(42); !slices.Equal(got, []uint16{3, 4}) {
		t.Errorf("forwarded %v", got)
	}
}

// TestFailedPathIsNotSentTo has ICE give the path up (RFC 7675, 5.1).
func TestFailedPathIsNotSentTo(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(cameraLine))
	a.send(picture(1, 64))
	a.settle()
	b.watch(a.track("1"), videoSeat())
	a.send(picture(2, 64))
	if err := (pathChanged{b.conn, webrtc.ICEConnectionStateFailed}).do(b.peer); err != nil {
		t.Fatal(err)
	}
	a.send(picture(3, 0))
	if got := b.sequences(42); !slices.Equal(got, []uint16{2}) {
		t.Errorf("sent %v", got)
	}
}

// TestLatePacketOfAFormerSSRC comes when the line has gone on with another.
func TestLatePacketOfAFormerSSRC(t *testing.T) {
	h := newHouse(t)
	a := h.join("a")
	a.describe(offer(camerasLine))
	o := out{ssrc: 900, pt: 96, sequence: 1, mid: "1", rid: "f", payload: vp8(70, 64, "key")}
	a.send(o)
	a.settle()
	next := o
	next.ssrc = 901
	a.send(next)
	a.settle()
	o.sequence, o.mid, o.rid = 2, "", "" // Chromium says it no more once it was acknowledged
	a.send(o)
	a.settle()
	var rids []string
	for _, l := range a.track("1").allLayers() {
		rids = append(rids, fmt.Sprintf("%q of %d", l.rid, l.ssrc))
	}
	if !slices.Equal(rids, []string{`"f" of 901`}) {
		t.Errorf("layers %v", rids)
	}
}

// TestLineThatPauses has a camera in three sizes go on after a pause. Its packets do not say again what they are.
func TestLineThatPauses(t *testing.T) {
	h := newHouse(t)
	a := h.join("a")
	send := func(sequence uint16, told bool) {
		for i, rid := range []string{"q", "h", "f"} {
			o := out{ssrc: 900 + uint32(i), pt: 96, sequence: sequence, payload: vp8(1, 64, rid)}
			if told {
				o.mid, o.rid = "1", rid
			}
			a.send(o)
		}
		h.pass(askAgain)
		a.settle()
	}
	a.describe(offer(camerasLine))
	send(1, true)
	a.describe(offer(strings.Replace(camerasLine, "sendonly", "inactive", 1)))
	a.describe(offer(camerasLine))
	for i := range 5 {
		send(uint16(2+i), false)
	}
	if n := len(a.track("1").allLayers()); n != 3 {
		t.Errorf("%d layers", n)
	}
}

// TestFirstPacketsAreLost has a newcomer miss what comes first, at the end of the publisher's numbers.
func TestFirstPacketsAreLost(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(cameraLine))
	a.send(picture(65_530, 64))
	a.settle()
	b.watch(a.track("1"), videoSeat())
	fresh := b.session
	_, b.session = sessions(t, srtp.ProtectionProfileAeadAes128Gcm) // opens what is lost
	for i := range uint16(10) {
		a.send(picture(65_531+i, 64))
	}
	b.session = fresh
	a.send(picture(10, 0))
}

// TestBrokenRedundancy is dropped, not taken for Opus.
func TestBrokenRedundancy(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(micLine))
	o := out{ssrc: 100, pt: 111, sequence: 1, payload: []byte("x")}
	a.send(o)
	a.settle()
	opus := webrtc.RTPCodecParameters{RTPCodecCapability: capability(webrtc.MimeTypeOpus), PayloadType: 111}
	b.watch(a.track("0"), seat{binding: binding{codecs: []webrtc.RTPCodecParameters{opus}}, ssrc: 42})
	o.sequence, o.pt, o.payload = 2, 63, []byte{0x80 | 111, 0xff, 0xff, 0xff, 111, 1}
	a.send(o)
	if len(b.rtp) > 0 {
		t.Errorf("got %v", &b.rtp[0])
	}
}

// TestRedundancyOfOtherNumbers has blocks in it that name a payload type (RFC 2198, 3) that the receiver gives to
// nothing.
func TestRedundancyOfOtherNumbers(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(micLine))
	o := out{ssrc: 100, pt: 63, sequence: 1, payload: append([]byte{111}, "sound"...)}
	a.send(o)
	a.settle()
	opus := webrtc.RTPCodecParameters{RTPCodecCapability: capability(webrtc.MimeTypeOpus), PayloadType: 109}
	red := webrtc.RTPCodecParameters{RTPCodecCapability: capability(mimeTypeRED), PayloadType: 63}
	b.watch(a.track("0"), seat{binding: binding{codecs: []webrtc.RTPCodecParameters{opus, red}}, ssrc: 42})
	o.sequence = 2
	a.send(o)
	if p := b.rtp[0]; p.PayloadType != 109 || !bytes.Equal(p.Payload, []byte("sound")) {
		t.Errorf("got %v", &p)
	}
}

// TestStreamsOfASessionAreBounded has a client send on ever more SSRCs.
func TestStreamsOfASessionAreBounded(t *testing.T) {
	server, client := sessions(t, srtp.ProtectionProfileAeadAes128Gcm)
	taken := 0
	for ssrc := range uint32(20_000) {
		stream, err := client.Stream(ssrc)
		if err != nil {
			t.Fatal(err)
		}
		packet, _ := (out{ssrc: ssrc}).header().Marshal()
		sealed, err := stream.Seal(append(make([]byte, 0, len(packet)+dtlssrtp.Overhead), packet...), len(packet))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := server.OpenRTP(sealed); err == nil {
			taken++
		}
	}
	if taken > 5000 {
		t.Errorf("there is state for %d streams", taken)
	}
}
