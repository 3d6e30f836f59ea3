package sfu

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"parley/sfu/codec"
	"parley/sfu/congestion"
	"parley/sfu/dtlssrtp"
	"parley/sfu/egress"
	"parley/sfu/wire"
)

// sink is a receiver: the path of its transport ends in a relay, and what arrives there is opened as the client would.
type sink struct {
	t         *testing.T
	transport *transport
	sender    *sender
	client    *dtlssrtp.Session
	packets   []rtp.Packet
	qualities []Quality
	clock     time.Time // of packets and requests
}

// sessions makes both ends of an association without a handshake.
func sessions(t testing.TB, profile srtp.ProtectionProfile) (server, client *dtlssrtp.Session) {
	t.Helper()
	size, err := profile.KeyLen()
	if err != nil {
		t.Fatal(err)
	}
	salt, err := profile.SaltLen()
	if err != nil {
		t.Fatal(err)
	}
	keys := srtp.SessionKeys{
		LocalMasterKey: bytes.Repeat([]byte{1}, size), LocalMasterSalt: bytes.Repeat([]byte{2}, salt),
		RemoteMasterKey: bytes.Repeat([]byte{3}, size), RemoteMasterSalt: bytes.Repeat([]byte{4}, salt),
	}
	mirrored := srtp.SessionKeys{
		LocalMasterKey: keys.RemoteMasterKey, LocalMasterSalt: keys.RemoteMasterSalt,
		RemoteMasterKey: keys.LocalMasterKey, RemoteMasterSalt: keys.LocalMasterSalt,
	}
	if server, err = dtlssrtp.NewSession(profile, keys); err != nil {
		t.Fatal(err)
	}
	if client, err = dtlssrtp.NewSession(profile, mirrored); err != nil {
		t.Fatal(err)
	}
	return server, client
}

func newSink(t *testing.T) *sink {
	t.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn := egress.NewConn(socket)
	t.Cleanup(func() { _ = conn.Close() })
	s := &sink{t: t, transport: newTransport(conn), clock: time.Now()}
	s.sender = newSender(s.transport, newPaceClock(conn), false, func(_ *upTrack, q Quality, _ congestion.State) {
		s.qualities = append(s.qualities, q)
	})
	server, client := sessions(t, srtp.ProtectionProfileAeadAes128Gcm)
	s.client = client
	s.transport.session.Store(server)
	relay := netip.MustParseAddrPort("192.0.2.1:9")
	s.transport.path.Store(egress.NewDestination(relay))
	if _, err := conn.Attach(relay, s.take); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sink) take(sealed []byte) {
	plain, err := s.client.OpenRTP(bytes.Clone(sealed))
	if err != nil {
		s.t.Errorf("open: %v", err)
		return
	}
	var p rtp.Packet
	if err := p.Unmarshal(plain); err != nil {
		s.t.Error(err)
	}
	s.packets = append(s.packets, p)
}

// binding is a negotiated line.
type binding struct {
	sink             *sink
	codecs           []webrtc.RTPCodecParameters
	levels, numbered bool
}

func (b binding) CodecParameters() []webrtc.RTPCodecParameters { return b.codecs }

func (b binding) HeaderExtensions() []webrtc.RTPHeaderExtensionParameter {
	var extensions []webrtc.RTPHeaderExtensionParameter
	if b.levels {
		extensions = append(extensions, webrtc.RTPHeaderExtensionParameter{URI: audioLevelURI, ID: 7})
	}
	if b.numbered {
		extensions = append(extensions, webrtc.RTPHeaderExtensionParameter{URI: sdp.TransportCCURI, ID: 5})
	}
	return extensions
}

func (binding) SSRC() webrtc.SSRC                       { return 42 }
func (binding) SSRCRetransmission() webrtc.SSRC         { return 43 }
func (binding) SSRCForwardErrorCorrection() webrtc.SSRC { return 0 }
func (binding) WriteStream() webrtc.TrackLocalWriter    { return nil }
func (binding) ID() string                              { return "line" }
func (binding) RTCPReader() interceptor.RTCPReader      { return nil }
func capability(mimeType string) webrtc.RTPCodecCapability {
	return webrtc.RTPCodecCapability{MimeType: mimeType, ClockRate: 90000}
}

func withRTX(mimeType string) []webrtc.RTPCodecParameters {
	return []webrtc.RTPCodecParameters{
		{RTPCodecCapability: capability(mimeType), PayloadType: 100},
		{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, SDPFmtpLine: "apt=100"},
			PayloadType:        101,
		},
	}
}

// feed is a track with layers, fed by hand.
type feed struct {
	up   *upTrack
	plis map[string]int // requests for keyframes, by rid
}

func newFeed(mimeType string, rids ...string) *feed {
	s := &feed{plis: make(map[string]int)}
	kind := webrtc.RTPCodecTypeVideo
	if mimeType == webrtc.MimeTypeOpus {
		kind = webrtc.RTPCodecTypeAudio
	}
	in := &ingress{ids: extensionIDs{level: 3}}
	s.up = &upTrack{ingress: in, kind: kind, codec: capability(mimeType), format: codec.KindOf(mimeType)}
	for i, rid := range rids {
		l := &layer{rid: rid, ssrc: uint32(i + 1), payloadType: 96, ingress: in}
		l.keyframes.send = func() { s.plis[rid]++ }
		s.up.addLayer(l)
	}
	return s
}

func (s *feed) layer(rid string) *layer {
	for _, l := range s.up.layers {
		if l.rid == rid {
			return l
		}
	}
	return nil
}

func (s *feed) subscribe(t *testing.T, b binding) *downTrack {
	t.Helper()
	down := b.sink.sender.add(s.up, tileSize{})
	if _, err := down.Bind(b); err != nil {
		t.Fatal(err)
	}
	subscribe(down, time.Now())
	return down
}

// subscribe has packets go out, as the answer to an offer does.
func subscribe(down *downTrack, now time.Time) {
	down.sender.open([]*downTrack{down}, now)
	down.up.attach(down)
}

// give hands a packet to a layer, as a read batch of its own.
func (s *sink) give(l *layer, header *rtp.Header, payload []byte) {
	s.t.Helper()
	b := s.transport.socket.Batch()
	defer b.Done()
	plain, err := header.Marshal()
	if err != nil {
		s.t.Fatal(err)
	}
	plain = append(plain, payload...)
	parsed, err := wire.ParseHeader(plain)
	if err != nil {
		s.t.Fatal(err)
	}
	payload, err = wire.Payload(parsed, plain)
	if err != nil {
		return // as the ingress does
	}
	l.ingress.mu.Lock()
	defer l.ingress.mu.Unlock() // before the batch is done
	s.clock = s.clock.Add(2 * reviewSpacing)
	l.take(parsed, payload, s.clock, b)
}

// nack asks for packets.
func (s *sink) nack(d *downTrack, sequences ...uint16) {
	b := s.transport.socket.Batch()
	s.clock = s.clock.Add(time.Second) // longer than a round trip
	s.sender.resend(d, rtcp.NackPairsFromSequenceNumbers(sequences), s.clock, guessedRTT, b)
	b.Done()
}

// vp8 makes a payload with a 15-bit picture id; a keyframe of width w if w is not 0.
func vp8(id uint16, w byte, body string) []byte {
	descriptor := []byte{0x90, 0x80, 0x80 | byte(id>>8), byte(id)}
	frame := []byte{0x01}
	if w != 0 {
		frame = []byte{0x00, 0, 0, 0x9d, 0x01, 0x2a, w, 0, w, 0}
	}
	return append(append(descriptor, frame...), body...)
}

func header(sequence uint16, timestamp uint32) *rtp.Header {
	return &rtp.Header{Version: 2, SequenceNumber: sequence, Timestamp: timestamp, SSRC: 1, PayloadType: 96}
}

func TestForwardBeginsWithAKeyframe(t *testing.T) {
	s, out := newFeed(webrtc.MimeTypeVP8, ""), newSink(t)
	down := s.subscribe(t, binding{sink: out, codecs: withRTX(webrtc.MimeTypeVP8)})
	if !down.decodable {
		t.Fatal("not decodable")
	}
	l := s.layer("")
	out.give(l, header(10, 1000), vp8(5, 0, "early"))
	if s.plis[""] != 1 {
		t.Fatalf("%d requests", s.plis[""])
	}
	out.give(l, header(11, 4000), vp8(6, 64, "key"))
	out.give(l, header(12, 7000), vp8(7, 0, "inter"))
	if len(out.packets) != 2 || out.packets[0].SequenceNumber != 11 || out.packets[1].SequenceNumber != 12 {
		t.Fatalf("got %v", out.packets)
	}
	if p := out.packets[0]; p.SSRC != 42 || p.PayloadType != 100 || p.Timestamp != 4000 {
		t.Errorf("header %+v", p.Header)
	}
	down.detach(time.Now())
	out.give(l, header(13, 9000), vp8(8, 0, "after"))
	if len(out.packets) != 2 {
		t.Error("a detached track still sends")
	}
}

func TestForwardSwitchesLayersAtKeyframesOnly(t *testing.T) {
	s, out := newFeed(webrtc.MimeTypeVP8, "q", "f"), newSink(t)
	low, high := s.layer("q"), s.layer("f")
	s.subscribe(t, binding{sink: out, codecs: withRTX(webrtc.MimeTypeVP8)})

	out.give(low, header(100, 1000), vp8(10, 16, "low")) // the only one as yet
	out.give(low, header(101, 4000), vp8(11, 0, "low"))
	out.give(high, header(9001, 503_000), vp8(78, 0, "high")) // no keyframe: stay
	out.give(high, header(9002, 506_000), vp8(79, 0, "high"))
	if s.plis["f"] != 1 {
		t.Errorf("%d keyframes were asked for", s.plis["f"])
	}
	out.give(high, header(9003, 509_000), vp8(80, 64, "high"))
	out.give(low, header(102, 7000), vp8(12, 0, "low")) // no longer wanted
	out.give(high, header(9004, 512_000), vp8(81, 0, "high"))

	var sequence []uint16
	var ids []uint16
	for i, p := range out.packets {
		sequence = append(sequence, p.SequenceNumber)
		ids = append(ids, uint16(p.Payload[2]&0x7f)<<8|uint16(p.Payload[3]))
		if i > 0 && int32(p.Timestamp-out.packets[i-1].Timestamp) <= 0 {
			t.Errorf("timestamp of packet %d does not move on", i)
		}
	}
	if !slices.Equal(sequence, []uint16{100, 101, 102, 103}) {
		t.Errorf("sequence %v", sequence)
	}
	if !slices.Equal(ids, []uint16{10, 11, 12, 13}) {
		t.Errorf("picture ids %v", ids)
	}
	if last := out.qualities[len(out.qualities)-1]; last.Layer != 1 || last.Layers != 2 || last.Width != 64 {
		t.Errorf("told %+v", last)
	}
}

func TestLadderFollowsWhatFlows(t *testing.T) {
	s := newFeed(webrtc.MimeTypeVP8, "q", "f")
	low, high := s.layer("q"), s.layer("f")
	now := time.Now()
	low.last, low.width, low.height = now, 16, 16
	high.last, high.width, high.height = now, 64, 64
	high.width, high.height = 0, 0
	if w, h := guessSize([]*layer{low, high, high}, 2); w != 64 || h != 64 {
		t.Errorf("guessed %d x %d", w, h)
	}
	high.width, high.height = 64, 64
	rids := func() string {
		s.up.stale = true
		s.up.judge(low, now)
		names := ""
		for _, step := range s.up.ladder.Load().steps {
			names += step.layer.rid
		}
		return names
	}
	if got := rids(); got != "qf" {
		t.Fatalf("rungs %q, want the small one before the large one", got)
	}
	shape := s.up.ladder.Load().shape
	if rids(); s.up.ladder.Load().shape != shape {
		t.Error("nothing has changed, but the shape")
	}
	now = now.Add(2 * layerTimeout)
	low.last, s.up.last = now, now
	if got := rids(); got != "q" || s.up.ladder.Load().shape == shape {
		t.Errorf("rungs %q after the large one has stopped", got)
	}
	high.demand.decide(now, false)
	high.demand.decide(now.Add(2*switchOffAfter), false)
	if got := rids(); got != "qf" {
		t.Errorf("rungs %q with the large one switched off by us", got)
	}
	high.demand.add()
	high.demand.decide(now, false)
	now = now.Add(absentAfter + time.Millisecond)
	low.last = now
	if got := rids(); got != "q" {
		t.Errorf("rungs %q though the large one did not come when wanted", got)
	}
	now = now.Add(time.Hour)
	s.up.came(low, now)
	if got := rids(); got != "qf" {
		t.Errorf("rungs %q after a pause of both", got)
	}
	s.up.removeLayer(low)
	high.last = now
	if got := rids(); got != "f" {
		t.Errorf("rungs %q after a layer has ended", got)
	}
}

func TestPaddingLeavesNoGap(t *testing.T) {
	s, out := newFeed(webrtc.MimeTypeVP8, ""), newSink(t)
	s.subscribe(t, binding{sink: out, codecs: withRTX(webrtc.MimeTypeVP8)})
	l := s.layer("")
	out.give(l, header(1, 0), vp8(1, 64, ""))
	out.give(l, header(2, 0), nil)
	padded := header(3, 0)
	padded.Padding = true
	out.give(l, padded, append(vp8(1, 0, "x"), 0, 0, 3))
	if len(out.packets) != 2 || out.packets[1].SequenceNumber != 2 || out.packets[1].Padding {
		t.Fatalf("got %v", out.packets)
	}
	if !bytes.Equal(out.packets[1].Payload, vp8(1, 0, "x")) {
		t.Errorf("payload %x", out.packets[1].Payload)
	}
	lies := header(4, 0)
	lies.Padding = true
	out.give(l, lies, []byte{1, 2, 200}) // more padding than packet
}

func TestRetransmission(t *testing.T) {
	s, out := newFeed(webrtc.MimeTypeVP8, "q", "f"), newSink(t)
	down := s.subscribe(t, binding{sink: out, codecs: withRTX(webrtc.MimeTypeVP8)})
	low, high := s.layer("q"), s.layer("f")
	out.give(low, header(500, 0), vp8(1, 16, "low"))
	out.give(high, header(8, 3000), vp8(901, 64, "high")) // goes out as 501, picture 2
	sent := len(out.packets)

	out.nack(down, 500, 501, 502)
	again := out.packets[sent:]
	if len(again) != 2 {
		t.Fatalf("%d packets again, want 2", len(again))
	}
	for i, original := range out.packets[:sent] {
		p := again[i]
		if p.SSRC != 43 || p.PayloadType != 101 || p.Timestamp != original.Timestamp {
			t.Errorf("header %+v", p.Header)
		}
		if got := uint16(p.Payload[0])<<8 | uint16(p.Payload[1]); got != original.SequenceNumber {
			t.Errorf("original sequence number %d, want %d", got, original.SequenceNumber)
		}
		if !bytes.Equal(p.Payload[2:], original.Payload) {
			t.Errorf("payload %x, want %x", p.Payload[2:], original.Payload)
		}
	}
	for range congestion.MaxResends + 5 {
		out.nack(down, 500, 501, 502)
	}
	if got := len(out.packets) - sent; got != 2*congestion.MaxResends {
		t.Errorf("%d resends, want at most %d", got, 2*congestion.MaxResends)
	}
}

func TestParameterSetsComeWithTheKeyframe(t *testing.T) {
	s, out := newFeed(webrtc.MimeTypeH264, ""), newSink(t)
	s.subscribe(t, binding{sink: out, codecs: withRTX(webrtc.MimeTypeH264)})
	l := s.layer("")
	out.give(l, header(1, 0), []byte{0x67, 9})       // of a frame whose slice is lost
	out.give(l, header(3, 3000), []byte{0x67, 1})    // SPS
	out.give(l, header(4, 3000), []byte{0x68, 2})    // PPS
	out.give(l, header(5, 3000), []byte{0x65, 0x83}) // IDR
	out.give(l, header(6, 6000), []byte{0x61, 4})
	var got []byte
	for i, p := range out.packets {
		got = append(got, p.Payload[1])
		if p.SequenceNumber != 3+uint16(i) {
			t.Errorf("packet %d has number %d", i, p.SequenceNumber)
		}
	}
	if !bytes.Equal(got, []byte{1, 2, 0x83, 4}) {
		t.Errorf("got %v", got)
	}
}

func TestAudioLevelIsPassedOn(t *testing.T) {
	s, out := newFeed(webrtc.MimeTypeOpus, ""), newSink(t)
	down := s.subscribe(t, binding{
		sink: out, levels: true,
		codecs: []webrtc.RTPCodecParameters{{RTPCodecCapability: capability(webrtc.MimeTypeOpus), PayloadType: 111}},
	})
	h := header(1, 0)
	if err := h.SetExtension(3, []byte{0x85}); err != nil {
		t.Fatal(err)
	}
	out.give(s.layer(""), h, []byte("sound"))
	if len(out.packets) != 1 || !bytes.Equal(out.packets[0].GetExtension(7), []byte{0x85}) {
		t.Fatalf("got %v", out.packets)
	}
	report, ok := down.report(time.Now()).(*rtcp.SenderReport)
	if !ok || report.PacketCount != 1 || report.OctetCount != 5 || report.SSRC != 42 {
		t.Errorf("report %+v", report)
	}
}

func TestKeyframeRequestsAreCoalesced(t *testing.T) {
	sent := 0
	k := keyframeRequests{send: func() { sent++ }}
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for range 20 {
		k.request(at(0))
	}
	if sent != 1 {
		t.Fatalf("20 who wait cause %d requests", sent)
	}
	k.packet(at(100), false)
	k.packet(at(501), false) // still none: ask again
	if sent != 2 {
		t.Fatalf("%d requests, want a second", sent)
	}
	k.packet(at(600), true)
	k.packet(at(1200), false)
	if sent != 2 {
		t.Fatalf("%d requests after the keyframe came", sent)
	}
	k.request(at(1201))
	if sent != 3 {
		t.Errorf("%d requests, want a third at once", sent)
	}
}

func TestUndecodableBinding(t *testing.T) {
	s, out := newFeed(webrtc.MimeTypeAV1, ""), newSink(t)
	down := newDownTrack(1, s.up, out.sender)
	if _, err := down.Bind(binding{sink: out, codecs: withRTX(webrtc.MimeTypeVP8)}); err != nil {
		t.Fatalf("binding must not break the description: %v", err)
	}
	if down.decodable {
		t.Error("AV1 passes for VP8")
	}
}

func TestSameCodec(t *testing.T) {
	h264 := func(fmtp string) webrtc.RTPCodecCapability {
		return webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, SDPFmtpLine: fmtp}
	}
	for name, test := range map[string]struct {
		a, b webrtc.RTPCodecCapability
		want bool
	}{
		"case":  {capability("video/vp8"), capability("video/VP8"), true},
		"other": {capability("video/VP9"), capability("video/VP8"), false},
		"level": {
			h264("packetization-mode=1;profile-level-id=42e01f"), h264("profile-level-id=42001f; packetization-mode=1"), true,
		},
		"profile": {
			h264("packetization-mode=1;profile-level-id=42e01f"), h264("packetization-mode=1;profile-level-id=640c1f"), false,
		},
		"mode":     {h264("profile-level-id=42e01f"), h264("packetization-mode=1;profile-level-id=42e01f"), false},
		"a broken": {h264("profile-level-id=4"), h264("profile-level-id=42e01f"), false},
	} {
		if got := sameCodec(test.a, test.b); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestRetransmissionOfAnotherLayout has a publisher put another packet under a number that has gone out.
func TestRetransmissionOfAnotherLayout(t *testing.T) {
	s, out := newFeed(webrtc.MimeTypeVP8, ""), newSink(t)
	down := s.subscribe(t, binding{sink: out, codecs: withRTX(webrtc.MimeTypeVP8)})
	l := s.layer("")
	out.give(l, header(100, 0), vp8(300, 64, "key"))
	for _, payload := range [][]byte{nil, {0x10}, {0x90, 0x80, 0x05, 0x01}} {
		out.give(l, header(100, 0), payload)
		out.give(l, header(100+rememberedPackets, 0), payload) // the same place in the cache
		for sequence := range uint16(1000) {
			out.nack(down, sequence)
		}
	}
}

// TestParameterSetsComeWithTheKeyframeOfARun has somebody join just after a keyframe.
func TestParameterSetsComeWithTheKeyframeOfARun(t *testing.T) {
	s, late := newFeed(webrtc.MimeTypeH264, ""), newSink(t)
	l := s.layer("")
	for i, payload := range [][]byte{{0x61, 0x80}, {0x67, 1}, {0x68, 2}, {0x65, 0x83}, {0x61, 0x84}, {0x61, 0x85}} {
		if i == 5 {
			s.subscribe(t, binding{sink: late, codecs: withRTX(webrtc.MimeTypeH264)})
		}
		late.give(l, header(uint16(1+i), 3000*uint32([]int{0, 1, 1, 1, 2, 3}[i])), payload)
	}
	var got []byte
	for i, p := range late.packets {
		got = append(got, p.Payload[1])
		if p.SequenceNumber != late.packets[0].SequenceNumber+uint16(i) {
			t.Errorf("packet %d has number %d", i, p.SequenceNumber)
		}
	}
	if !bytes.Equal(got, []byte{1, 2, 0x83, 0x84, 0x85}) {
		t.Errorf("got %x", got)
	}
}
