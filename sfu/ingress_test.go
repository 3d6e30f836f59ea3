package sfu

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"parley/sfu/codec"
	"parley/sfu/feedback"
)

// TestGapsAreAskedFor loses packets and their retransmissions on the way up.
func TestGapsAreAskedFor(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(cameraLine))
	a.send(picture(10, 64))
	a.settle()
	a.send(repair(picture(10, 64), 201, 1)) // what it repairs is known, so what it is can be told
	a.settle()
	b.watch(a.track("1"), videoSeat())

	h.pass(20 * time.Millisecond)
	a.send(picture(11, 64), picture(12, 0))
	lost := []out{picture(13, 0), picture(14, 0)}
	a.send(picture(15, 0))
	h.pass(20 * time.Millisecond)
	a.send(picture(16, 0))
	nacks := of[*rtcp.TransportLayerNack](a.rtcp)
	if len(nacks) != 1 || nacks[0].MediaSSRC != 200 || nacks[0].SenderSSRC != a.conn.transport.ssrc {
		t.Fatalf("asked %v", nacks)
	}
	if asked := slices.Concat(nacks[0].Nacks[0].PacketList()); !slices.Equal(asked, []uint16{13, 14}) {
		t.Fatalf("asked for %v", asked)
	}

	// Of two retransmissions the first is lost; nobody asks for that one.
	a.send(repair(lost[1], 201, 3))
	h.pass(30 * time.Millisecond)
	a.send(repair(lost[1], 201, 4), repair(picture(16, 0), 201, 5)) // both are there
	a.send(lost[1])                                                 // late, after its retransmission
	h.pass(30 * time.Millisecond)
	a.send(repair(lost[0], 201, 6))
	h.pass(30 * time.Millisecond)
	a.send(picture(17, 0))
	for _, nack := range of[*rtcp.TransportLayerNack](a.rtcp) {
		if nack.MediaSSRC != 200 {
			t.Errorf("asked for %d of %d", nack.Nacks[0].PacketID, nack.MediaSSRC)
		}
	}
	if got := b.sequences(42); !slices.Equal(got, []uint16{11, 12, 15, 16, 14, 13, 17}) {
		t.Errorf("forwarded %v", got)
	}
	for _, p := range b.rtp {
		if !bytes.Equal(p.Payload, picture(p.SequenceNumber, 0).payload) && p.SequenceNumber != 11 {
			t.Errorf("packet %d: %x", p.SequenceNumber, p.Payload)
		}
		if p.Timestamp != 3000*uint32(p.SequenceNumber) || p.PayloadType != 100 || !p.Marker {
			t.Errorf("packet %d: %+v", p.SequenceNumber, p.Header)
		}
	}
}

// TestStreamsAreTold has streams say what they are in all the ways there are.
func TestStreamsAreTold(t *testing.T) {
	const front, back, frontRTX, backRTX = 501, 502, 503, 504
	layer := func(ssrc uint32, sequence uint16, mid, rid string) out {
		return out{ssrc: ssrc, pt: 96, sequence: sequence, mid: mid, rid: rid, payload: vp8(1, 64, rid)}
	}
	again := func(ssrc uint32, mid, rrid string, of uint16) out {
		return out{
			ssrc: ssrc, pt: 97, sequence: 1, mid: mid, repairedRID: rrid, payload: append([]byte{0, byte(of)}, vp8(1, 0, "")...),
		}
	}
	empty := func(o out) out { o.payload, o.padding = nil, 200; return o }
	type told struct {
		rid    string
		repair bool
	}
	for name, test := range map[string]struct {
		text    string
		packets []out
		want    map[uint32]told
	}{
		"rid in the first packet alone": {
			offer(camerasLine), []out{
				layer(front, 1, "1", "f"), layer(front, 2, "", ""), layer(back, 1, "1", "q"), layer(back, 2, "", ""),
			},
			map[uint32]told{front: {"f", false}, back: {"q", false}},
		},
		"padding first": {
			offer(camerasLine), []out{empty(layer(front, 1, "1", "f")), layer(front, 2, "", ""), layer(front, 3, "", "")},
			map[uint32]told{front: {"f", false}},
		},
		"retransmission first, by rid": {
			offer(camerasLine), []out{
				again(frontRTX, "1", "f", 1), layer(back, 9, "1", "q"), layer(front, 2, "1", "f"),
				again(frontRTX+100, "", "", 1), {ssrc: frontRTX, pt: 97, sequence: 2}, again(backRTX, "1", "q", 8),
			},
			map[uint32]told{front: {"f", false}, back: {"q", false}, frontRTX: {"f", true}, backRTX: {"q", true}},
		},
		"retransmission first, declared": {
			offer(cameraLine, screenLine), []out{again(201, "", "", 1), picture(2, 64), {ssrc: 201, pt: 97, sequence: 2}},
			map[uint32]told{200: {"", false}, 201: {"", true}},
		},
		"Firefox: rids and declared as well, retransmission first": {
			offer(camerasLine + "a=ssrc:501 cname:x\r\na=ssrc:502 cname:x\r\na=ssrc:503 cname:x\r\na=ssrc:504 cname:x\r\n" +
				"a=ssrc-group:FID 501 503\r\na=ssrc-group:FID 502 504\r\n"), []out{
				again(frontRTX, "", "", 1), layer(back, 9, "1", "q"), layer(front, 2, "1", "f"),
				{ssrc: frontRTX, pt: 97, sequence: 2}, again(backRTX, "1", "q", 8),
			},
			map[uint32]told{front: {"f", false}, back: {"q", false}, frontRTX: {"f", true}, backRTX: {"q", true}},
		},
		"by payload type alone": {
			offer(micLine, camerasLine), []out{{ssrc: 7, pt: 63, payload: []byte{111, 1}}},
			map[uint32]told{7: {}},
		},
		"no line": {
			offer(cameraLine, screenLine), []out{
				layer(600, 1, "9", "f"), layer(601, 1, "", ""), {ssrc: 602, pt: 13}, {ssrc: 200, pt: 99},
			},
			map[uint32]told{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			g := h.join("g")
			g.describe(test.text)
			for _, o := range test.packets {
				g.send(o)
				h.pass(askAgain)
				g.settle()
			}
			got := make(map[uint32]told)
			for ssrc, s := range g.conn.ingress.sources {
				got[ssrc] = told{s.layer.rid, s.repair}
			}
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// TestUnknownStreamsAreBounded has a client send on any number of streams that no line has.
func TestUnknownStreamsAreBounded(t *testing.T) {
	h := newHouse(t)
	g := h.join("g")
	g.describe(offer(cameraLine, screenLine))
	begun := g.now
	stranger := func(i int) out {
		return out{ssrc: 10_000 + uint32(i), pt: 96, sequence: uint16(g.now.Sub(begun).Milliseconds())}
	}
	for i := range 3 * maxSaid {
		g.send(stranger(i))
	}
	if asked := g.asks(); len(asked) != maxSaid {
		t.Fatalf("asked about %d", len(asked))
	}
	h.pass(askAgain - time.Millisecond)
	g.send(stranger(0))
	if asked := g.asks(); len(asked) != 0 {
		t.Error("asked again too soon")
	}
	h.pass(time.Millisecond)
	again := stranger(0)
	again.mid, again.pt = "7", 97
	g.send(again)
	if asked := g.asks(); len(asked) != 1 || asked[0].mid != "7" || asked[0].payloadType != 97 {
		t.Errorf("asked again %+v", asked)
	}
	if known := len(g.conn.ingress.sources); known != 0 {
		t.Errorf("%d streams are known", known)
	}
}

// TestUnknownStreamsMakeRoom has streams that were never told, long ago.
func TestUnknownStreamsMakeRoom(t *testing.T) {
	h := newHouse(t)
	a := h.join("a")
	a.describe(offer(cameraLine, screenLine))
	for i := range maxSaid {
		a.send(out{ssrc: 5000 + uint32(i), pt: 96, sequence: 1})
		a.settle()
	}
	h.pass(time.Minute)
	a.send(picture(1, 64))
	a.settle()
	if a.conn.ingress.sources[200] == nil {
		t.Error("no stream is told any more")
	}
}

// TestStreamChangesItsSSRC has a line go on with another SSRC, as after a restart of the encoder, and end.
func TestStreamChangesItsSSRC(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(camerasLine))
	first := out{ssrc: 900, pt: 96, sequence: 32_766, timestamp: 100, mid: "1", rid: "f", payload: vp8(70, 64, "key")}
	a.send(first)
	a.settle()
	up := a.track("1")
	b.watch(up, videoSeat())
	h.pass(time.Second)
	first.sequence, first.timestamp = 32_767, 90_100
	a.send(first)

	h.pass(time.Second)
	second := first
	second.ssrc, second.sequence, second.timestamp, second.payload = 901, 5, 7, vp8(3, 64, "key")
	a.send(second)
	a.settle()
	if len(up.allLayers()) != 1 || a.conn.ingress.sources[900] != nil {
		t.Fatalf("%d layers", len(up.allLayers()))
	}
	second.sequence, second.timestamp = 6, 3007
	a.send(second)
	h.pass(40 * time.Millisecond)
	second.sequence, second.timestamp, second.payload = 7, 6007, vp8(4, 0, "inter")
	a.send(second)
	if got := b.sequences(42); !slices.Equal(got, []uint16{32_767, 32_768, 32_769}) {
		t.Fatalf("forwarded %v", got)
	}
	for i, p := range b.rtp {
		if d, err := codec.ParseVP8(p.Payload); err != nil || d.PictureID != uint16(70+i) {
			t.Errorf("packet %d is of picture %d, %v", i, d.PictureID, err)
		}
	}
	if step := b.rtp[2].Timestamp - b.rtp[1].Timestamp; step != 3000 {
		t.Errorf("timestamps go on by %d", step)
	}

	a.describe(offer())
	if len(a.conn.ingress.sources) != 0 || len(a.conn.published) != 0 || len(h.room.tracks) != 0 {
		t.Error("the line has ended and its streams have not")
	}
	before := len(b.rtp)
	second.sequence = 8
	a.send(second)
	if len(b.rtp) != before {
		t.Error("forwarded after the end")
	}
}

// TestTransportFeedback has every packet of the client reported, whatever stream it is of, and none before 50 ms.
func TestTransportFeedback(t *testing.T) {
	h := newHouse(t)
	g := h.join("g")
	g.describe(offer(cameraLine, screenLine))
	number := uint16(65_500)
	sent := make(map[uint16]time.Time)
	random := rand.New(rand.NewPCG(1, 1))
	begin := h.now
	for i := range 300 {
		h.pass(3 * time.Millisecond)
		number++
		if i != 0 && i < 299 && random.IntN(10) == 0 {
			continue // lost
		}
		o := picture(uint16(i+1), 64)
		switch i % 3 {
		case 1:
			o = repair(o, 201, uint16(i))
		case 2:
			o.ssrc = 777 // nobody knows what that is
		}
		o.numbered, o.number = true, number
		g.send(o)
		sent[number] = h.now
		g.settle()
	}
	h.pass(time.Second)
	number++
	g.send(out{ssrc: 777, pt: 96, sequence: 2000, numbered: true, number: number})
	sent[number] = h.now

	reported := make(map[uint16]time.Duration)
	feedbacks := of[*rtcp.TransportLayerCC](g.rtcp)
	if n := len(feedbacks); n < 15 || n > 20 {
		t.Errorf("%d feedbacks in 1.9 s, 0.9 of them busy", n)
	}
	for i, feedback := range feedbacks {
		if feedback.SenderSSRC != g.conn.transport.ssrc || int(feedback.FbPktCount) != i {
			t.Errorf("feedback %d: %+v", i, feedback)
		}
		for number, at := range arrivals(feedback) {
			reported[number] = at
		}
	}
	if len(reported) != len(sent) {
		t.Errorf("%d of %d packets were reported", len(reported), len(sent))
	}
	offset := reported[65_501] - sent[65_501].Sub(begin)
	for number, at := range sent {
		if off := reported[number] - at.Sub(begin) - offset; off < -time.Millisecond || off > time.Millisecond {
			t.Errorf("packet %d reported %v off", number, off)
		}
	}
}

// arrivals reads a feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1).
func arrivals(f *rtcp.TransportLayerCC) map[uint16]time.Duration {
	var symbols []uint16
	for _, chunk := range f.PacketChunks {
		switch chunk := chunk.(type) {
		case *rtcp.RunLengthChunk:
			symbols = append(symbols, slices.Repeat([]uint16{chunk.PacketStatusSymbol}, int(chunk.RunLength))...)
		case *rtcp.StatusVectorChunk:
			symbols = append(symbols, chunk.SymbolList...)
		}
	}
	at := time.Duration(f.ReferenceTime) * 64 * time.Millisecond
	found, deltas := make(map[uint16]time.Duration), f.RecvDeltas
	for i, symbol := range symbols[:min(len(symbols), int(f.PacketStatusCount))] {
		if symbol == rtcp.TypeTCCPacketNotReceived || len(deltas) == 0 {
			continue
		}
		at += time.Duration(deltas[0].Delta) * time.Microsecond
		deltas = deltas[1:]
		found[f.BaseSequenceNumber+uint16(i)] = at
	}
	return found
}

func TestReportsAndRoundTrip(t *testing.T) {
	h := newHouse(t)
	g := h.join("g")
	g.describe(offer(micLine, cameraLine))
	g.send(picture(1, 64), out{ssrc: 100, pt: 111, sequence: 1, payload: []byte("x")})
	g.settle()
	g.send(repair(picture(1, 64), 201, 1))
	g.settle()
	for _, sequence := range []uint16{2, 3, 5, 6, 7, 9} { // bound with the second packet: 4 and 8 are lost
		g.send(picture(sequence, 64))
	}
	const sentAt = 0x1234_5678_9abc_def0
	g.control(&rtcp.SenderReport{SSRC: 200, NTPTime: sentAt}, &rtcp.SourceDescription{}, &rtcp.Goodbye{})
	h.pass(250 * time.Millisecond)
	reports := g.conn.ingress.reports(h.now)
	if len(reports) != 2 {
		t.Fatalf("%d reports: %+v", len(reports), reports)
	}
	at := slices.IndexFunc(reports, func(r rtcp.ReceptionReport) bool { return r.SSRC == 200 })
	r := reports[at]
	if r.TotalLost != 2 || r.FractionLost != 256*2/8 || r.LastSequenceNumber != 9 ||
		r.LastSenderReport != 0x5678_9abc || r.Delay != 65536/4 {
		t.Errorf("report %+v", r)
	}
	if again := g.conn.ingress.reports(h.now)[at]; again.SSRC == 200 && (again.FractionLost != 0 || again.TotalLost != 2) {
		t.Errorf("next report %+v", again)
	}

	// The round trip, from reports on what we send, converges on what it is.
	for range 100 {
		before := uint32(ntpTime(h.now) >> 16)
		h.pass(200 * time.Millisecond)
		g.control(&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{
			{SSRC: 42, LastSenderReport: before, Delay: 65536 / 20}, // kept for 50 ms
			{SSRC: 43},                       // has not had any
			{SSRC: 44, LastSenderReport: 99}, // of another time
		}})
	}
	if rtt := g.conn.ingress.rtt; rtt < 148*time.Millisecond || rtt > 152*time.Millisecond {
		t.Errorf("round trip %v, want 150 ms", rtt)
	}
}

// TestFeedbackOfReceivers has a client's requests reach the track that they are about, and no other.
func TestFeedbackOfReceivers(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(cameraLine))
	a.send(picture(1, 64))
	a.settle()
	down := b.watch(a.track("1"), videoSeat())
	plis := func() int { return len(of[*rtcp.PictureLossIndication](a.rtcp)) }
	a.send(picture(2, 0))
	if plis() != 1 {
		t.Fatalf("%d requests for the newcomer", plis())
	}
	for i, request := range []rtcp.Packet{
		&rtcp.PictureLossIndication{MediaSSRC: 42},
		&rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: 7}, {SSRC: 42}}},
	} {
		h.pass(time.Second)
		a.send(picture(uint16(10+i), 64)) // serves what was asked for before
		if plis() != 1+i {
			t.Fatalf("%d requests before request %d", plis(), i)
		}
		b.control(&rtcp.PictureLossIndication{MediaSSRC: 99}, &rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: 98}}})
		b.control(&rtcp.ReceiverReport{}, request)
		h.pass(keyframeInterval / 2)
		a.send(picture(uint16(20+i), 0))
		if plis() != 2+i {
			t.Fatalf("request %d has led to %d", i, plis())
		}
	}
	if pli := of[*rtcp.PictureLossIndication](a.rtcp)[1]; pli.MediaSSRC != 200 {
		t.Errorf("asked %+v", pli)
	}

	b.rtp = nil
	b.control(&rtcp.TransportLayerNack{MediaSSRC: 42, Nacks: []rtcp.NackPair{{PacketID: 10, LostPackets: 1 << 9}}})
	b.control(&rtcp.TransportLayerNack{MediaSSRC: 41, Nacks: []rtcp.NackPair{{PacketID: 10}}})
	if len(b.rtp) != 2 || b.rtp[0].SSRC != 43 || b.rtp[0].PayloadType != 101 {
		t.Fatalf("got %v again", b.rtp)
	}
	for i, want := range []out{picture(10, 64), picture(20, 0)} {
		p := b.rtp[i]
		if binary.BigEndian.Uint16(p.Payload) != want.sequence || !bytes.Equal(p.Payload[2:], want.payload) ||
			p.Timestamp != want.timestamp || p.SequenceNumber != uint16(1+i) {
			t.Errorf("got %v again, want %+v", &p, want)
		}
	}
	down.detach(time.Now())
	b.control(&rtcp.TransportLayerNack{MediaSSRC: 42, Nacks: []rtcp.NackPair{{PacketID: 10}}})
	if len(b.rtp) != 2 {
		t.Error("resent by a track that has ended")
	}
}

// TestRedundancyIsForWhoWantsIt sends sound with redundancy (RFC 2198), and then without.
func TestRedundancyIsForWhoWantsIt(t *testing.T) {
	h := newHouse(t)
	a, b, c := h.join("a"), h.join("b"), h.join("c")
	a.describe(offer(micLine))
	opus := webrtc.RTPCodecParameters{RTPCodecCapability: capability(webrtc.MimeTypeOpus), PayloadType: 111}
	red := webrtc.RTPCodecParameters{RTPCodecCapability: capability(mimeTypeRED), PayloadType: 63}
	packet := out{
		ssrc: 100, pt: 63, sequence: 1, timestamp: 960,
		payload: append([]byte{0x80 | 111, 960 >> 6, 960 & 0x3f << 2, 3, 111}, "oldnew sound"...),
	}
	a.send(packet)
	a.settle()
	b.watch(a.track("0"), seat{binding: binding{codecs: []webrtc.RTPCodecParameters{opus, red}}, ssrc: 42})
	c.watch(a.track("0"), seat{binding: binding{codecs: []webrtc.RTPCodecParameters{opus}}, ssrc: 42})
	packet.sequence = 2
	plain := packet
	plain.sequence, plain.pt, plain.payload = 3, 111, []byte("plain sound")
	comfort := packet
	comfort.sequence, comfort.pt = 4, 13
	a.send(packet, plain, comfort)
	type got struct {
		pt       uint8
		sequence uint16
		payload  string
	}
	for name, test := range map[string]struct {
		guest *guest
		want  []got
	}{
		"with":    {b, []got{{63, 2, string(packet.payload)}, {111, 3, "plain sound"}}},
		"without": {c, []got{{111, 2, "new sound"}, {111, 3, "plain sound"}}},
	} {
		var all []got
		for _, p := range test.guest.rtp {
			all = append(all, got{p.PayloadType, p.SequenceNumber, string(p.Payload)})
		}
		if !slices.Equal(all, test.want) {
			t.Errorf("%s: %v, want %v", name, all, test.want)
		}
	}
	if nacks := of[*rtcp.TransportLayerNack](a.rtcp); len(nacks) > 0 {
		t.Errorf("sound was asked for: %v", nacks)
	}
}

// TestWhatIsNotTheClientsIsDropped replays, forges and cuts packets.
func TestWhatIsNotTheClientsIsDropped(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(cameraLine))
	a.send(picture(1, 64))
	a.settle()
	b.watch(a.track("1"), videoSeat())
	good := a.seal(picture(2, 64))
	control, err := a.session.SealRTCP(append(make([]byte, 0, 64), 0x80, 201, 0, 1, 0, 0, 0, 9))
	if err != nil {
		t.Fatal(err)
	}
	heard := a.conn.ingress.last.Load()
	h.pass(time.Second)
	for _, sealed := range [][]byte{good, control} {
		for i := range sealed {
			a.arrive(bytes.Clone(sealed[:i]))
			forged := bytes.Clone(sealed)
			forged[i] ^= 0x40
			a.arrive(forged)
		}
	}
	if len(b.rtp) != 0 || a.conn.ingress.last.Load() != heard || len(a.asks()) != 0 {
		t.Fatalf("forgeries: %d forwarded, %d asked about", len(b.rtp), len(a.conn.ingress.said))
	}
	a.arrive(bytes.Clone(good), bytes.Clone(good))
	a.arrive(bytes.Clone(good))
	if got := b.sequences(42); !slices.Equal(got, []uint16{2}) {
		t.Errorf("forwarded %v", got)
	}
	// What is sealed by the client itself, and still no sense.
	a.send(out{ssrc: 200, pt: 96, sequence: 3, padding: 255}, out{ssrc: 200, pt: 96, sequence: 4})
	lies := out{ssrc: 200, pt: 96, sequence: 5, padding: 1}
	for _, tail := range [][]byte{{0}, {200}} {
		lies.sequence++
		packet := a.sealRaw(lies, tail)
		a.arrive(packet)
	}
	a.send(picture(8, 0))
	if got := b.sequences(42); got[len(got)-1] == 2 || len(got) != 2 {
		t.Errorf("forwarded %v", got)
	}
}

// sealRaw seals a packet whose padding is what the test says.
func (g *guest) sealRaw(o out, tail []byte) []byte {
	g.tb.Helper()
	packet, err := o.header().Marshal()
	if err != nil {
		g.tb.Fatal(err)
	}
	size := len(packet)
	packet = append(packet, tail...)
	sealed, err := g.streams[o.ssrc].Seal(append(make([]byte, 0, 100), packet...), size)
	if err != nil {
		g.tb.Fatal(err)
	}
	return sealed
}

func TestPaddingKeepsThePayload(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(cameraLine))
	a.send(picture(1, 64))
	a.settle()
	b.watch(a.track("1"), videoSeat())
	var batch []out
	sizes := []int{1100, 1101, 1099, 1110, 700, 700, 715, 20, 1000}
	for i, size := range sizes {
		o := picture(uint16(2+i), 0)
		if i == 0 {
			o = picture(2, 64)
		}
		for len(o.payload) < size {
			o.payload = append(o.payload, byte(i), 0, 0, 5)
		}
		o.payload = o.payload[:size]
		if i%2 == 1 {
			o.padding = 9 // the publisher's own, which goes no further
		}
		batch = append(batch, o)
	}
	a.send(batch...)
	if len(b.rtp) != len(batch) {
		t.Fatalf("%d of %d forwarded", len(b.rtp), len(batch))
	}
	var padded []byte
	for i, p := range b.rtp {
		if !bytes.Equal(p.Payload, batch[i].payload) {
			t.Errorf("payload %d differs: %d bytes, want %d", i, len(p.Payload), len(batch[i].payload))
		}
		padded = append(padded, p.PaddingSize)
	}
	if want := []byte{10, 9, 11, 0, 15, 15, 0, 0, 0}; !bytes.Equal(padded, want) {
		t.Errorf("padding %v, want %v", padded, want)
	}
	if report, ok := b.conn.ingress.downs[42].report(time.Now()).(*rtcp.SenderReport); !ok ||
		int(report.OctetCount) != 1100+1101+1099+1110+700+700+715+20+1000 {
		t.Errorf("report %+v", report) // without padding (RFC 3550, 6.4.1)
	}
}

func TestEvenOut(t *testing.T) {
	for name, test := range map[string]struct{ sizes, want []int }{
		"nothing":            {nil, nil},
		"one":                {[]int{5}, []int{0}},
		"equal":              {[]int{5, 5, 5}, []int{0, 0, 0}},
		"up":                 {[]int{1000, 1001, 1015}, []int{15, 14, 0}},
		"too far":            {[]int{1000, 1016}, []int{0, 0}},
		"the last is short":  {[]int{1000, 1010, 1003}, []int{10, 0, 0}},
		"two runs":           {[]int{1000, 1010, 500, 501}, []int{10, 0, 1, 0}},
		"empty ones":         {[]int{0, 3, 0, 0, 4, 9}, []int{0, 0, 0, 0, 5, 0}},
		"no drift":           {[]int{100, 110, 120, 130}, []int{10, 0, 10, 0}},
		"no drift downwards": {[]int{130, 120, 110, 100}, []int{0, 0, 0, 0}},
	} {
		packets := make([]packet, len(test.sizes))
		for i, size := range test.sizes {
			packets[i].payload = make([]byte, size)
		}
		evenOut(packets)
		for i, p := range packets {
			if int(p.padding) != test.want[i] {
				t.Errorf("%s: packet %d of %v gets %d, want %v", name, i, test.sizes, p.padding, test.want)
			}
		}
	}
	random := rand.New(rand.NewPCG(5, 5))
	for range 2000 {
		packets := make([]packet, random.IntN(12))
		largest := 0
		for i := range packets {
			size := 1000 + random.IntN(40)
			if random.IntN(10) == 0 {
				size = 0
			}
			packets[i].payload = make([]byte, size)
			largest = max(largest, size)
		}
		evenOut(packets)
		for i, p := range packets {
			if p.padding > maxUneven || len(p.payload) == 0 && p.padding > 0 || len(p.payload)+int(p.padding) > largest {
				t.Fatalf("packet %d of %d bytes gets %d", i, len(p.payload), p.padding)
			}
			if p.padding > 0 && !slices.ContainsFunc(packets, func(o packet) bool {
				return len(o.payload) == len(p.payload)+int(p.padding)
			}) {
				t.Fatalf("packet %d is padded to the size of none", i)
			}
		}
	}
}

// TestWhoCannotSendYet has a receiver without keys and path among others, and a publisher whom nothing can be asked.
func TestWhoCannotSendYet(t *testing.T) {
	h := newHouse(t)
	a, b, c := h.join("a"), h.join("b"), h.joinUnready("c")
	a.describe(offer(cameraLine))
	a.send(picture(1, 64))
	a.settle()
	b.watch(a.track("1"), videoSeat())
	c.watch(a.track("1"), videoSeat())
	a.conn.transport.path.Store(nil) // between two paths
	a.send(picture(2, 64), picture(3, 0), picture(5, 0), picture(6, 0))
	h.pass(time.Second)
	a.send(picture(7, 0))
	if got := b.sequences(42); !slices.Equal(got, []uint16{2, 3, 5, 6, 7}) {
		t.Errorf("the other gets %v", got)
	}
	c.ready()
	a.conn.transport.route(a.at, a.conn.ingress)
	a.send(picture(8, 64), picture(9, 0))
	if got := c.sequences(42); !slices.Equal(got, []uint16{8, 9}) {
		t.Errorf("once it can, it gets %v", got)
	}
	if report := c.conn.ingress.downs[42].report(h.now).(*rtcp.SenderReport); report.PacketCount != 2 {
		t.Errorf("it has been sent %d", report.PacketCount)
	}
}

// TestClosedConnection has packets come after the end.
func TestClosedConnection(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(cameraLine))
	a.send(picture(1, 64))
	a.settle()
	up := a.track("1")
	b.watch(up, videoSeat())
	sealed := a.seal(picture(2, 64))
	a.conn.close()
	a.arrive(sealed)
	h.conn.Inject(a.at, sealed)
	up.allLayers()[0].keyframes.request(time.Now())
	if len(b.rtp) > 0 || h.conn.Stats().Unrouted != 1 {
		t.Errorf("%d forwarded, %+v", len(b.rtp), h.conn.Stats())
	}
}

// FuzzReceiveRTCP hands in what is in a client's compound packets.
func FuzzReceiveRTCP(f *testing.F) {
	add := func(packets ...rtcp.Packet) {
		plain, err := rtcp.Marshal(packets)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plain)
		f.Add(plain[:len(plain)-3])
	}
	reports := []rtcp.ReceptionReport{{SSRC: 42, LastSenderReport: 1, Delay: 2}}
	add(&rtcp.SenderReport{SSRC: 200, NTPTime: 1, Reports: reports}, &rtcp.SourceDescription{})
	add(&rtcp.ReceiverReport{SSRC: 1, Reports: reports}, &rtcp.PictureLossIndication{MediaSSRC: 42})
	add(&rtcp.FullIntraRequest{MediaSSRC: 42, FIR: []rtcp.FIREntry{{SSRC: 42}}}, &rtcp.Goodbye{Sources: []uint32{1}})
	add(&rtcp.TransportLayerNack{MediaSSRC: 42, Nacks: []rtcp.NackPair{{PacketID: 1, LostPackets: 0xffff}}})
	add(&rtcp.ReceiverEstimatedMaximumBitrate{SSRCs: []uint32{42}}, &rtcp.RapidResynchronizationRequest{MediaSSRC: 42})
	f.Add([]byte{0x80, 201, 0xff, 0xff})
	f.Add([]byte{0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 42})
	h := newHouse(f)
	a, b := h.join("a"), h.join("b")
	a.describe(offer(cameraLine))
	a.send(picture(1, 64))
	a.settle()
	down := b.watch(a.track("1"), videoSeat())
	h.pass(time.Second)
	a.send(picture(2, 64))
	in := b.conn.ingress
	in.sources[200] = &source{layer: &layer{track: a.track("1"), ssrc: 200, account: feedback.NewSource(200, 90000)}}
	f.Fuzz(func(t *testing.T, compound []byte) {
		before := bytes.Clone(compound)
		b.rtp = nil
		batch := h.conn.Batch()
		in.mu.Lock()
		in.receiveRTCP(compound, h.now, batch)
		in.mu.Unlock()
		batch.Done()
		if in.rtt <= 0 || in.rtt > maxRTT {
			t.Fatalf("round trip %v", in.rtt)
		}
		if len(b.rtp) > 2*17 {
			t.Fatalf("%d packets again", len(b.rtp))
		}
		if !bytes.Equal(before, compound) {
			t.Fatal("changed what it reads")
		}
		down.history.entries[2].resends = 0
	})
}
