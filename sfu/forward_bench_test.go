package sfu

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"parley/sfu/codec"
	"parley/sfu/congestion"
	"parley/sfu/dtlssrtp"
	"parley/sfu/egress"
	"parley/sfu/feedback"
)

// crowd is people who publish a track each, or watch, over a real socket: what is sent to each ends in a socket on
// loopback, which is drained.
type crowd struct {
	tb         testing.TB
	controlled bool // by congestion control
	conn       *egress.Conn
	people     []*person
	now        time.Time
}

type person struct {
	transport *transport
	sender    *sender
	ingress   *ingress
	layer     *layer
	client    *dtlssrtp.Stream // seals what the person publishes
	plain     []byte           // the packet that is published over and over
	header    int
	sequence  uint32   // with its wraparounds
	buffers   [][]byte // of sealed
	sealed    [][]byte // packets that are ready to arrive
	next      int      // of sealed, the first that has not
}

const publishedSSRC = 9

// newCrowd has n people; each of those who publish is watched by all others.
func newCrowd(tb testing.TB, n, publishers int, mimeType string, size int, numbered bool) *crowd {
	tb.Helper()
	conn, err := egress.Listen(tb.Context(), "127.0.0.1:0", egress.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	c := &crowd{tb: tb, conn: conn, now: time.Now()}
	for range n {
		c.people = append(c.people, c.newPerson())
	}
	for i, p := range c.people[:publishers] {
		p.publish(tb, mimeType, size, numbered)
		for j, other := range c.people {
			if i == j {
				continue
			}
			codecs := withRTX(mimeType)
			if mimeType == webrtc.MimeTypeOpus {
				codecs = codecs[:1]
			}
			down := other.sender.add(p.layer.track, tileSize{})
			s := seat{binding{codecs: codecs, levels: true, numbered: numbered}, webrtc.SSRC(1000 + i), webrtc.SSRC(2000 + i)}
			if _, err := down.Bind(s); err != nil {
				tb.Fatal(err)
			}
			subscribe(down, c.now)
		}
	}
	return c
}

func (c *crowd) newPerson() *person {
	c.tb.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		c.tb.Fatal(err)
	}
	done := make(chan struct{})
	c.tb.Cleanup(func() { _ = socket.Close(); <-done })
	go func() {
		defer close(done)
		for buffer := make([]byte, egress.MaxPacket); ; {
			if _, _, err := socket.ReadFromUDPAddrPort(buffer); err != nil {
				return
			}
		}
	}()
	p := &person{transport: newTransport(c.conn)}
	server, client := sessions(c.tb, srtp.ProtectionProfileAeadAes128Gcm)
	p.transport.session.Store(server)
	p.transport.path.Store(egress.NewDestination(socket.LocalAddr().(*net.UDPAddr).AddrPort()))
	p.sender = newSender(p.transport, newPaceClock(c.conn), c.controlled, func(*upTrack, Quality, congestion.State) {})
	p.ingress = newIngress(p.transport, p.sender, func(unknownSource) {})
	p.ingress.ids = extensionIDs{transport: transportID, level: levelID}
	if p.client, err = client.Stream(publishedSSRC); err != nil {
		c.tb.Fatal(err)
	}
	return p
}

func (p *person) publish(tb testing.TB, mimeType string, size int, numbered bool) {
	tb.Helper()
	kind := webrtc.RTPCodecTypeVideo
	o := out{ssrc: publishedSSRC, pt: 96, marker: true, payload: vp8(1, 64, ""), numbered: numbered}
	if mimeType == webrtc.MimeTypeOpus {
		kind = webrtc.RTPCodecTypeAudio
		o.payload, o.level = nil, 0x85
	}
	o.payload = append(o.payload, make([]byte, size-len(o.payload))...)
	head, err := o.header().Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	p.plain, p.header = append(head, o.payload...), len(head)
	p.layer = &layer{
		ingress: p.ingress, ssrc: publishedSSRC, payloadType: 96, account: feedback.NewSource(publishedSSRC, 90000),
	}
	p.layer.keyframes.send = func() {}
	up := &upTrack{ingress: p.ingress, kind: kind, codec: capability(mimeType), format: codec.KindOf(mimeType)}
	up.addLayer(p.layer)
	p.ingress.bind(publishedSSRC, &source{layer: p.layer})
}

// prepare seals packets to come.
func (p *person) prepare(tb testing.TB, n int) {
	for len(p.buffers) < n {
		p.buffers = append(p.buffers, make([]byte, len(p.plain)+dtlssrtp.Overhead))
	}
	p.sealed = p.sealed[:0]
	at := p.transportNumber()
	for _, buffer := range p.buffers[:n] {
		p.sequence++
		packet := buffer[:copy(buffer, p.plain)]
		binary.BigEndian.PutUint16(packet[2:], uint16(p.sequence))
		binary.BigEndian.PutUint32(packet[4:], 3000*p.sequence)
		if at > 0 {
			binary.BigEndian.PutUint16(packet[at:], uint16(p.sequence))
		}
		sealed, err := p.client.Seal(packet, p.header)
		if err != nil {
			tb.Fatal(err)
		}
		p.sealed = append(p.sealed, sealed)
	}
	p.next = 0
}

// transportNumber is where it stands in the packet, 0 if there is none: it is the last extension.
func (p *person) transportNumber() int {
	for at := 16; at+2 < p.header; at++ {
		if p.plain[at] == transportID<<4|1 {
			return at + 1
		}
	}
	return 0
}

// arrive has the next n prepared packets of a person arrive together.
func (c *crowd) arrive(p *person, n int, gap time.Duration) {
	b := c.conn.Batch()
	for range n {
		c.now = c.now.Add(gap)
		p.ingress.Receive(p.sealed[p.next], c.now, b)
		p.next++
	}
	b.Done()
}

// TestForwardingAllocatesNothing has frames on their way from the socket to the socket.
func TestForwardingAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("pools lose what is put into them, under the race detector")
	}
	for name, test := range map[string]struct {
		mimeType string
		size, n  int
	}{
		"video": {webrtc.MimeTypeVP8, 1200, 8},
		"sound": {webrtc.MimeTypeOpus, 80, 1},
	} {
		t.Run(name, func(t *testing.T) {
			const warm, runs = 700, 200
			c := newCrowd(t, 5, 1, test.mimeType, test.size, false)
			p := c.people[0]
			p.prepare(t, (warm+runs+1)*test.n)
			for range warm { // until the history has what it needs
				c.arrive(p, test.n, 2*time.Millisecond)
			}
			before := c.conn.Stats().PacketsOut
			allocations := testing.AllocsPerRun(runs, func() { c.arrive(p, test.n, 2*time.Millisecond) })
			if sent := c.conn.Stats().PacketsOut - before; sent < uint64(4*test.n*runs) {
				t.Fatalf("%d packets sent", sent)
			}
			if allocations != 0 {
				t.Errorf("%v allocations per batch of %d to 4", allocations, test.n)
			}
		})
	}
}

// TestPictureOutlivesItsNumbers forwards more packets than there are sequence numbers.
func TestPictureOutlivesItsNumbers(t *testing.T) {
	c := newCrowd(t, 2, 1, webrtc.MimeTypeVP8, 100, false)
	p := c.people[0]
	const packets = 2*1<<16 + 1000
	for range packets / 8 {
		if p.next+8 > len(p.sealed) {
			p.prepare(t, 512)
		}
		c.arrive(p, 8, time.Millisecond)
	}
	if sent := c.conn.Stats().PacketsOut; sent != packets {
		t.Errorf("%d of %d packets were sent on", sent, packets)
	}
}

// measure has the publishers' packets arrive in turn, n at once, and reports what each packet that goes out costs.
func (c *crowd) measure(b *testing.B, publishers, n int, gap time.Duration) {
	b.Helper()
	const ahead = 512
	refill := func() {
		for _, p := range c.people[:publishers] {
			p.prepare(b, ahead)
		}
	}
	refill()
	i := 0
	step := func() {
		p := c.people[i%publishers]
		i++
		if p.next+n > len(p.sealed) {
			b.StopTimer()
			refill()
			b.StartTimer()
		}
		c.arrive(p, n, gap)
	}
	for warm := c.now.Add(3 * time.Second); c.now.Before(warm); { // until the histories have what they need
		step()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	stats := c.conn.Stats()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		step()
	}
	b.StopTimer()
	runtime.ReadMemStats(&after)
	end := c.conn.Stats()
	out := float64(end.PacketsOut - stats.PacketsOut)
	if out == 0 {
		b.Fatal("nothing is sent")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/out, "ns/packet")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/out, "allocs/packet")
	b.ReportMetric(out/float64(end.Messages-stats.Messages), "packets/message")
	b.ReportMetric(float64(end.WriteDrops-stats.WriteDrops)/out, "drops/packet")
}

func BenchmarkForwardOneToThirty(b *testing.B) {
	newCrowd(b, 31, 1, webrtc.MimeTypeVP8, 1200, true).measure(b, 1, 8, 2*time.Millisecond)
}

func BenchmarkForwardEightToSeven(b *testing.B) {
	newCrowd(b, 8, 8, webrtc.MimeTypeVP8, 1200, true).measure(b, 8, 8, 250*time.Microsecond)
}

func BenchmarkForwardAudio(b *testing.B) {
	newCrowd(b, 20, 20, webrtc.MimeTypeOpus, 80, true).measure(b, 20, 1, time.Millisecond)
}

// BenchmarkForwardBySize shows what a packet costs apart from its bytes.
func BenchmarkForwardBySize(b *testing.B) {
	for _, size := range []int{100, 400, 1200} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			newCrowd(b, 9, 1, webrtc.MimeTypeVP8, size, true).measure(b, 1, 8, 2*time.Millisecond)
		})
	}
}
