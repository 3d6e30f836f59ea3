package feedback

import (
	"math"
	"time"

	"github.com/pion/rtcp"
)

const (
	reported = 2048 // how many transport-wide numbers back are reported; a power of two

	interval = 50 * time.Millisecond // between feedbacks
	many     = 256                   // packets that do not wait for it

	tick          = 250 * time.Microsecond // unit of the times (3.1.5)
	referenceTick = 256                    // ticks in the unit of the reference time, 64 ms (3.1)
	maxDeltas     = 600                    // bytes of times in one packet, which keeps it below 1250 bytes
)

// Arrivals makes the transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01) that a sender's
// estimator lives on. The zero value is ready. A packet that comes after its loss was reported has the feedback begin
// with it once more.
type Arrivals struct {
	begun bool
	numbers
	start   int64   // the first number to report
	ticks   []int64 // time of arrival by number%reported, 0: none; for the numbers up to the highest
	waiting int     // arrivals to report

	epoch time.Time
	last  time.Time // of the last arrival
	built time.Time // when the last feedback was made

	count   uint8 // of feedback packets
	symbols []uint16
}

// Record notes the arrival of a packet with that transport-wide number. Of duplicates the first counts.
func (a *Arrivals) Record(sequence uint16, now time.Time) {
	if !a.begun {
		a.begun = true
		a.ticks = make([]int64, reported)
		a.epoch, a.built = now, now
		a.start = a.begin(sequence)
	}
	number, ok := a.extend(sequence, reported)
	if !ok {
		return
	}
	if number > a.highest {
		for i := max(a.highest+1, number-reported+1); i <= number; i++ {
			*a.tick(i) = 0
		}
		a.highest = number
		a.start = max(a.start, number-reported+1)
	}
	at := a.tick(number)
	if *at != 0 {
		return
	}
	// Any reference will do: the first arrival is at one unit of it, and nothing arrives at 0.
	*at = max(1, referenceTick+int64(now.Sub(a.epoch)/tick))
	a.start = min(a.start, number)
	a.waiting++
	a.last = now
}

func (a *Arrivals) tick(number int64) *int64 { return &a.ticks[uint64(number)%reported] }

// Due reports whether it is time for feedback: 50 ms after the last, or at once when many packets wait for it.
func (a *Arrivals) Due(now time.Time) bool {
	return a.waiting >= many || a.waiting > 0 && now.Sub(a.built) >= interval
}

// Build returns the feedback on what has arrived since the last, and begins the next. There is more than one packet if
// it does not fit into one, and none if nothing has arrived. sender is our SSRC, media that of a stream of the sender.
func (a *Arrivals) Build(sender, media uint32) []*rtcp.TransportLayerCC {
	if a.waiting == 0 {
		return nil
	}
	var feedback []*rtcp.TransportLayerCC
	for a.start <= a.highest {
		feedback = append(feedback, a.packet(sender, media))
	}
	a.waiting, a.built = 0, a.last
	return feedback
}

// packet makes the feedback from start on, as far as one packet goes, and moves start behind it. The highest number has
// arrived, so there is always one to report.
func (a *Arrivals) packet(sender, media uint32) *rtcp.TransportLayerCC {
	first := a.start
	for *a.tick(first) == 0 {
		first++
	}
	reference := *a.tick(first) / referenceTick
	base, previous := a.start, reference*referenceTick
	a.symbols = a.symbols[:0]
	var deltas []rtcp.RecvDelta
	size := 0
	for number := first; number <= a.highest && size < maxDeltas; number++ {
		at := *a.tick(number)
		if at == 0 {
			continue
		}
		delta := at - previous
		if delta < math.MinInt16 || delta > math.MaxInt16 {
			break
		}
		symbol := rtcp.TypeTCCPacketReceivedSmallDelta
		size++
		if delta < 0 || delta > math.MaxUint8 {
			symbol = rtcp.TypeTCCPacketReceivedLargeDelta
			size++
		}
		for a.start < number {
			a.symbols = append(a.symbols, rtcp.TypeTCCPacketNotReceived)
			a.start++
		}
		a.symbols = append(a.symbols, symbol)
		a.start++
		deltas = append(deltas, rtcp.RecvDelta{Type: symbol, Delta: delta * tick.Microseconds()})
		previous = at
	}
	packet := &rtcp.TransportLayerCC{
		SenderSSRC:         sender,
		MediaSSRC:          media,
		BaseSequenceNumber: uint16(base),
		PacketStatusCount:  uint16(a.start - base),
		ReferenceTime:      uint32(reference) & 0xffffff,
		FbPktCount:         a.count,
		PacketChunks:       chunks(a.symbols),
		RecvDeltas:         make([]*rtcp.RecvDelta, len(deltas)),
	}
	for i := range deltas {
		packet.RecvDeltas[i] = &deltas[i]
	}
	a.count++
	bytes := packet.MarshalSize()
	packet.Header = rtcp.Header{
		Padding: 20+2*len(packet.PacketChunks)+size != bytes,
		Count:   rtcp.FormatTCC,
		Type:    rtcp.TypeTransportSpecificFeedback,
		Length:  uint16(bytes/4 - 1),
	}
	return packet
}
