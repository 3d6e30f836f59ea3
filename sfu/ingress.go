package sfu

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"parley/sfu/egress"
	"parley/sfu/feedback"
	"parley/sfu/wire"
)

const (
	// maxSaid bounds the streams of a client that are kept in mind.
	maxSaid = 256
	// askAgain is how long the peer's loop may take to say what a stream is.
	askAgain = 200 * time.Millisecond
	// forgetAfter is when a stream that nobody knew is forgotten, if its place is needed.
	forgetAfter = 10 * time.Second
	// guessedRTT is taken for the round trip until a receiver report has told.
	guessedRTT = 50 * time.Millisecond
)

// ingress takes a connection's media off the socket: it opens each packet, keeps account of it, and hands it to its
// layer. It implements egress.Receiver.
//
// Whoever holds mu is the connection's reader. That is nearly always the goroutine of the socket that the client's
// address belongs to, so nobody waits.
type ingress struct {
	// Static after construction.
	transport *transport
	sender    *sender             // of what goes the other way
	unknown   func(unknownSource) // posts to the peer's loop
	crew      *crew               // nil: nobody helps

	last atomic.Int64 // UnixNano of the newest packet that was the client's

	mu       sync.Mutex
	closed   bool                      // guarded by mu, as all that follows
	ids      extensionIDs              // of the client's packets
	sources  map[uint32]*source        // by SSRC
	said     map[uint32]*unknownSource // by SSRC: what packets have said of themselves, perhaps once and for all
	downs    map[uint32]*downTrack     // by the SSRC that the client receives it with
	arrivals *feedback.Arrivals        // nil for who only receives
	rtt      time.Duration
	timed    bool            // rtt was measured
	flow     flow            // all that comes
	nacks    []rtcp.NackPair // kept for its room
	sheds    uint32          // of the batch, that are dealt with
}

// source is one RTP stream of the client.
type source struct {
	layer  *layer
	repair bool // it repairs the layer (RFC 4588)
}

// unknownSource is a stream of the client of which only its packets are known so far. What they say of themselves may
// be in the first packet alone, so it is kept.
type unknownSource struct {
	ssrc                  uint32
	payloadType           uint8
	mid, rid, repairedRID string
	askedAt               time.Time
	replaced              bool // another SSRC has taken its place
}

func newIngress(t *transport, s *sender, unknown func(unknownSource)) *ingress {
	return &ingress{
		transport: t,
		sender:    s,
		unknown:   unknown,
		sources:   make(map[uint32]*source),
		said:      make(map[uint32]*unknownSource),
		downs:     make(map[uint32]*downTrack),
		rtt:       guessedRTT,
	}
}

// Receive takes one packet from the socket.
func (in *ingress) Receive(packet []byte, arrived time.Time, b *egress.Batch) {
	in.mu.Lock()
	defer in.mu.Unlock()
	session := in.transport.session.Load()
	if session == nil || in.closed {
		return
	}
	if wire.IsRTCP(packet) {
		if plain, err := session.OpenRTCP(packet); err == nil {
			in.last.Store(arrived.UnixNano())
			in.receiveRTCP(plain, arrived, b)
		}
		return
	}
	plain, err := session.OpenRTP(packet)
	if err != nil {
		return // forged, replayed or cut
	}
	header, err := wire.ParseHeader(plain)
	if err != nil {
		return
	}
	payload, err := wire.Payload(header, plain)
	if err != nil {
		return
	}
	in.last.Store(arrived.UnixNano())
	in.flow.add(arrived, len(packet)+ipOverhead)
	if sheds := b.Sheds(); sheds != in.sheds { // fewer on another socket
		in.sheds = sheds
		in.resume(arrived)
	}
	if number := header.Extensions.Get(in.ids.transport); len(number) == 2 {
		if in.arrivals == nil {
			in.arrivals = new(feedback.Arrivals)
		}
		in.arrivals.Record(uint16(number[0])<<8|uint16(number[1]), arrived)
	}
	if s := in.sources[header.SSRC]; s != nil {
		in.receiveRTP(s, header, payload, arrived, b)
	} else {
		in.ask(header, arrived)
	}
	if in.arrivals != nil && in.arrivals.Due(arrived) {
		in.sendFeedback(header.SSRC, b)
	}
}

// resume begins anew after some of what the client sent was dropped unread: to ask for all that again would be too
// late, and once more too much. mu is held.
func (in *ingress) resume(now time.Time) {
	for _, s := range in.sources {
		if s.repair || !s.layer.isVideo() {
			continue
		}
		s.layer.shed = true
		if s.layer.demand.any() {
			s.layer.keyframes.request(now)
		}
	}
}

// receiveRTP hands a packet to its layer, unless it came before. mu is held.
func (in *ingress) receiveRTP(s *source, header wire.Header, payload []byte, arrived time.Time, b *egress.Batch) {
	l := s.layer
	switch {
	case s.repair && len(payload) < 2:
		return // a probe
	case s.repair:
		// The original number stands in front of the original payload (RFC 4588, section 4).
		header.Sequence, payload = uint16(payload[0])<<8|uint16(payload[1]), payload[2:]
		header.PayloadType = l.payloadType
		if len(payload) == 0 || !l.account.Recovered(header.Sequence) {
			return
		}
	case !l.account.Receive(header.Sequence, header.Timestamp, arrived):
		return
	case l.shed: // the first since
		l.shed = false
		l.account.Forgive()
	}
	l.take(header, payload, arrived, b)
	if s.repair || !l.isVideo() {
		return
	}
	if in.nacks = l.account.Nacks(arrived, in.rtt, in.nacks[:0]); len(in.nacks) > 0 {
		in.transport.sendRTCP(b, &rtcp.TransportLayerNack{
			SenderSSRC: in.transport.ssrc, MediaSSRC: l.ssrc, Nacks: in.nacks,
		})
	}
}

// sendFeedback tells the client's bandwidth estimator what has arrived when. mu is held.
func (in *ingress) sendFeedback(media uint32, b *egress.Batch) {
	for _, packet := range in.arrivals.Build(in.transport.ssrc, media) {
		in.transport.sendRTCP(b, packet)
	}
}

// ask posts what is known of a stream that is not, again if no answer has come. mu is held.
func (in *ingress) ask(header wire.Header, now time.Time) {
	u := in.said[header.SSRC]
	if u == nil {
		if len(in.said) >= maxSaid && !in.forget(now) {
			return
		}
		u = &unknownSource{ssrc: header.SSRC}
		in.said[header.SSRC] = u
	}
	u.payloadType = header.PayloadType
	for _, field := range []struct {
		id    uint8
		value *string
	}{{in.ids.mid, &u.mid}, {in.ids.rid, &u.rid}, {in.ids.repairedRID, &u.repairedRID}} {
		if text := header.Extensions.Get(field.id); text != nil {
			*field.value = string(text)
		}
	}
	if now.Sub(u.askedAt) >= askAgain && !u.replaced {
		u.askedAt = now
		in.unknown(*u)
	}
}

// forget drops what unknown streams have said that have not been heard of for a while. It reports whether there were
// any.
func (in *ingress) forget(now time.Time) bool {
	before := len(in.said)
	maps.DeleteFunc(in.said, func(ssrc uint32, u *unknownSource) bool {
		return in.sources[ssrc] == nil && now.Sub(u.askedAt) > forgetAfter
	})
	return len(in.said) < before
}

// bind says what a stream is.
func (in *ingress) bind(ssrc uint32, s *source) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.sources[ssrc] = s
}

// replace forgets a layer for good: the client has given its place to another SSRC.
func (in *ingress) replace(l *layer) {
	in.unbind(l)
	in.mu.Lock()
	defer in.mu.Unlock()
	if u := in.said[l.ssrc]; u != nil {
		u.replaced = true
	}
}

// unbind forgets the streams of a layer, which may come back.
func (in *ingress) unbind(l *layer) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for ssrc, s := range in.sources {
		if s.layer == l {
			delete(in.sources, ssrc)
		}
	}
}

// describe takes the ids that the client's description gives to extensions.
func (in *ingress) describe(ids extensionIDs) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ids.merge(ids)
}

// subscribe has the client's feedback on an SSRC go to d.
func (in *ingress) subscribe(ssrc uint32, d *downTrack) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.downs[ssrc] = d
}

// unsubscribe ends that.
func (in *ingress) unsubscribe(ssrc uint32) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.downs, ssrc)
}

// close drops whatever still comes in.
func (in *ingress) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
}

// silentSince reports whether no packet of the client's has come for that long.
func (in *ingress) silentSince(now time.Time, d time.Duration) bool {
	return now.UnixNano()-in.last.Load() > int64(d)
}

// reports are the reception reports on all that the client sends (RFC 3550, 6.4.2).
func (in *ingress) reports(now time.Time) []rtcp.ReceptionReport {
	in.mu.Lock()
	defer in.mu.Unlock()
	var reports []rtcp.ReceptionReport
	for ssrc, s := range in.sources {
		if !s.repair && ssrc == s.layer.ssrc {
			reports = append(reports, s.layer.account.Report(now))
		}
	}
	return reports
}
