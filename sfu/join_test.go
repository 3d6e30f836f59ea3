package sfu

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/sfu/egress"
)

// watcher is a connection whose other end is a pion client in this process.
type watcher struct {
	t      testing.TB
	server *connection
	client *webrtc.PeerConnection
}

func newWatcher(t testing.TB) *watcher {
	t.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mux, err := egress.NewMux(egress.NewConn(socket), []netip.AddrPort{socket.LocalAddr().(*net.UDPAddr).AddrPort()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mux.Close() })
	s, err := New(Config{Codecs: []string{"opus", "vp8"}, UDP: mux}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &watcher{t: t}
	if w.server, err = newConnection(s, func(action) {}, func(*upTrack) tileSize { return tileSize{} }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.server.close)
	if w.client, err = webrtc.NewPeerConnection(webrtc.Configuration{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.client.Close() })
	return w
}

// publish makes the tracks of some more publishers wanted.
func (w *watcher) publish(from, n int) {
	for i := from; i < from+n; i++ {
		for kind, codec := range map[string]webrtc.RTPCodecCapability{
			"audio": {MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2},
			"video": {MimeType: webrtc.MimeTypeVP8, ClockRate: 90000},
		} {
			name := fmt.Sprintf("EP8SEw0arO1wWlM1Pe-OJ%03d", i)
			w.server.lines.want(&upTrack{
				id: fmt.Sprintf("%s-%s-1", name, kind), streamID: name, kind: webrtc.NewRTPCodecType(kind), codec: codec,
				format: kindOf(codec),
			})
		}
	}
}

// round makes an offer and takes its answer. It returns the offer, and how long the server was at it.
func (w *watcher) round() (offer string, took time.Duration) {
	w.t.Helper()
	begun := time.Now()
	if err := w.server.lines.reconcile(); err != nil {
		w.t.Fatal(err)
	}
	description, err := w.server.offer()
	if err != nil {
		w.t.Fatal(err)
	}
	took = time.Since(begun)
	err = w.client.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: description.SDP})
	if err != nil {
		w.t.Fatal(err)
	}
	answer, err := w.client.CreateAnswer(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.client.SetLocalDescription(answer); err != nil {
		w.t.Fatal(err)
	}
	begun = time.Now()
	if err := w.server.setRemote(Description{Type: "answer", SDP: answer.SDP}); err != nil {
		w.t.Fatal(err)
	}
	if w.server.lines.answered(nil); len(w.server.lines.refused) != 0 {
		w.t.Errorf("%d tracks cannot be decoded", len(w.server.lines.refused))
	}
	return description.SDP, took + time.Since(begun)
}

// The description of a room grows by less than 2 kB with each who publishes sound and picture.
func TestDescriptionOfAHundredPublishers(t *testing.T) {
	w := newWatcher(t)
	w.publish(0, 100)
	offer, _ := w.round()
	if lines := strings.Count(offer, "\nm="); lines < 200 {
		t.Errorf("%d m-lines", lines)
	}
	if size := len(offer) / 100; size >= 2000 {
		t.Errorf("%d bytes per publisher", size)
	} else {
		t.Logf("%d bytes per publisher", size)
	}
}

// What a person present costs the server when another joins a room where a hundred publish, and what the newcomer does
// by the person present.
func BenchmarkJoinAHundred(b *testing.B) {
	var present, newcomer time.Duration
	n := 0
	for b.Loop() {
		w := newWatcher(b)
		w.publish(0, 100)
		_, all := w.round()
		newcomer += all
		w.publish(100, 1)
		_, one := w.round()
		present += one
		n++
	}
	b.ReportMetric(float64(present.Microseconds())/1000/float64(n), "ms/present")
	b.ReportMetric(float64(newcomer.Microseconds())/1000/float64(n)/100, "ms/publisher")
}

// BenchmarkRoundOfAHundred is the same round again and again, for profiles.
func BenchmarkRoundOfAHundred(b *testing.B) {
	w := newWatcher(b)
	w.publish(0, 100)
	w.round()
	var took time.Duration
	for b.Loop() {
		_, one := w.round()
		took += one
	}
	b.ReportMetric(float64(took.Microseconds())/1000/float64(b.N), "ms/round")
}
