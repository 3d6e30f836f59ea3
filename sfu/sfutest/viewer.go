package sfutest

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"parley/sfu"
)

const (
	feedbackEvery = 100 * time.Millisecond
	nackEvery     = 10 * time.Millisecond // how often the viewer looks for gaps
	nackTries     = 10
	nackAgain     = 100 * time.Millisecond
	frozenAfter   = 500 * time.Millisecond // without a picture while packets come: it asks for a keyframe
	inTime        = 400 * time.Millisecond // later than that after its capture a picture is of no use
)

// Viewer is a participant who publishes nothing and judges what it gets of [Publisher]s: which pictures could be
// decoded, and when.
type Viewer struct {
	*Client

	// Static after construction.
	stopped chan struct{}
	wg      sync.WaitGroup

	vmu      sync.Mutex
	streams  map[uint8]*stream // guarded by vmu, as what follows; by the number of the publisher
	pictures []Picture
	voices   []Voice
	asked    int // requests for keyframes
}

// Picture is one that was decoded.
type Picture struct {
	Publisher, Encoding int
	Captured, At        time.Time
	Bits                int // nominal
}

// Voice is a packet of audio that came.
type Voice struct {
	Publisher, Number int
	At                time.Time
}

// stream is what the viewer knows of one video.
type stream struct {
	ssrc      uint32
	highest   int // sequence number, unwrapped
	missing   []missing
	pending   []*picture
	decoded   map[pictureID]bool
	newest    time.Time // capture time of the newest decoded picture
	decodedAt time.Time
	arrivedAt time.Time
	askedAt   time.Time
}

type missing struct {
	sequence int
	last     time.Time
	tries    int
}

type pictureID struct {
	encoding uint8
	frame    uint32
}

// picture is a frame as it is put together.
type picture struct {
	stamp
	first int // sequence number of the first packet
	got   map[uint16]bool
}

// View has a viewer with that address join a room.
func View(t *testing.T, s *sfu.SFU, n *Network, room, id, ip string) *Viewer {
	t.Helper()
	v := &Viewer{stopped: make(chan struct{}), streams: make(map[uint8]*stream)}
	feedback, err := twcc.NewSenderInterceptor(twcc.SendInterval(feedbackEvery))
	if err != nil {
		t.Fatal(err)
	}
	reports, err := report.NewReceiverInterceptor()
	if err != nil {
		t.Fatal(err)
	}
	v.Client = Join(t, s, room, id, Options{API: n.API(ip, feedback, reports, tap{v})})
	t.Cleanup(v.stop)
	v.AwaitConnected()
	v.wg.Go(v.look)
	return v
}

func (v *Viewer) stop() {
	close(v.stopped)
	v.Leave()
	v.wg.Wait()
}

// Pictures returns what was decoded so far.
func (v *Viewer) Pictures() []Picture {
	v.vmu.Lock()
	defer v.vmu.Unlock()
	return slices.Clone(v.pictures)
}

// Heard returns the packets of voices that came so far.
func (v *Viewer) Heard() []Voice {
	v.vmu.Lock()
	defer v.vmu.Unlock()
	return slices.Clone(v.voices)
}

// tap shows a viewer the packets as they come. It makes and is an interceptor.
type tap struct{ viewer *Viewer }

type tapped struct {
	interceptor.NoOp
	viewer *Viewer
}

// NewInterceptor makes what sees the packets of one connection.
func (t tap) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &tapped{viewer: t.viewer}, nil
}

// BindRemoteStream is called for each stream, and for that of its retransmissions.
func (t *tapped) BindRemoteStream(info *interceptor.StreamInfo, reader interceptor.RTPReader) interceptor.RTPReader {
	return interceptor.RTPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		n, a, err := reader.Read(b, a)
		var packet rtp.Packet
		if err == nil && packet.Unmarshal(b[:n]) == nil {
			t.viewer.take(info, &packet)
		}
		return n, a, err
	})
}

func (v *Viewer) take(info *interceptor.StreamInfo, p *rtp.Packet) {
	v.vmu.Lock()
	defer v.vmu.Unlock()
	payload, sequence := p.Payload, p.SequenceNumber
	again := strings.EqualFold(info.MimeType, webrtc.MimeTypeRTX)
	switch {
	case strings.EqualFold(info.MimeType, webrtc.MimeTypeOpus):
		if len(payload) >= 6 {
			voice := Voice{int(payload[1]), int(binary.BigEndian.Uint32(payload[2:])), time.Now()}
			v.voices = append(v.voices, voice)
		}
		return
	case again:
		if len(payload) < 2 {
			return // padding
		}
		sequence, payload = binary.BigEndian.Uint16(payload), payload[2:]
	}
	stamp, ok := readStamp(payload)
	if !ok {
		return
	}
	s := v.streams[stamp.publisher]
	if s == nil {
		s = &stream{highest: int(sequence) - 1, decoded: make(map[pictureID]bool), decodedAt: time.Now()}
		v.streams[stamp.publisher] = s
	}
	if !again {
		s.ssrc = info.SSRC
	}
	s.arrivedAt = time.Now()
	if number := s.unwrap(sequence); s.fresh(number) {
		s.assemble(stamp, number)
		v.decode(s, int(stamp.publisher))
	}
}

func (s *stream) unwrap(sequence uint16) int {
	return s.highest + int(int16(sequence-uint16(s.highest)))
}

// fresh notes that a packet has come. It reports whether it is the first time.
func (s *stream) fresh(sequence int) bool {
	if sequence > s.highest {
		for lost := s.highest + 1; lost < sequence; lost++ {
			s.missing = append(s.missing, missing{sequence: lost})
		}
		s.highest = sequence
		return true
	}
	i := slices.IndexFunc(s.missing, func(m missing) bool { return m.sequence == sequence })
	if i < 0 {
		return false
	}
	s.missing = slices.Delete(s.missing, i, i+1)
	return true
}

func (s *stream) assemble(of stamp, sequence int) {
	i := slices.IndexFunc(s.pending, func(p *picture) bool { return p.id() == of.id() })
	if i < 0 {
		i = len(s.pending)
		s.pending = append(s.pending, &picture{stamp: of, got: make(map[uint16]bool)})
	}
	s.pending[i].got[of.index] = true
	s.pending[i].first = sequence - int(of.index)
}

func (s *stamp) id() pictureID { return pictureID{s.encoding, s.frame} }

// decode takes all pictures that can be decoded, in their order. One that is older than the newest of them is of use as
// long as it would be shown in time: the receiver's playout waits for it.
func (v *Viewer) decode(s *stream, publisher int) {
	now := time.Now()
	for {
		var next *picture
		for _, p := range s.pending {
			ready := len(p.got) == int(p.count) && (p.needs == 0 || s.decoded[pictureID{p.encoding, p.needs}])
			if ready && (next == nil || p.captured.Before(next.captured)) {
				next = p
			}
		}
		if next == nil {
			return
		}
		s.decoded[next.id()] = true
		s.decodedAt = now
		if next.captured.After(s.newest) {
			s.newest = next.captured
		}
		v.pictures = append(v.pictures, Picture{
			publisher, int(next.encoding), next.captured, now, nominalBits(int(next.encoding), int(next.temporal)),
		})
		s.pending = slices.DeleteFunc(s.pending, func(p *picture) bool {
			return p == next || !p.captured.After(s.newest) && now.Sub(p.captured) > inTime
		})
		if next.key {
			s.missing = slices.DeleteFunc(s.missing, func(m missing) bool { return m.sequence < next.first })
		}
	}
}

// look asks for what is missing, again and again, and for a keyframe when that does not help.
func (v *Viewer) look() {
	ticker := time.NewTicker(nackEvery)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			if packets := v.ask(now); len(packets) > 0 {
				v.mu.Lock()
				pc := v.pc
				v.mu.Unlock()
				_ = pc.WriteRTCP(packets)
			}
		case <-v.stopped:
			return
		}
	}
}

func (v *Viewer) ask(now time.Time) (packets []rtcp.Packet) {
	v.vmu.Lock()
	defer v.vmu.Unlock()
	for _, s := range v.streams {
		if s.ssrc == 0 {
			continue
		}
		var numbers []uint16
		for i := range s.missing {
			if m := &s.missing[i]; m.tries < nackTries && now.Sub(m.last) >= nackAgain {
				m.last = now
				m.tries++
				numbers = append(numbers, uint16(m.sequence))
			}
		}
		if len(numbers) > 0 {
			packets = append(packets, &rtcp.TransportLayerNack{
				SenderSSRC: 1, MediaSSRC: s.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(numbers),
			})
		}
		if now.Sub(s.decodedAt) > frozenAfter && now.Sub(s.arrivedAt) < frozenAfter && now.Sub(s.askedAt) > frozenAfter {
			s.askedAt = now
			v.asked++
			packets = append(packets, &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: s.ssrc})
		}
	}
	return packets
}
