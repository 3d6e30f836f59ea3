package sfu

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

func TestFlow(t *testing.T) {
	var f flow
	now := time.Now()
	if got := f.bitrate(now); got != 0 {
		t.Errorf("%d before the first packet", got)
	}
	for range 300 { // 80 kbit/s
		now = now.Add(10 * time.Millisecond)
		f.add(now, 100)
	}
	for after, want := range map[time.Duration]int{0: 80_000, time.Second: 40_000, 6 * time.Second: 0} {
		if got := f.bitrate(now.Add(after)); got < want*4/5 || got > want*5/4 {
			t.Errorf("%s after the last packet %d, not %d", after, got, want)
		}
	}
}

func TestSnapshotOfLossAndRoundTrip(t *testing.T) {
	h := newHouse(t)
	a, b := h.join("a"), h.join("b")
	if s := a.peer.snapshot(h.now); s.RTT != 0 || s.LossUp != 0 || s.Way != "" {
		t.Errorf("at first %+v", s)
	}
	a.describe(offer(cameraLine))
	a.send(picture(1, 64))
	a.settle()
	b.carry(a.track("1"))
	a.peer.bar(Barred{Camera: true})
	for sequence := uint16(2); sequence < 10; sequence++ {
		if sequence != 5 && sequence != 6 {
			a.send(picture(sequence, 64))
		}
	}
	a.conn.ingress.reports(h.now)
	for range 100 {
		before := uint32(ntpTime(h.now) >> 16)
		h.pass(30 * time.Millisecond)
		a.control(&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 42, LastSenderReport: before}}})
	}
	s := a.peer.snapshot(h.now)
	if s.LossUp != 0.25 || s.RTT < 29*time.Millisecond || s.RTT > 31*time.Millisecond {
		t.Errorf("lost %v, round trip %s", s.LossUp, s.RTT)
	}
	if len(s.Tracks) != 1 || !s.Tracks[0].Barred || s.Tracks[0].Layers[0].Width != 64 {
		t.Errorf("tracks %+v", s.Tracks)
	}
	a.conn.ingress.reports(h.now)
	if s := a.peer.snapshot(h.now); s.LossUp != 0 {
		t.Errorf("nothing comes, and of that is lost %v", s.LossUp)
	}
}

// TestWays has media come from each kind of address.
func TestWays(t *testing.T) {
	h := newHouse(t)
	relay := netip.MustParseAddrPort("192.0.2.7:50000")
	detach, err := h.conn.Attach(relay, func([]byte) {})
	if err != nil {
		t.Fatal(err)
	}
	defer detach()
	for way, test := range map[string]struct {
		to      string
		relayed bool
		want    string
	}{
		"plain":             {"198.51.100.1:5000", false, OverUDP},
		"IPv6":              {"[2001:db8::1]:5000", false, OverUDP},
		"TCP":               {"240.0.0.1:9", false, OverTCP},
		"TCP over IPv6":     {"[100::1]:9", false, OverTCP},
		"our relay":         {relay.String(), false, OverTURN},
		"a relay of theirs": {"198.51.100.1:5000", true, OverTURN},
	} {
		g := h.joinUnready(way)
		g.conn.connected, g.conn.relayed = true, test.relayed
		g.conn.transport.route(netip.MustParseAddrPort(test.to), g.conn.ingress)
		if got := g.conn.way(); got != test.want {
			t.Errorf("%s: %q, not %q", way, got, test.want)
		}
	}
}

// BenchmarkSnapshot is of 200 people, 20 of whom publish a camera that everybody else receives.
func BenchmarkSnapshot(b *testing.B) {
	h := newHouse(b)
	const people, publishers = 200, 20
	var all []*guest
	for i := range people {
		g := h.join(fmt.Sprint(i))
		if i < publishers {
			newCameras(g)
		}
		all = append(all, g)
	}
	for i, g := range all {
		for j, publisher := range all[:publishers] {
			if i != j {
				s := videoSeat()
				s.ssrc, s.rtx = s.ssrc+webrtc.SSRC(2*j), s.rtx+webrtc.SSRC(2*j)
				up := publisher.track("1")
				g.conn.lines.active[up] = &line{down: g.watch(up, s), open: true}
			}
		}
	}
	h.sfu.mu.Lock()
	h.sfu.rooms[h.room.name] = h.room
	h.sfu.mu.Unlock()
	serveGuests(b, all)
	b.ReportAllocs()
	for b.Loop() {
		if got := h.sfu.Snapshot(); len(got) < people*9/10 || len(got[0].Pictures) < publishers-1 {
			b.Fatalf("%d people, of whom one receives %d pictures", len(got), len(got[0].Pictures))
		}
	}
}

// serveGuests has a goroutine for each do what is posted to it, until the benchmark ends.
func serveGuests(b *testing.B, guests []*guest) {
	b.Helper()
	var serving sync.WaitGroup
	for _, g := range guests {
		serving.Go(func() {
			for {
				select {
				case <-g.peer.stop:
					return
				case <-g.peer.inbox.Ready():
					for _, a := range g.peer.inbox.Take() {
						_ = a.do(g.peer)
					}
				}
			}
		})
	}
	b.Cleanup(func() {
		for _, g := range guests {
			g.peer.Close()
		}
		serving.Wait()
	})
}
