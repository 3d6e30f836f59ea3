package load

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
)

// What a receiver tells the server, made from what the taps have counted: pion sees too little of the media to do it.
const (
	ownSSRC       = 1                      // of the reports' sender
	reporterTick  = 10 * time.Millisecond  // and of requests
	feedbackSlots = 10                     // transport-wide feedback each so many ticks
	reportEvery   = 10                     // receiver reports with each so manieth feedback: 1 s
	nackFirst     = 5 * time.Millisecond   // after the gap was seen
	nackAgain     = 40 * time.Millisecond  // doubled each time, up to
	nackAtMost    = 500 * time.Millisecond //
	nackTimes     = 8
	maxReports    = 31 // of one packet (RFC 3550, 6.4.2)
)

// missing is a packet that was left out.
type missing struct {
	number uint16
	times  int   // it was asked for
	due    int64 // ns since the run began
}

// reported is what is kept of a stream from one receiver report to the next (RFC 3550, A.3).
type reported struct {
	expected, received uint64 // until the last report
	got                uint64 // so far
	sentAt             uint32 // the middle of the NTP time of the sender's last report
	heardAt            int64  // ns since the run began, 0: never
}

// feed collects arrivals for the transport-wide feedback.
type feed struct {
	recorder *twcc.Recorder
	waiting  int
}

func (f *feed) arrived(ssrc uint32, number uint16, at int64) {
	if f.recorder == nil {
		f.recorder = twcc.NewRecorder(ownSSRC)
	}
	f.recorder.Record(ssrc, number, at/int64(time.Microsecond))
	f.waiting++
}

// lose takes note of a gap in front of a packet.
func (s *stream) lose(number uint16, gap int, now int64) {
	for n := min(gap, maxNacks); n > 0; n-- {
		s.nacks = append(s.nacks, missing{number: number - uint16(n), due: now + int64(nackFirst)})
	}
	if excess := len(s.nacks) - maxNacks; excess > 0 {
		s.nacks = slices.Delete(s.nacks, 0, excess)
	}
}

// asked tells whether a packet that has come was asked for, and ends that.
func (s *stream) asked(number uint16) bool {
	i := slices.IndexFunc(s.nacks, func(m missing) bool { return m.number == number })
	if i < 0 {
		return false
	}
	asked := s.nacks[i].times > 0
	s.nacks = slices.Delete(s.nacks, i, i+1)
	return asked
}

// requests makes what has to be asked for now: keyframes of new pictures, and missing packets if nack. more tells
// whether there will be something to ask for again.
func (t *tap) requests(now int64, nack bool) (packets []rtcp.Packet, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.streams {
		if s.kind == kindVideo && !s.picture {
			s.picture = true
			packets = append(packets, &rtcp.PictureLossIndication{SenderSSRC: ownSSRC, MediaSSRC: s.ssrc})
		}
		if !nack {
			s.nacks = s.nacks[:0]
			continue
		}
		if numbers := s.nacksDue(now); len(numbers) > 0 {
			packets = append(packets, &rtcp.TransportLayerNack{
				SenderSSRC: ownSSRC, MediaSSRC: s.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(numbers),
			})
		}
		more = more || len(s.nacks) > 0
	}
	t.urgent, t.told = more, more
	return packets, more
}

func (s *stream) nacksDue(now int64) []uint16 {
	var numbers []uint16
	s.nacks = slices.DeleteFunc(s.nacks, func(m missing) bool {
		return m.times >= nackTimes || !s.number.lacks(m.number)
	})
	for i := range s.nacks {
		m := &s.nacks[i]
		if m.due > now {
			continue
		}
		m.due = now + int64(min(nackAtMost, nackAgain<<m.times))
		m.times++
		numbers = append(numbers, m.number)
	}
	return numbers
}

// feedback makes what is due: transport-wide feedback, and receiver reports if wanted.
func (t *tap) feedback(now int64, reports bool) []rtcp.Packet {
	t.mu.Lock()
	defer t.mu.Unlock()
	var packets []rtcp.Packet
	if t.feed.waiting > 0 {
		t.feed.waiting = 0
		packets = t.feed.recorder.BuildFeedbackPacket()
	}
	if !reports {
		return packets
	}
	var blocks []rtcp.ReceptionReport
	for _, s := range t.streams {
		if s.number.begun && s.kind != kindRTX {
			blocks = append(blocks, s.report(now))
		}
	}
	for block := range slices.Chunk(blocks, maxReports) {
		packets = append(packets, &rtcp.ReceiverReport{SSRC: ownSSRC, Reports: block})
	}
	return packets
}

// report makes a stream's part of a receiver report (RFC 3550, 6.4.1). It says nothing of jitter.
func (s *stream) report(now int64) rtcp.ReceptionReport {
	expected := s.number.highest - s.number.first + 1
	got := s.reported.got
	r := rtcp.ReceptionReport{SSRC: s.ssrc, LastSequenceNumber: uint32(s.number.highest - 1<<16)}
	if expected > got {
		r.TotalLost = uint32(min(expected-got, 1<<23-1))
	}
	if all, some := expected-s.reported.expected, got-s.reported.received; all > some && all > 0 {
		r.FractionLost = uint8(min(255, (all-some)<<8/all))
	}
	s.reported.expected, s.reported.received = expected, got
	if s.reported.heardAt != 0 {
		r.LastSenderReport = s.reported.sentAt
		r.Delay = uint32((now - s.reported.heardAt) * 65536 / int64(time.Second))
	}
	return r
}

// heard takes what the server reports of what it sends.
func (t *tap) heard(packets []rtcp.Packet, now int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, packet := range packets {
		if sr, ok := packet.(*rtcp.SenderReport); ok {
			if s := t.streams[sr.SSRC]; s != nil {
				s.reported.sentAt, s.reported.heardAt = uint32(sr.NTPTime>>16), now
			}
		}
	}
}

// reporter sends what all participants report, a part of them at a time.
type reporter struct {
	// Static after construction.
	clock clock
	nack  bool

	mu     sync.Mutex
	slots  [feedbackSlots][]*participant // guarded by mu
	next   int                           // guarded by mu: the slot of the next participant
	urgent []*participant                // guarded by mu: who has something to ask for
}

func (r *reporter) add(p *participant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots[r.next] = append(r.slots[r.next], p)
	r.next = (r.next + 1) % feedbackSlots
}

func (r *reporter) remove(p *participant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, slot := range r.slots {
		r.slots[i] = slices.DeleteFunc(slices.Clone(slot), func(o *participant) bool { return o == p })
	}
}

// hurry has a participant asked at the next tick what it lacks.
func (r *reporter) hurry(p *participant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.urgent = append(r.urgent, p)
}

// run reports until ctx ends.
func (r *reporter) run(ctx context.Context) {
	ticker := time.NewTicker(reporterTick)
	defer ticker.Stop()
	for tick := 0; ; tick++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		r.mu.Lock()
		slot := r.slots[tick%feedbackSlots]
		urgent := r.urgent
		r.urgent = nil
		r.mu.Unlock()
		for _, p := range urgent {
			packets, more := p.tap().requests(r.clock.now(), r.nack)
			p.sendRTCP(packets)
			if more {
				r.hurry(p)
			}
		}
		for _, p := range slot {
			p.sendRTCP(p.tap().feedback(r.clock.now(), tick/feedbackSlots%reportEvery == 0))
		}
	}
}
