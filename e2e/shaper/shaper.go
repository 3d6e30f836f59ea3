package shaper

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	socketBuffer = 4 << 20
	maxDatagram  = 2048
)

// ErrClient is returned for a client that has never sent anything.
var ErrClient = errors.New("no such client")

// Shaper is the port in front of a server. Its methods may be called from any goroutine.
type Shaper struct {
	// Static after construction.
	front  *net.UDPConn
	server netip.AddrPort
	seed   uint64

	running sync.WaitGroup

	mu      sync.Mutex
	closed  bool                       // guarded by mu
	usual   Path                       // guarded by mu: of new clients
	clients map[netip.AddrPort]*client // guarded by mu
	order   []*client                  // guarded by mu: as they came
}

// client is one source address.
type client struct {
	// Static after construction.
	address  netip.AddrPort
	seen     netip.AddrPort // the address that the server sees it at
	back     *net.UDPConn   // towards the server
	up, down *direction
}

// Client is what is known of a client.
type Client struct {
	Address string `json:"address"`
	Port    int    `json:"port"`
	Seen    int    `json:"seen"` // the port that the server sees the client at, and that ICE tells the client
	Path    Path   `json:"path"`
	Up      Stats  `json:"up"`
	Down    Stats  `json:"down"`
}

// Listen opens a port at an IPv4 address of this machine, in front of a server. Seed makes loss and jitter repeatable.
func Listen(at netip.Addr, server netip.AddrPort, seed uint64) (*Shaper, error) {
	front, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
	if err != nil {
		return nil, fmt.Errorf("open the shaper's port: %w", err)
	}
	buffers(front)
	s := &Shaper{front: front, server: server, seed: seed, clients: make(map[netip.AddrPort]*client)}
	s.running.Go(s.read)
	return s, nil
}

// Address is what has to be announced in the server's place.
func (s *Shaper) Address() netip.AddrPort { return s.front.LocalAddr().(*net.UDPAddr).AddrPort() }

// SetDefault says what the paths of new clients are like.
func (s *Shaper) SetDefault(p Path) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.usual = p
}

// SetAll changes the paths of all clients there are, and of new ones.
func (s *Shaper) SetAll(p Path) {
	s.mu.Lock()
	s.usual = p
	clients := slices.Clone(s.order)
	s.mu.Unlock()
	for _, c := range clients {
		c.set(p)
	}
}

// Set changes the path of the client that sends from a port, or is seen at it, or returns [ErrClient].
func (s *Shaper) Set(port int, p Path) error {
	c := s.client(port)
	if c == nil {
		return fmt.Errorf("shape port %d: %w", port, ErrClient)
	}
	c.set(p)
	return nil
}

// Client returns what is known of the client that sends from a port, or is seen at it, or [ErrClient].
func (s *Shaper) Client(port int) (Client, error) {
	c := s.client(port)
	if c == nil {
		return Client{}, fmt.Errorf("client at port %d: %w", port, ErrClient)
	}
	return c.describe(false), nil
}

// Clients returns what is known of all clients, in the order in which they came, and begins to look for the longest
// wait anew if reset.
func (s *Shaper) Clients(reset bool) []Client {
	s.mu.Lock()
	clients := slices.Clone(s.order)
	s.mu.Unlock()
	described := make([]Client, 0, len(clients))
	for _, c := range clients {
		described = append(described, c.describe(reset))
	}
	return described
}

// Close ends everything. What is on its way is lost.
func (s *Shaper) Close() error {
	s.mu.Lock()
	s.closed = true
	clients := slices.Clone(s.order)
	s.mu.Unlock()
	err := s.front.Close()
	for _, c := range clients {
		_ = c.back.Close()
		c.up.stop()
		c.down.stop()
	}
	s.running.Wait()
	return err
}

func (s *Shaper) client(port int) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.order {
		if int(c.address.Port()) == port || int(c.seen.Port()) == port {
			return c
		}
	}
	return nil
}

// read takes what clients send until the port is closed.
func (s *Shaper) read() {
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := s.front.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil {
			continue // what a vanished client's port has answered
		}
		if c := s.clientAt(from); c != nil {
			c.up.push(slices.Clone(buffer[:n]))
		}
	}
}

// clientAt finds the client with an address, or makes it; nil if that fails.
func (s *Shaper) clientAt(address netip.AddrPort) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[address]; c != nil || s.closed {
		return c
	}
	back, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(s.server))
	if err != nil {
		return nil // the next packet tries again
	}
	buffers(back)
	number := uint64(len(s.order))
	c := &client{
		address: address, seen: back.LocalAddr().(*net.UDPAddr).AddrPort(), back: back,
		up: newDirection(newLink(s.usual.Up, s.seed, 2*number), func(b []byte) { _, _ = back.Write(b) }),
		down: newDirection(newLink(s.usual.Down, s.seed, 2*number+1), func(b []byte) {
			_, _ = s.front.WriteToUDPAddrPort(b, address)
		}),
	}
	s.clients[address] = c
	s.order = append(s.order, c)
	s.running.Go(c.up.run)
	s.running.Go(c.down.run)
	s.running.Go(c.read)
	return c
}

// read takes what the server sends until the socket is closed.
func (c *client) read() {
	buffer := make([]byte, maxDatagram)
	for {
		n, err := c.back.Read(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil {
			continue // nobody listens, for now
		}
		c.down.push(slices.Clone(buffer[:n]))
	}
}

func (c *client) set(p Path) {
	c.up.set(p.Up)
	c.down.set(p.Down)
}

func (c *client) describe(reset bool) Client {
	d := Client{Address: c.address.String(), Port: int(c.address.Port()), Seen: int(c.seen.Port())}
	d.Path.Up, d.Up = c.up.describe(reset)
	d.Path.Down, d.Down = c.down.describe(reset)
	return d
}

// direction moves packets through a link.
type direction struct {
	// Static after construction.
	send func([]byte)
	wake chan struct{} // has room for one
	done chan struct{}

	mu   sync.Mutex
	link *link // guarded by mu
}

func newDirection(l *link, send func([]byte)) *direction {
	return &direction{send: send, wake: make(chan struct{}, 1), done: make(chan struct{}), link: l}
}

func (d *direction) push(data []byte) {
	d.mu.Lock()
	d.link.push(time.Now(), data)
	d.mu.Unlock()
	d.nudge()
}

func (d *direction) set(l Link) {
	d.mu.Lock()
	d.link.set(time.Now(), l)
	d.mu.Unlock()
	d.nudge()
}

func (d *direction) describe(reset bool) (Link, Stats) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.link.statistics()
	if reset {
		d.link.stats.QueueMax = 0
	}
	return d.link.Link, s
}

func (d *direction) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *direction) stop() { close(d.done) }

// run sends what arrives, in time, until stop.
func (d *direction) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var arrived [][]byte
	for {
		select {
		case <-d.done:
			return
		case <-d.wake:
		case <-timer.C:
		}
		d.mu.Lock()
		now := time.Now()
		for data, ok := d.link.pop(now); ok; data, ok = d.link.pop(now) {
			arrived = append(arrived, data)
		}
		next := d.link.next()
		d.mu.Unlock()
		for _, data := range arrived {
			d.send(data)
		}
		clear(arrived)
		arrived = arrived[:0]
		if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// buffers are as large as the system allows: the shaper drops where it says so, and nowhere else.
func buffers(conn *net.UDPConn) {
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
}
