package sfu

import (
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"
)

// TestNoCodecInCommon has a client that asked for a picture, with no codec that the server knows, be in a room where
// there is one.
func TestNoCodecInCommon(t *testing.T) {
	h := newHouse(t)
	h.sfu.codecs = []string{"opus", "h264"}
	p := newPeer(h.sfu, h.room, "w", Barred{}, func(Event) {})
	if err := p.connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.conn.close() })
	const other = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" +
		"a=fingerprint:sha-256 " +
		"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n" +
		"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\na=rtcp-mux\r\n" +
		"a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\na=rtpmap:96 VP8/90000\r\n"
	if err := p.describe(Description{Type: "offer", SDP: other}); err != nil {
		t.Fatal(err)
	}
	h264 := webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeH264, ClockRate: 90000, SDPFmtpLine: "packetization-mode=1;profile-level-id=42e01f",
	}
	up := &upTrack{id: "v", streamID: "a", publisher: "a", kind: webrtc.RTPCodecTypeVideo, codec: h264}
	p.conn.lines.want(up)
	if err := p.conn.lines.reconcile(); err != nil {
		t.Fatal(err)
	}
	if refused := p.conn.lines.takeRefused(); len(refused) != 1 || refused[0] != up {
		t.Errorf("refused %v", refused)
	}
	offer, err := p.conn.offer()
	if err != nil || strings.Contains(offer.SDP, "H264") {
		t.Errorf("%v\n%s", err, offer.SDP)
	}
}
