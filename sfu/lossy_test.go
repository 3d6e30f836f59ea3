package sfu_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/sfu"
	"parley/sfu/egress"
	"parley/sfu/sfutest"
)

// fate is what becomes of a packet.
type fate int

const (
	passes fate = iota
	lost
	overtaken // by the next that comes in
)

// judgement decides over a packet of the server or to it.
type judgement func(toServer bool, packet []byte, client netip.Addr) fate

// badWire is the server's socket, on the way to which packets get lost and change their order.
type badWire struct {
	net.PacketConn

	mu    sync.Mutex
	judge judgement // guarded by mu; nil: all pass

	held, due []datagram // owned by the one reader; what waits for the next, and what that has brought
}

type datagram struct {
	data []byte
	from net.Addr
}

func (w *badWire) decide(toServer bool, packet []byte, client net.Addr) fate {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.judge == nil {
		return passes
	}
	return w.judge(toServer, packet, client.(*net.UDPAddr).AddrPort().Addr())
}

// set changes what happens from now on.
func (w *badWire) set(judge judgement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.judge = judge
}

func (w *badWire) WriteTo(b []byte, to net.Addr) (int, error) {
	if w.decide(false, b, to) != passes {
		return len(b), nil
	}
	return w.PacketConn.WriteTo(b, to)
}

// ReadFrom has one reader.
func (w *badWire) ReadFrom(b []byte) (int, net.Addr, error) {
	for len(w.due) == 0 {
		n, from, err := w.PacketConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		d := datagram{bytes.Clone(b[:n]), from}
		switch w.decide(true, d.data, from) {
		case lost:
		case overtaken:
			w.held = append(w.held, d)
		default:
			w.due = append([]datagram{d}, w.held...)
			w.held = nil
		}
	}
	d := w.due[0]
	w.due = w.due[1:]
	return copy(b, d.data), d.from, nil
}

// badWorld is an SFU at the end of a bad wire, in virtual time.
type badWorld struct {
	t     *testing.T
	sfu   *sfu.SFU
	wire  *badWire
	world *sfutest.Network
	hosts int
}

// inBadWorld runs a test there.
func inBadWorld(t *testing.T, networks *sfutest.Networks, test func(t *testing.T, w *badWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &badWorld{t: t, world: networks.New(t, hop), hosts: 10}
		w.wire = &badWire{PacketConn: w.world.Listen("10.0.0.1:7000")}
		mux, err := egress.NewMux(egress.NewConn(w.wire), []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:7000")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = mux.Close() })
		log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
		w.sfu, err = sfu.New(sfu.Config{Codecs: []string{"opus", "vp8"}, UDP: mux, CongestionControl: true}, log)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = w.sfu.Close() })
		test(t, w)
	})
}

// join has a client with an address of its own join.
func (w *badWorld) join(id string, options sfutest.Options) *sfutest.Client {
	w.t.Helper()
	return w.joinWith(id, options, func(*webrtc.SettingEngine) {})
}

func (w *badWorld) joinWith(id string, o sfutest.Options, adjust func(*webrtc.SettingEngine)) *sfutest.Client {
	w.t.Helper()
	w.hosts++
	o.API = w.world.APIWith(fmt.Sprintf("10.0.0.%d", w.hosts), func(settings *webrtc.SettingEngine) {
		settings.SetDTLSRetransmissionInterval(50 * time.Millisecond) // as browsers have it
		adjust(settings)
	})
	return sfutest.Join(w.t, w.sfu, "room", id, o)
}

// atRandom loses so many of a hundred packets, both ways.
func atRandom(percent int) judgement {
	random := rand.New(rand.NewPCG(3, uint64(percent)))
	return func(bool, []byte, netip.Addr) fate {
		if random.IntN(100) < percent {
			return lost
		}
		return passes
	}
}

// flap opens a channel that nobody asked for, fills it and closes it, so many times.
func flap(t *testing.T, pc *webrtc.PeerConnection, times int) {
	t.Helper()
	for i := range times {
		opened, closed := make(chan struct{}), make(chan struct{})
		channel, err := pc.CreateDataChannel(fmt.Sprint("flap", i), nil)
		if err != nil {
			t.Fatal(err)
		}
		channel.OnOpen(func() { close(opened) })
		channel.OnClose(func() { close(closed) })
		select {
		case <-opened:
		case <-closed:
		case <-time.After(10 * time.Second):
			return // the server has had enough
		}
		_ = channel.Send(make([]byte, 60_000))
		_ = channel.Close()
	}
}

// TestChannelsThatNobodyAskedFor has a client open data channels, fill and close them: a few do no harm, and one that
// goes on loses its connection, so that nothing of them piles up.
func TestChannelsThatNobodyAskedFor(t *testing.T) {
	inBadWorld(t, new(sfutest.Networks), func(t *testing.T, w *badWorld) {
		connections := make(chan *webrtc.PeerConnection, 2)
		a := w.join("a", sfutest.Options{Publish: []string{"audio"}, Setup: func(pc *webrtc.PeerConnection) error {
			connections <- pc
			return nil
		}})
		b := w.join("b", sfutest.Options{Publish: []string{"audio"}})
		a.AwaitConnected()
		b.AwaitMedia("a/audio", 5)
		pc := <-connections
		flap(t, pc, 10)
		a.AwaitFeatures(`"of":"b"`)
		c := w.join("c", sfutest.Options{})
		c.AwaitFeatures(`"of":"a"`)
		a.AwaitFeatures(`"of":"c"`) // what others say still gets through
		if len(connections) > 0 {
			t.Fatal("a few channels have cost the client its connection")
		}
		flap(t, pc, 10)
		select {
		case <-connections:
		case <-time.After(10 * time.Second):
			t.Fatal("the client may open channels without end")
		}
		b.AwaitMedia("a/audio", 5)
	})
}

// TestFeaturesUnderLossAndChurn has people come and go over a network that loses a tenth of all packets, and one vanish
// who is told of all of them: nobody's negotiation waits for a data channel.
func TestFeaturesUnderLossAndChurn(t *testing.T) {
	inBadWorld(t, new(sfutest.Networks), func(t *testing.T, w *badWorld) {
		both := sfutest.Options{Publish: []string{"audio", "video"}}
		a, b, gone := w.join("a", both), w.join("b", both), w.join("gone", both)
		for _, client := range []*sfutest.Client{a, b, gone} {
			client.AwaitConnected()
		}
		gone.AwaitFeatures(`"of":"a"`)
		random := atRandom(10)
		w.wire.set(func(toServer bool, packet []byte, client netip.Addr) fate {
			if client == netip.MustParseAddr("10.0.0.13") {
				return lost
			}
			return random(toServer, packet, client)
		})
		for i := range 10 {
			if i == 4 { // it has been told more than fits on the way to it
				start := time.Now()
				gone.Leave()
				if took := time.Since(start); took > time.Second {
					t.Errorf("closing who is gone took %v", took)
				}
			}
			guest := w.join(fmt.Sprint("guest", i), sfutest.Options{Publish: both.Publish, Words: 4000})
			guest.AwaitFeatures(`"of":"a"`)
			guest.AwaitMedia("b/video", 3)
			a.AwaitFeatures(fmt.Sprintf(`"of":"guest%d"`, i))
			b.AwaitMedia(guest.ID+"/audio", 3)
			guest.Leave()
		}
		a.AwaitMedia("b/video", 10)
	})
}
