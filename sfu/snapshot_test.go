package sfu_test

import (
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"parley/sfu"
	"parley/sfu/egress"
	"parley/sfu/sfutest"
)

// onLine has a publisher and a viewer meet in virtual time, behind a path that carries everything.
func onLine(t *testing.T) (house *sfu.SFU, publisher *sfutest.Publisher, viewer *sfutest.Viewer) {
	t.Helper()
	world := new(sfutest.Networks).New(t, hop)
	const server = "10.0.0.1:7000"
	mux, err := egress.NewMux(egress.NewConn(world.Listen(server)), []netip.AddrPort{netip.MustParseAddrPort(server)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mux.Close() })
	cfg := sfu.Config{Codecs: []string{"opus", "vp8"}, UDP: mux, CongestionControl: true}
	if house, err = sfu.New(cfg, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = house.Close() })
	publisher = sfutest.Publish(t, house, world, "room", 0, 1)
	viewer = sfutest.View(t, house, world, "room", "viewer", "10.0.0.5")
	return house, publisher, viewer
}

// snapshots returns them by participant.
func snapshots(house *sfu.SFU) map[string]sfu.PeerSnapshot {
	all := make(map[string]sfu.PeerSnapshot)
	for _, s := range house.Snapshot() {
		all[s.ID] = s
	}
	return all
}

// near reports whether a rate is what it should be, as nearly as it varies from second to second.
func near(got, want int) bool { return got > want*3/4 && got < want*4/3 }

func TestSnapshotTellsWhatIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house, _, viewer := onLine(t)
		time.Sleep(4 * time.Second)
		all := snapshots(house)
		p, v := all["p0"], all["viewer"]
		if len(all) != 2 || p.Room != "room" || p.Way != sfu.OverUDP || v.Way != sfu.OverUDP {
			t.Fatalf("%+v", all)
		}
		checkTracks(t, p)

		time.Sleep(16 * time.Second) // until what is not wanted is switched off, and nothing is probed
		all = snapshots(house)
		p, v = all["p0"], all["viewer"]
		const voice, best = 32_000, 1_700_000
		if !near(v.Sent, best+voice) || v.Received > 50_000 || v.Estimate < best || v.Sounds != 1 {
			t.Errorf("the viewer: %+v", v)
		}
		if p.LossUp != 0 || v.LossDown != 0 || !near(p.Received, best+voice) {
			t.Errorf("the publisher: %+v", p)
		}
		picture := sfu.Quality{Publisher: "p0", Layer: 2, Layers: 3, Width: 1280, Height: 720}
		if len(v.Pictures) != 1 || v.Pictures[0] != picture || len(p.Pictures) != 0 {
			t.Errorf("pictures %+v, not %+v", v.Pictures, picture)
		}

		viewer.Peer.View([]sfu.Tile{{Publisher: "p0", Width: 160, Height: 90}}, nil)
		time.Sleep(15 * time.Second)
		all = snapshots(house)
		p, v = all["p0"], all["viewer"]
		if !near(v.Sent, 150_000+voice) || len(v.Pictures) != 1 || v.Pictures[0].Why != sfu.ForChoice {
			t.Errorf("in a small tile: %+v", v)
		}
		for _, track := range p.Tracks {
			for i, l := range track.Layers {
				if off := track.Kind == "video" && i > 0; l.Off != off || off && l.Bitrate > 0 {
					t.Errorf("%s, of which nobody wants more than the smallest: %+v", track.Kind, l)
				}
			}
		}
	})
}

// checkTracks looks whether a publisher's tracks are what [sfutest.Publisher] sends.
func checkTracks(t *testing.T, p sfu.PeerSnapshot) {
	t.Helper()
	want := map[string][]int{"audio opus": {32_000}, "video vp8": {150_000, 500_000, 1_700_000}}
	total := 0
	for _, track := range p.Tracks {
		rates := want[fmt.Sprint(track.Kind, " ", track.Codec)]
		if len(track.Layers) != len(rates) || track.Receivers != 1 || track.Screen || track.Barred || track.Why != "" {
			t.Errorf("track %+v", track)
			continue
		}
		for i, l := range track.Layers {
			total += rates[i]
			if !near(l.Bitrate, rates[i]) || l.Off {
				t.Errorf("layer %+v, not %d bit/s", l, rates[i])
			}
			if track.Kind == "video" && (l.RID != "qhf"[i:i+1] || l.Temporal != 2 || !near(int(l.FrameRate), 30)) {
				t.Errorf("layer %d: %+v", i, l)
			}
		}
	}
	if len(p.Tracks) != 2 || !near(p.Received, total) {
		t.Errorf("%d tracks, %d bit/s, not %d", len(p.Tracks), p.Received, total)
	}
}

// TestSnapshotOfWhoLeaves does not wait for peers that end.
func TestSnapshotOfWhoLeaves(t *testing.T) {
	s := newSFU(t)
	for round := range 20 {
		var left []*sfu.Peer
		for i := range 5 {
			peer, err := s.Join("room", fmt.Sprint(round, "-", i), sfu.Barred{}, func(sfu.Event) {})
			if err != nil {
				t.Fatal(err)
			}
			left = append(left, peer)
		}
		done := make(chan int)
		go func() { done <- len(s.Snapshot()) }()
		for _, peer := range left {
			peer.Close()
		}
		if n := <-done; n > len(left) {
			t.Errorf("%d of %d", n, len(left))
		}
		for _, peer := range left {
			<-peer.Done()
		}
	}
	if got := s.Snapshot(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}
