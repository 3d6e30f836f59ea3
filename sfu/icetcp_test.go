package sfu_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"

	"parley/sfu"
	"parley/sfu/icetcp"
	"parley/sfu/sfutest"
)

// cable leads connections to another port, until it is pulled: then nothing gets through, and nobody is told.
type cable struct {
	net.Listener
	pulled chan struct{}

	running sync.WaitGroup
	mu      sync.Mutex
	ends    []net.Conn // guarded by mu
}

func newCable(t *testing.T) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return &cable{Listener: l, pulled: make(chan struct{})}
}

func (c *cable) port() uint16 { return uint16(c.Addr().(*net.TCPAddr).Port) }

// lead leads connections to the address until the test ends.
func (c *cable) lead(t *testing.T, to string) {
	t.Cleanup(func() {
		_ = c.Close()
		c.mu.Lock()
		for _, end := range c.ends {
			_ = end.Close()
		}
		c.mu.Unlock()
		c.running.Wait()
	})
	c.running.Go(func() {
		for {
			client, err := c.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			c.mu.Lock()
			c.ends = append(c.ends, client, server)
			c.mu.Unlock()
			c.running.Go(func() { c.pump(client, server) })
			c.running.Go(func() { c.pump(server, client) })
		}
	})
}

func (c *cable) pump(from, to net.Conn) {
	for buffer := make([]byte, 4096); ; {
		n, err := from.Read(buffer)
		if err != nil {
			_ = to.Close()
			return
		}
		select {
		case <-c.pulled: // what waits in the kernel's buffers stays there
			return
		default:
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			_, _ = io.Copy(io.Discard, from)
			return
		}
	}
}

// newTCPRoom makes an SFU that is reached over TCP by the cable, and what makes clients that know no other way.
func newTCPRoom(t *testing.T) (*sfu.SFU, *cable, *icetcp.Server, func() *webrtc.API) {
	t.Helper()
	wire := newCable(t)
	s, conn := newSFUWith(t, sfu.Config{Codecs: []string{"opus", "vp8"}, TCPPorts: []uint16{wire.port()}})
	server := icetcp.New(conn, icetcp.Limits{Write: 3 * time.Second}, slog.New(slog.DiscardHandler))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server.Accept(l)
	t.Cleanup(func() { _ = server.Close() })
	wire.lead(t, l.Addr().String())
	return s, wire, server, func() *webrtc.API {
		settings := webrtc.SettingEngine{}
		settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
		settings.SetIncludeLoopbackCandidate(true)
		settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
		return webrtc.NewAPI(webrtc.WithSettingEngine(settings))
	}
}

func TestMediaOverTCP(t *testing.T) {
	t.Parallel() // it waits more than it works
	s, _, server, api := newTCPRoom(t)
	both := sfutest.Options{Publish: []string{"audio", "video"}}
	a := sfutest.Join(t, s, "room", "a", both)
	both.API = api()
	b := sfutest.Join(t, s, "room", "b", both)
	for _, pair := range [][2]*sfutest.Client{{a, b}, {b, a}} {
		pair[0].AwaitMedia(pair[1].ID+"/audio", 20)
		pair[0].AwaitMedia(pair[1].ID+"/video", 20)
	}
	if stats := server.Stats(); stats.Connections == 0 || stats.Dropped+stats.Garbage+stats.Stalled != 0 {
		t.Errorf("%+v", stats)
	}
	b.Leave()
	c := sfutest.Join(t, s, "room", "c", sfutest.Options{Publish: both.Publish, API: api()})
	a.AwaitMedia("c/video", 5)
	c.AwaitMedia("a/video", 5)
}

// TestStalledTCPClient has one of twenty stop reading: the others go on, and it is cut.
func TestStalledTCPClient(t *testing.T) {
	bounded(t, 2*time.Minute)
	s, wire, server, api := newTCPRoom(t)
	speakers := []*sfutest.Client{}
	for i := range 3 {
		options := sfutest.Options{Publish: []string{"audio", "video"}}
		speakers = append(speakers, sfutest.Join(t, s, "room", fmt.Sprint("speaker", i), options))
	}
	viewers := []*sfutest.Client{}
	for i := range 16 {
		viewers = append(viewers, sfutest.Join(t, s, "room", fmt.Sprint("viewer", i), sfutest.Options{}))
	}
	stalled := sfutest.Join(t, s, "room", "stalled", sfutest.Options{API: api()})
	stalled.AwaitMedia("speaker0/video", 5)
	close(wire.pulled)
	// It takes as many packets to fill the buffers on the way as it takes; the others are served meanwhile.
	viewers[0].AwaitMedia("speaker0/video", 100)
	for _, viewer := range append(viewers, speakers[0]) {
		for _, stream := range []string{"speaker1/audio", "speaker1/video", "speaker2/video"} {
			viewer.AwaitMedia(stream, 3)
		}
	}
	stalled.Leave() // which does not hang either
	if stats := server.Stats(); stats.Accepted == 0 {
		t.Errorf("%+v", stats)
	}
}
