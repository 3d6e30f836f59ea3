package sfu_test

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/sfu"
	"parley/sfu/alloc"
	"parley/sfu/congestion/sim"
	"parley/sfu/egress"
	"parley/sfu/sfutest"
)

const (
	hop     = 5 * time.Millisecond  // of the network, each way
	delay   = 25 * time.Millisecond // between server and viewer, each way
	cameras = 3
	repairs = 97 // payload type of retransmissions and padding
)

// network is what a viewer goes through.
type network struct {
	duration time.Duration
	capacity []sim.Step
	room     int // bytes of the queue; 0: 40 kB
	dark     sim.Span
	views    []sim.View
}

// scene is a room with three cameras and a viewer behind a bottleneck.
type scene struct {
	t          *testing.T
	networks   *sfutest.Networks
	network    network
	link       *sfutest.Link
	publishers []*sfutest.Publisher
	viewer     *sfutest.Viewer
	control    sfu.Inspector

	epoch  time.Time
	order  []int // publishers by rank: among equals, the SFU favours the one whose track came first
	rungs  [cameras]int
	record sim.Record
	viewed int // views that have begun

	details string // for a trace
}

// play has a scenario take place and returns what happened.
func play(t *testing.T, networks *sfutest.Networks, n network) (result *sim.Result) {
	t.Helper()
	if n.room == 0 {
		n.room = 40_000
	}
	synctest.Test(t, func(t *testing.T) {
		s := &scene{t: t, networks: networks, network: n}
		s.begin()
		for n := 0; !s.over(); n++ {
			time.Sleep(10 * time.Millisecond)
			s.look()
			if n%50 == 0 && os.Getenv("TRACE") != "" {
				s.details += fmt.Sprintf("%s %s\n", s.since().Round(time.Millisecond), s.control.Describe())
			}
		}
		result = s.result()
		s.trace(result)
	})
	return result
}

// seed is what chance depends on, as far as it does not depend on the order in which goroutines run.
func seed() uint64 {
	seed, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	if err != nil {
		return 1
	}
	return seed
}

// begin has everybody join, and returns when the first packet reaches the bottleneck.
func (s *scene) begin() {
	world := s.networks.New(s.t, hop)
	const server, viewer = "10.0.0.1:7000", "10.0.0.5"
	s.link = sfutest.NewLink(world.Listen(server), netip.MustParseAddr(viewer), delay-hop)
	s.link.Schedule(s.network.room, s.network.capacity[:1], sim.Span{})
	mux, err := egress.NewMux(egress.NewConn(s.link), []netip.AddrPort{netip.MustParseAddrPort(server)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = mux.Close() })
	log := slog.New(slog.NewTextHandler(testLog{s.t}, &slog.HandlerOptions{Level: slog.LevelInfo}))
	house, err := sfu.New(sfu.Config{Codecs: []string{"opus", "vp8"}, UDP: mux, CongestionControl: true}, log)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = house.Close() })
	for i := range cameras {
		s.publishers = append(s.publishers, sfutest.Publish(s.t, house, world, "room", i, seed()))
	}
	time.Sleep(time.Second)
	for _, p := range s.publishers {
		p.Peer.View(tiles([cameras]int{}), nil) // publishers do not look at one another
	}
	time.Sleep(time.Second + time.Duration(seed())*17*time.Millisecond)
	s.viewer = sfutest.View(s.t, house, world, "room", "viewer", viewer)
	s.control = s.viewer.Peer.Inspect()
	s.showViews(0)
	s.link.Passages()
	for !s.flows() {
		time.Sleep(time.Millisecond)
	}
	s.epoch = time.Now()
	s.link.Schedule(s.network.room, s.network.capacity, s.network.dark)
}

// flows reports whether media has reached the bottleneck.
func (s *scene) flows() bool {
	for _, p := range s.link.Passages() {
		if p.Type > 0 && p.Type < 128 {
			return true
		}
	}
	return false
}

func (s *scene) since() time.Duration { return time.Since(s.epoch) }

func (s *scene) over() bool { return s.since() >= s.network.duration }

// showViews tells the server how the viewer shows the cameras.
func (s *scene) showViews(at time.Duration) {
	for ; s.viewed < len(s.network.views) && s.network.views[s.viewed].At <= at; s.viewed++ {
		s.viewer.Peer.View(tiles(s.network.views[s.viewed].Shown), nil)
	}
}

func tiles(shown [cameras]int) (tiles []sfu.Tile) {
	for i, pixels := range shown {
		tile := sfu.Tile{Publisher: fmt.Sprintf("p%d", i), Width: pixels, Height: 1}
		if pixels == alloc.Unlimited {
			tile.Width, tile.Height = 1280, 720
		}
		tiles = append(tiles, tile)
	}
	return tiles
}

// look notes what has happened since it was called last.
func (s *scene) look() {
	now := s.since()
	s.showViews(now)
	state, given := s.control.State()
	for _, g := range given {
		track := s.track(int(g.Publisher[1] - '0'))
		rung := -1
		if i := strings.Index("qhf", g.RID); g.RID != "" && i >= 0 {
			rung = 2*i + min(g.Temporal, 1)
		}
		if rung != s.rungs[track] {
			s.record.Changes = append(s.record.Changes, sim.Change{At: now, Track: track, From: s.rungs[track], To: rung})
			s.rungs[track] = rung
		}
	}
	end := now.Truncate(sim.SampleEvery) + sim.SampleEvery
	if n := len(s.record.Samples); n == 0 || s.record.Samples[n-1].At != end {
		s.record.Samples = append(s.record.Samples, sim.Sample{At: end})
	}
	sample := &s.record.Samples[len(s.record.Samples)-1]
	sample.Estimate, sample.Capacity, sample.Rungs = state.Estimate, state.Capacity, s.rungs
	for _, p := range s.link.Passages() {
		sample.Sent += p.Size
		if p.Type == repairs {
			sample.Resent += p.Size
		}
		if p.Dropped {
			sample.Dropped++
			continue
		}
		sample.Received += p.Size
		sample.Queue = max(sample.Queue, p.For)
		s.record.Queued = append(s.record.Queued, sim.Queued{At: p.At.Sub(s.epoch), For: p.For})
	}
}

// track is a publisher's rank.
func (s *scene) track(publisher int) int {
	if !slices.Contains(s.order, publisher) {
		s.order = append(s.order, publisher)
	}
	return slices.Index(s.order, publisher)
}

// result puts together what the viewer and the link saw.
func (s *scene) result() *sim.Result {
	for _, p := range s.viewer.Pictures() {
		s.record.Pictures = append(s.record.Pictures, sim.Picture{
			Track: s.track(p.Publisher), Captured: p.Captured.Sub(s.epoch), At: p.At.Sub(s.epoch), Bits: p.Bits,
		})
	}
	heard := make(map[[2]int]time.Duration)
	for _, v := range s.viewer.Heard() {
		heard[[2]int{v.Publisher, v.Number}] = v.At.Sub(s.epoch)
	}
	for i, p := range s.publishers {
		for number, at := range p.Voices() {
			s.record.Voices = append(s.record.Voices, sim.Voice{Captured: at.Sub(s.epoch), At: heard[[2]int{i, number}]})
		}
	}
	return &sim.Result{
		Scenario: sim.Scenario{
			Duration: s.network.duration, Capacity: s.network.capacity, Room: s.network.room, Delay: delay + hop,
			Subscribers: []sim.Subscriber{{Views: s.network.views}},
		},
		Subscribers: []sim.Record{s.record},
	}
}

// trace writes what happened into a file in the directory that TRACE names, if it does.
func (s *scene) trace(result *sim.Result) {
	directory := os.Getenv("TRACE")
	if directory == "" {
		return
	}
	var b strings.Builder
	for _, at := range s.record.Samples {
		shown := result.Rate(0, sim.Span{From: at.At - sim.SampleEvery, To: at.At})
		fmt.Fprintf(&b, "%6.1f s: capacity %4d estimate %4d known %4d ",
			at.At.Seconds(), result.Scenario.CapacityAt(at.At)/1000, at.Estimate/1000, at.Capacity/1000)
		fmt.Fprintf(&b, "sent %4d (again or padding %3d) shown %4.0f kbit/s, queue %3d ms, %d dropped, %v\n",
			at.Sent*8/100, at.Resent*8/100, shown/1000, at.Queue.Milliseconds(), at.Dropped, at.Rungs)
	}
	path := filepath.Join(directory, strings.ReplaceAll(s.t.Name(), "/", "_"))
	if err := os.WriteFile(path, []byte(fmt.Sprintf("%s%v\n%s", b.String(), s.order, s.details)), 0o600); err != nil {
		s.t.Fatal(err)
	}
}
