package client

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// dialing makes the connections of a client, which can be cut, and kept from coming back.
type dialing struct {
	mu    sync.Mutex
	conns []net.Conn    // guarded by mu
	held  chan struct{} // guarded by mu: nil, or closed when a connection may be made
}

func (d *dialing) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	held := d.held
	d.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		d.mu.Lock()
		d.conns = append(d.conns, conn)
		d.mu.Unlock()
	}
	return conn, err
}

// cut resets the latest connection. No other is made until release.
func (d *dialing) cut() (release func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	held := make(chan struct{})
	d.held = held
	conn := d.conns[len(d.conns)-1].(*net.TCPConn)
	_ = conn.SetLinger(0)
	_ = conn.Close()
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.held = nil
		close(held)
	}
}

func received(s Snapshot) (packets int64) {
	for _, counts := range s.Received {
		packets += counts.Packets
	}
	return packets
}

func TestSocketIsReplaced(t *testing.T) {
	s := newServer(t)
	d := &dialing{}
	c := s.guest("ann", Options{Audio: true, ComesBack: true, NetDial: d.dial})
	other := s.guest("bob", Options{})
	other.Join("red")
	c.Join("red")
	before := await(t, c, "media", func(s Snapshot) bool { return received(s) > 10 })
	for round := range 5 {
		release := d.cut()
		base := received(c.Snapshot())
		await(t, c, "media without a socket", func(s Snapshot) bool { return received(s) > base+10 })
		c.Send("floor", map[string]any{"type": "hand", "up": round%2 == 0}) // kept until it can be sent
		release()
		got := await(t, c, "another socket", func(s Snapshot) bool {
			return s.Resumed == round+1 && s.You.Hand == (round%2 == 0)
		})
		if got.ChannelName != before.ChannelName || got.Renewed != 0 || got.Resets != 0 {
			t.Fatalf("%+v", got)
		}
	}
	if got := other.Snapshot(); len(got.People) != 1 {
		t.Errorf("the other sees %v", got.People)
	}
}

func TestSessionIsRenewed(t *testing.T) {
	t.Parallel() // the server waits 5 s
	s := newServer(t)
	d := &dialing{}
	c := s.guest("ann", Options{Audio: true, ComesBack: true, NetDial: d.dial})
	other := s.guest("bob", Options{})
	other.Join("red")
	c.Join("red")
	before := await(t, c, "media", func(s Snapshot) bool { return received(s) > 10 })
	release := d.cut()
	await(t, other, "the loss", func(s Snapshot) bool { return len(s.People) == 0 })
	release()
	base := received(c.Snapshot())
	got := await(t, c, "the room again", func(s Snapshot) bool {
		return s.Renewed == 1 && s.Room == "red" && received(s) > base+10
	})
	if got.ChannelName == before.ChannelName || got.Resumed != 0 {
		t.Fatalf("%+v", got)
	}
	await(t, other, "ann again", func(s Snapshot) bool { return len(s.People) == 1 })
}

func TestClosingWhileTheSocketIsLost(t *testing.T) {
	s := newServer(t)
	for _, end := range []func(*Client){func(c *Client) { _ = c.Close() }, (*Client).Abandon} {
		d := &dialing{}
		c := s.guest("ann", Options{ComesBack: true, NetDial: d.dial})
		release := d.cut()
		began := time.Now()
		end(c)
		if took := time.Since(began); took > patience/2 {
			t.Errorf("took %v", took)
		}
		release()
	}
}
