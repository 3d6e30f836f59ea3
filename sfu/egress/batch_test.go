package egress

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// send queues a packet.
func send(b *Batch, to *Destination, packet []byte) {
	copy(b.Room(len(packet)), packet)
	b.Send(to, len(packet))
}

// Whatever the sizes and the order, in every way and to both families: each client receives the bytes that were sent to
// it, in that order.
func TestBatchArrives(t *testing.T) {
	for _, way := range []Batching{GSO, Messages, Single} {
		for _, test := range []struct{ listen, network, host string }{
			{"127.0.0.1:0", "udp4", "127.0.0.1"},
			{"[::1]:0", "udp6", "::1"},
			{"[::]:0", "udp4", "127.0.0.1"},
			{"[::]:0", "udp6", "::1"},
		} {
			t.Run(fmt.Sprint(way, " ", test.listen, " ", test.host), func(t *testing.T) {
				needIPv6(t, test.host)
				c, err := Listen(t.Context(), test.listen, Options{Batching: way, Shards: 1}, discard)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = c.Close() }()
				var peers []*net.UDPConn
				for range 5 {
					peer := client(t, test.network, net.JoinHostPort(test.host, "0"))
					_ = peer.SetReadBuffer(4 << 20)
					peers = append(peers, peer)
				}
				for seed := range uint64(20) {
					mix(t, c, peers, rand.New(rand.NewPCG(1, seed)))
				}
				if s := c.Stats(); s.WriteDrops+s.WriteFaults+s.GSORefusals > 0 || s.Method != way.String() {
					t.Errorf("%+v", s)
				}
			})
		}
	}
}

// mix sends a random mix of packets to the peers in one batch, and reads what came.
func mix(t *testing.T, c *Conn, peers []*net.UDPConn, random *rand.Rand) {
	t.Helper()
	to, sent := make([]*Destination, len(peers)), make([][][]byte, len(peers))
	for i, peer := range peers {
		to[i] = NewDestination(localAddr(peer))
	}
	b := c.Batch()
	size := 1200
	for range 300 {
		if random.IntN(4) == 0 {
			size = []int{random.IntN(MaxPacket), 1200, 1199, 100, 1}[random.IntN(5)]
		}
		peer := random.IntN(len(peers)) * random.IntN(2) // the first gets most
		packet := make([]byte, size)
		for j := range packet {
			packet[j] = byte(random.Uint32())
		}
		sent[peer] = append(sent[peer], packet)
		room := b.Room(min(size+random.IntN(50), MaxPacket)) // what is not used is no gap
		copy(room, packet)
		b.Send(to[peer], size)
	}
	b.Done()
	got := make([]byte, 2*MaxPacket)
	for i, peer := range peers {
		_ = peer.SetReadDeadline(time.Now().Add(5 * time.Second))
		for j, want := range sent[i] {
			n, err := peer.Read(got)
			if err != nil {
				t.Fatalf("packet %d of %d to peer %d: %v, %+v", j, len(sent[i]), i, err, c.Stats())
			}
			if !bytes.Equal(got[:n], want) {
				t.Fatalf("packet %d of %d to peer %d: %d bytes, want %d", j, len(sent[i]), i, n, len(want))
			}
		}
	}
}

// A batch that is larger than the arena leaves in parts, and nothing gets lost or overwritten.
func TestBatchLargerThanArena(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	var got int
	if _, err := c.Attach(relayAddr, func(packet []byte) {
		if len(packet) != MaxPacket || packet[0] != byte(got) || packet[MaxPacket-1] != byte(got) {
			t.Fatalf("packet %d begins with %d", got, packet[0])
		}
		got++
	}); err != nil {
		t.Fatal(err)
	}
	const packets = 3 * maxChunks * chunkSize / MaxPacket
	b, to := c.Batch(), NewDestination(relayAddr)
	for i := range packets {
		send(b, to, bytes.Repeat([]byte{byte(i)}, MaxPacket))
	}
	if got == 0 {
		t.Error("nothing left before the end")
	}
	b.Done()
	if got != packets {
		t.Errorf("%d packets of %d", got, packets)
	}
	got = 0
	b = c.Batch()
	send(b, to, make([]byte, MaxPacket))
	b.Done()
	if got != 1 || len(b.chunks) > maxChunks {
		t.Errorf("%d packets, %d chunks", got, len(b.chunks))
	}
}

func TestRoom(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	b := c.Batch()
	defer b.Done()
	for _, n := range []int{0, 1, MaxPacket} {
		if room := b.Room(n); len(room) != n || cap(room) != n {
			t.Errorf("room for %d bytes: %d of %d", n, len(room), cap(room))
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("room for more than a packet")
		}
	}()
	b.Room(MaxPacket + 1)
}

// receiverFunc is a Receiver.
type receiverFunc func(packet []byte, arrived time.Time, b *Batch)

func (f receiverFunc) Receive(packet []byte, arrived time.Time, b *Batch) { f(packet, arrived, b) }

// enderFunc is an Ender, once it has an address.
type enderFunc func(b *Batch)

func (f *enderFunc) EndBatch(b *Batch) { (*f)(b) }

func media(rest string) []byte { return append([]byte{128}, rest...) }

// The Enders are called in order, each once however often it was named, and those that they name too; all before the
// last packets leave.
func TestAtEnd(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	var events []string
	if _, err := c.Attach(relayAddr, func(packet []byte) { events = append(events, string(packet)) }); err != nil {
		t.Fatal(err)
	}
	to := NewDestination(relayAddr)
	var first, second, third enderFunc
	rounds := 0
	first = func(b *Batch) {
		events = append(events, "first")
		send(b, to, []byte("from first"))
		if rounds++; rounds == 1 {
			b.AtEnd(&first)
		}
	}
	second = func(b *Batch) {
		events = append(events, "second")
		b.AtEnd(&third)
		b.AtEnd(&third)
	}
	third = func(*Batch) { events = append(events, "third") }
	b := c.Batch()
	send(b, to, []byte("sent"))
	for range 3 {
		b.AtEnd(&first)
		b.AtEnd(&second)
	}
	b.Done()
	want := []string{"first", "second", "first", "third", "sent", "from first", "from first"}
	if !slices.Equal(events, want) {
		t.Errorf("%q, want %q", events, want)
	}
	events = nil
	b = c.Batch()
	b.Done()
	if len(events) != 0 {
		t.Errorf("another batch: %q", events)
	}
}

// What a receiver is given stays as it is until the batch has ended, and what it sends then arrives.
func TestReceivedBytesStayValid(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	peer := client(t, "udp4", "127.0.0.1:0")
	to := NewDestination(localAddr(peer))
	var kept [][]byte
	var end enderFunc = func(b *Batch) {
		for _, p := range kept {
			send(b, to, p)
		}
		kept = kept[:0]
	}
	release := c.Route(localAddr(peer), receiverFunc(func(packet []byte, arrived time.Time, b *Batch) {
		if since := time.Since(arrived); since < 0 || since > 5*time.Second {
			t.Errorf("arrived %v ago", since)
		}
		kept = append(kept, packet)
		b.AtEnd(&end)
	}))
	defer release()
	const packets = 1000
	got := make([]byte, 100)
	for i := 0; i < packets; {
		sent := i
		for range 50 {
			if _, err := peer.WriteToUDPAddrPort(media(fmt.Sprint(sent)), localAddr(c)); err != nil {
				t.Fatal(err)
			}
			sent++
		}
		for ; i < sent; i++ {
			_ = peer.SetReadDeadline(time.Now().Add(5 * time.Second))
			n, err := peer.Read(got)
			if err != nil || !bytes.Equal(got[:n], media(fmt.Sprint(i))) {
				t.Fatalf("packet %d: %q %v", i, got[:n], err)
			}
		}
	}
	_ = c.Close() // which waits until the reader has counted
	if s := c.Stats(); s.PacketsIn != packets || s.PacketsOut != packets || s.BytesIn != s.BytesOut || s.Unrouted != 0 ||
		s.Receives == 0 || s.Receives > packets || s.Sends > s.Receives || s.Messages > packets || s.Messages < s.Sends {
		t.Errorf("%+v", s)
	}
}

// Media goes to the last route of its address, and to nobody when that is released; pion never sees it.
func TestRoutes(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	got := make(chan string)
	receiver := func(name string) Receiver {
		return receiverFunc(func(packet []byte, _ time.Time, _ *Batch) { got <- name + string(packet[1:]) })
	}
	peer := client(t, "udp4", "127.0.0.1:0")
	say := func(packet []byte) {
		t.Helper()
		if _, err := peer.WriteToUDPAddrPort(packet, localAddr(c)); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want string) {
		t.Helper()
		select {
		case s := <-got:
			if s != want {
				t.Errorf("%q, want %q", s, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("no packet, want %q", want)
		}
	}
	unrouted := func(want uint64) { // the next packet for pion comes after those that were dropped
		t.Helper()
		say([]byte("stun"))
		if r := read(t, c); r.data != "stun" {
			t.Errorf("pion reads %q", r.data)
		}
		if s := c.Stats(); s.Unrouted != want {
			t.Errorf("%d packets without a route, want %d", s.Unrouted, want)
		}
	}
	say(media("0"))
	unrouted(1)
	from := localAddr(peer)
	first := c.Route(netip.AddrPortFrom(netip.AddrFrom16(from.Addr().As16()), from.Port()), receiver("first"))
	say(media("1"))
	expect("first1")
	second := c.Route(from, receiver("second"))
	say(media("2"))
	expect("second2")
	first()
	say(media("3"))
	expect("second3")
	for _, b := range []byte{0, 3, 19, 20, 63, 64, 79, 127, 192, 255} {
		say([]byte{b})
		if r := read(t, c); r.data != string([]byte{b}) {
			t.Errorf("pion reads %q, want %d", r.data, b)
		}
	}
	second()
	second()
	say(media("4"))
	say([]byte{191})
	unrouted(3)
	if c.routes.current.Load() != nil {
		t.Error("an empty table is looked up for each packet")
	}
}

// Routes come and go while packets do: none is received after the next route's first.
func TestRouteReplacedUnderLoad(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	peer := client(t, "udp4", "127.0.0.1:0")
	got := make(chan int, 1) // the newest route that has received
	route := func(generation int) func() {
		return c.Route(localAddr(peer), receiverFunc(func([]byte, time.Time, *Batch) {
			select {
			case now := <-got:
				if now > generation {
					t.Errorf("route %d received after route %d", generation, now)
				}
				got <- max(now, generation)
			default:
				got <- generation
			}
		}))
	}
	release := route(0)
	for generation := 1; generation <= 300; generation++ {
		for range 10 {
			if _, err := peer.WriteToUDPAddrPort(media("x"), localAddr(c)); err != nil {
				t.Fatal(err)
			}
		}
		next := route(generation)
		release()
		release = next
	}
	_ = c.Close()
	release()
	if s := c.Stats(); len(got) == 0 || s.Unrouted > 0 {
		t.Errorf("%d, %+v", len(got), s)
	}
}

// A relay's media is received like a client's, and what follows from it is on its way when Inject returns.
func TestRelayMedia(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	second := netip.AddrPortFrom(relayAddr.Addr(), 1025)
	var got []string
	if _, err := c.Attach(second, func(packet []byte) { got = append(got, string(packet)) }); err != nil {
		t.Fatal(err)
	}
	to := NewDestination(second)
	var kept []byte
	var end enderFunc = func(b *Batch) { send(b, to, kept) }
	release := c.Route(relayAddr, receiverFunc(func(packet []byte, _ time.Time, b *Batch) {
		packet[1]++ // in place, which the relay must not notice
		kept = packet
		b.AtEnd(&end)
		send(b, to, []byte("at once"))
	}))
	data := media("a")
	c.Inject(relayAddr, data)
	if want := []string{"at once", string(media("b"))}; !slices.Equal(got, want) || !bytes.Equal(data, media("a")) {
		t.Errorf("%q, want %q; %q", got, want, data)
	}
	release()
	c.Inject(relayAddr, data)
	c.Inject(relayAddr, []byte("stun"))
	if r := read(t, c); r.data != "stun" || r.from != relayAddr {
		t.Errorf("%+v", r)
	}
	if s := c.Stats(); s.Unrouted != 1 || s.PacketsIn != 3 || s.PacketsOut != 0 || len(got) != 2 {
		t.Errorf("%+v, %q", s, got)
	}
}

// A batch that is in hand when the port is closed ends like any other.
func TestBatchAfterClose(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	b := c.Batch()
	send(b, NewDestination(localAddr(c)), media("x"))
	_ = c.Close()
	b.Done()
	c.Inject(relayAddr, media("x"))
	if s := c.Stats(); s.PacketsOut != 0 || s.WriteFaults != 1 || s.PacketsIn != 0 {
		t.Errorf("%+v", s)
	}
}
