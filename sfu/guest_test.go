package sfu

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"parley/sfu/dtlssrtp"
	"parley/sfu/egress"
	"parley/sfu/wire"
)

// house is an SFU with one room, in which nothing happens by itself: guests' loops do not run, and time is the test's.
type house struct {
	tb   testing.TB
	sfu  *SFU
	conn *egress.Conn
	room *room
	now  time.Time
}

func newHouse(tb testing.TB) *house {
	tb.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return newHouseAt(tb, socket)
}

// newHouseAt makes the house of a socket, which it owns.
func newHouseAt(tb testing.TB, socket net.PacketConn) *house {
	tb.Helper()
	conn := egress.NewConn(socket)
	mux, err := egress.NewMux(conn, []netip.AddrPort{socket.LocalAddr().(*net.UDPAddr).AddrPort()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = mux.Close() })
	s, err := New(Config{Codecs: CodecNames(), UDP: mux}, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return &house{tb: tb, sfu: s, conn: conn, room: newRoom("room", newVoiceClock()), now: time.Now()}
}

// pass lets time go by.
func (h *house) pass(d time.Duration) { h.now = h.now.Add(d) }

// guest is a participant, seen from the client's end of the wire: what it sends is sealed with the client's keys, and
// what comes is opened with them. Its description is the test's, and pion has no part in it.
type guest struct {
	*house
	peer    *Peer
	conn    *connection
	at      netip.AddrPort
	session *dtlssrtp.Session // the client's end
	streams map[uint32]*dtlssrtp.Stream

	rtp  []rtp.Packet  // what has come
	rtcp []rtcp.Packet // likewise

	events []Event // that it was told
}

// join adds a guest who can send and receive at once.
func (h *house) join(id string) *guest {
	h.tb.Helper()
	g := h.joinUnready(id)
	g.ready()
	return g
}

// joinUnready adds one for whom neither keys nor path are there.
func (h *house) joinUnready(id string) *guest {
	h.tb.Helper()
	g := &guest{house: h, streams: make(map[uint32]*dtlssrtp.Stream)}
	p := newPeer(h.sfu, h.room, id, Barred{}, func(e Event) { g.events = append(g.events, e) })
	if err := p.connect(); err != nil {
		h.tb.Fatal(err)
	}
	if err := h.room.join(p); err != nil {
		h.tb.Fatal(err)
	}
	at := netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(1000+len(h.room.members)))
	g.peer, g.conn, g.at = p, p.conn, at
	detach, err := h.conn.Attach(at, g.take)
	if err != nil {
		h.tb.Fatal(err)
	}
	h.tb.Cleanup(func() {
		detach()
		p.conn.close()
	})
	return g
}

// ready gives a guest keys and a path.
func (g *guest) ready() {
	server, client := sessions(g.tb, srtp.ProtectionProfileAeadAes128Gcm)
	g.session = client
	g.conn.transport.session.Store(server)
	g.conn.transport.route(g.at, g.conn.ingress)
}

// take is given what the server sends to the guest.
func (g *guest) take(sealed []byte) {
	sealed = bytes.Clone(sealed)
	if wire.IsRTCP(sealed) {
		plain, err := g.session.OpenRTCP(sealed)
		if err != nil {
			g.tb.Errorf("RTCP of the server: %v", err)
			return
		}
		packets, err := rtcp.Unmarshal(plain)
		if err != nil {
			g.tb.Errorf("RTCP of the server: %v", err)
		}
		g.rtcp = append(g.rtcp, packets...)
		return
	}
	plain, err := g.session.OpenRTP(sealed)
	if err != nil {
		g.tb.Errorf("RTP of the server: %v", err)
		return
	}
	var p rtp.Packet
	if err := p.Unmarshal(plain); err != nil {
		g.tb.Error(err)
	}
	g.rtp = append(g.rtp, p)
}

// of returns the packets of one type among those that have come.
func of[T rtcp.Packet](packets []rtcp.Packet) []T {
	var found []T
	for _, p := range packets {
		if p, ok := p.(T); ok {
			found = append(found, p)
		}
	}
	return found
}

// describe sets the client's description, as far as media is concerned.
func (g *guest) describe(text string) {
	g.conn.sending = parseSending(text)
	var ids extensionIDs
	for _, line := range g.conn.sending {
		ids.merge(line.extensions)
	}
	g.conn.ingress.describe(ids)
	g.peer.takeBackEnded(g.conn)
}

// settle has the guest's loop do what has been posted to it.
func (g *guest) settle() {
	g.tb.Helper()
	for posted := g.peer.inbox.Take(); len(posted) > 0; posted = g.peer.inbox.Take() {
		for _, a := range posted {
			if err := a.do(g.peer); err != nil {
				g.tb.Fatal(err)
			}
		}
	}
}

// asks counts what has been posted about unknown streams.
func (g *guest) asks() (asked []unknownSource) {
	for _, a := range g.peer.inbox.Take() {
		if found, ok := a.(sourceFound); ok {
			asked = append(asked, found.u)
		}
	}
	return asked
}

// out is a packet of the client.
type out struct {
	ssrc        uint32
	pt          uint8
	sequence    uint16
	timestamp   uint32
	marker      bool
	payload     []byte
	padding     uint8
	mid, rid    string
	repairedRID string
	numbered    bool // with a transport-wide number
	number      uint16
	level       uint8  // 0: none
	descriptor  []byte // of dependencies
}

// The ids of extensions in the descriptions of these tests.
const (
	levelID      = 1
	transportID  = 3
	midID        = 4
	ridID        = 10
	dependencyID = 13
	repairedID   = 11
)

func (o out) header() *rtp.Header {
	h := &rtp.Header{
		Version: 2, Marker: o.marker, PayloadType: o.pt, SequenceNumber: o.sequence, Timestamp: o.timestamp, SSRC: o.ssrc,
		Padding: o.padding > 0,
	}
	for id, text := range map[uint8]string{midID: o.mid, ridID: o.rid, repairedID: o.repairedRID} {
		if text != "" {
			_ = h.SetExtension(id, []byte(text))
		}
	}
	if o.numbered {
		_ = h.SetExtension(transportID, binary.BigEndian.AppendUint16(nil, o.number))
	}
	if o.descriptor != nil {
		_ = h.SetExtension(dependencyID, o.descriptor)
	}
	if o.level != 0 {
		_ = h.SetExtension(levelID, []byte{o.level})
	}
	return h
}

// seal makes the bytes on the wire.
func (g *guest) seal(o out) []byte {
	g.tb.Helper()
	stream := g.streams[o.ssrc]
	if stream == nil {
		var err error
		if stream, err = g.session.Stream(o.ssrc); err != nil {
			g.tb.Fatal(err)
		}
		g.streams[o.ssrc] = stream
	}
	packet, err := o.header().Marshal()
	if err != nil {
		g.tb.Fatal(err)
	}
	size := len(packet)
	packet = append(packet, o.payload...)
	if o.padding > 0 {
		packet = append(append(packet, make([]byte, o.padding-1)...), o.padding)
	}
	room := append(make([]byte, 0, len(packet)+dtlssrtp.Overhead), packet...)
	sealed, err := stream.Seal(room, size)
	if err != nil {
		g.tb.Fatalf("seal %d of %d: %v", o.sequence, o.ssrc, err)
	}
	return sealed
}

// send has packets arrive together, now.
func (g *guest) send(packets ...out) {
	g.tb.Helper()
	var sealed [][]byte
	for _, o := range packets {
		sealed = append(sealed, g.seal(o))
	}
	g.arrive(sealed...)
}

// arrive is given what is on the wire.
func (g *guest) arrive(sealed ...[]byte) {
	b := g.house.conn.Batch()
	for _, packet := range sealed {
		g.conn.ingress.Receive(packet, g.now, b)
	}
	b.Done()
}

// control sends RTCP.
func (g *guest) control(packets ...rtcp.Packet) {
	g.tb.Helper()
	plain, err := rtcp.Marshal(packets)
	if err != nil {
		g.tb.Fatal(err)
	}
	sealed, err := g.session.SealRTCP(append(make([]byte, 0, len(plain)+dtlssrtp.Overhead), plain...))
	if err != nil {
		g.tb.Fatal(err)
	}
	g.arrive(sealed)
}

// seat is a line on which a guest receives.
type seat struct {
	binding
	ssrc, rtx webrtc.SSRC
}

func (s seat) SSRC() webrtc.SSRC               { return s.ssrc }
func (s seat) SSRCRetransmission() webrtc.SSRC { return s.rtx }

// watch has the guest receive a track.
func (g *guest) watch(up *upTrack, s seat) *downTrack {
	g.tb.Helper()
	down := g.conn.sender.add(up, tileSize{})
	if _, err := down.Bind(s); err != nil || !down.decodable {
		g.tb.Fatalf("bind: %v, decodable %v", err, down.decodable)
	}
	g.conn.ingress.subscribe(down.ssrc, down)
	subscribe(down, time.Now())
	return down
}

// track returns what the guest publishes on a line.
func (g *guest) track(mid string) *upTrack {
	g.tb.Helper()
	up := g.conn.published[mid]
	if up == nil {
		g.tb.Fatalf("nothing published on line %q", mid)
	}
	return up
}

// Lines of descriptions: a microphone, a camera in several sizes, a camera and a screen in one size each.
const (
	micLine = "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=mid:0\r\na=sendonly\r\na=msid:home mic\r\n" +
		"a=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=ssrc:100 cname:x\r\n"
	camerasLine = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=sendonly\r\na=msid:home cam\r\n" +
		videoFormats + "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n"
	cameraLine = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=sendonly\r\na=msid:home cam\r\n" +
		videoFormats + "a=ssrc:200 cname:x\r\na=ssrc:201 cname:x\r\na=ssrc-group:FID 200 201\r\n"
	screenLine = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:2\r\na=sendonly\r\na=msid:desk screen\r\n" +
		videoFormats + "a=ssrc:300 cname:x\r\na=ssrc:301 cname:x\r\na=ssrc-group:FID 300 301\r\n"
	videoFormats = "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
	extensions   = "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n" +
		"a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n" +
		"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n" +
		"a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n" +
		"a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n"
)

// offer makes a description of lines, all with the same extensions.
func offer(lines ...string) string {
	return "v=0\r\ns=-\r\n" + strings.Join(lines, extensions) + extensions
}

// picture is a packet of the camera that has one size.
func picture(sequence uint16, width byte) out {
	return out{
		ssrc: 200, pt: 96, sequence: sequence, timestamp: 3000 * uint32(sequence), marker: true,
		payload: vp8(sequence, width, "picture"),
	}
}

// repair is a retransmission of a packet.
func repair(o out, ssrc uint32, sequence uint16) out {
	o.payload = append(binary.BigEndian.AppendUint16(nil, o.sequence), o.payload...)
	o.ssrc, o.pt, o.sequence = ssrc, 97, sequence
	return o
}

func videoSeat() seat {
	return seat{binding: binding{codecs: withRTX(webrtc.MimeTypeVP8)}, ssrc: 42, rtx: 43}
}

// sequences are the numbers of what has come on an SSRC.
func (g *guest) sequences(ssrc uint32) (numbers []uint16) {
	for _, p := range g.rtp {
		if p.SSRC == ssrc {
			numbers = append(numbers, p.SequenceNumber)
		}
	}
	return numbers
}
