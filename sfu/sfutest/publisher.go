package sfutest

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"parley/sfu"
)

const (
	encodings     = 3
	frameInterval = time.Second / 30
	largestPacket = 1200 // bytes on the wire
	around        = 64   // bytes around a payload on the wire: IP, UDP, RTP, extension, tag
	keyframeAfter = 70 * time.Millisecond
	keyframeSize  = 4 // of a delta frame of the lowest temporal layer
	voiceInterval = 20 * time.Millisecond
	voiceSize     = 80 // bytes on the wire: 32 kbit/s
)

// ladder are the bit rates on the wire: three encodings with two temporal layers each.
func ladder() [2 * encodings]int {
	return [...]int{90_000, 150_000, 300_000, 500_000, 1_020_000, 1_700_000}
}

func rids() [encodings]string { return [...]string{"q", "h", "f"} }

// nominalBits are a frame's part in its rung's bit rate.
func nominalBits(encoding, temporal int) int {
	rates := ladder()
	bits := rates[2*encoding]
	if temporal == 1 {
		bits = rates[2*encoding+1] - bits
	}
	return bits / 15 // half of 30 frames per second
}

// Publisher is a participant with a microphone and a camera, which sends VP8 in three encodings of two temporal layers,
// as far as the SFU wants them. Packets carry a stamp that a [Viewer] judges them by.
type Publisher struct {
	*Client

	// Static after construction.
	number  int
	camera  [encodings]*webrtc.TrackLocalStaticRTP
	voice   *webrtc.TrackLocalStaticRTP
	sender  *webrtc.RTPTransceiver
	stopped chan struct{}
	wg      sync.WaitGroup
	random  *rand.Rand // owned by film

	mu     sync.Mutex
	active [encodings]bool      // guarded by mu, as what follows
	keyAt  [encodings]time.Time // when a requested keyframe will be there; zero: none is requested
	voices []time.Time          // when each packet of the voice was recorded

	encoders [encodings]encoder // owned by film
	frames   int                // owned by film
}

// encoder is what goes on in one encoding.
type encoder struct {
	sequence uint16
	picture  uint16
	tl0      uint8
	base     uint32 // the last frame of the lowest temporal layer, counted from 1
	scene    float64
	debt     float64 // bytes spent too many
}

// Publish puts a publisher into a room. Its id is "p<number>". How large its frames are is a matter of the seed.
func Publish(t *testing.T, s *sfu.SFU, n *Network, room string, number int, seed uint64) *Publisher {
	t.Helper()
	p := &Publisher{number: number, stopped: make(chan struct{}), random: rand.New(rand.NewPCG(seed, uint64(number)))}
	for e := range encodings {
		p.encoders[e] = encoder{sequence: uint16(1000 * e), picture: uint16(100 * e), scene: 1}
		p.active[e], p.keyAt[e] = true, time.Now() // an encoder begins with a keyframe
	}
	reports, err := report.NewSenderInterceptor()
	if err != nil {
		t.Fatal(err)
	}
	p.Client = Join(t, s, room, fmt.Sprintf("p%d", number), Options{
		API: n.API(fmt.Sprintf("10.0.0.%d", 10+number), reports), Setup: p.setup, OnEvent: p.event,
	})
	t.Cleanup(p.stop)
	p.AwaitConnected()
	p.wg.Go(p.film)
	p.wg.Go(p.talk)
	return p
}

func (p *Publisher) stop() {
	close(p.stopped)
	p.Leave()
	p.wg.Wait()
}

// setup adds the tracks to the connection.
func (p *Publisher) setup(pc *webrtc.PeerConnection) error {
	sendonly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}
	var err error
	opus := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	if p.voice, err = webrtc.NewTrackLocalStaticRTP(opus, "voice", "stream"); err != nil {
		return err
	}
	if _, err := pc.AddTransceiverFromTrack(p.voice, sendonly); err != nil {
		return err
	}
	vp8 := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
	for e, rid := range rids() {
		track, err := webrtc.NewTrackLocalStaticRTP(vp8, "camera", "stream", webrtc.WithRTPStreamID(rid))
		if err != nil {
			return err
		}
		p.camera[e] = track
		if e == 0 {
			p.sender, err = pc.AddTransceiverFromTrack(track, sendonly)
		} else {
			err = p.sender.Sender().AddEncoding(track)
		}
		if err != nil {
			return err
		}
		p.wg.Go(func() { p.listen(e, rid) })
	}
	return nil
}

// listen reads what the SFU asks of an encoding.
func (p *Publisher) listen(e int, rid string) {
	for {
		packets, _, err := p.sender.Sender().ReadSimulcastRTCP(rid)
		if err != nil {
			return
		}
		for _, packet := range packets {
			if _, ok := packet.(*rtcp.PictureLossIndication); ok {
				p.request(e)
			}
		}
	}
}

// request asks the encoder for a keyframe.
func (p *Publisher) request(e int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keyAt[e].IsZero() {
		p.keyAt[e] = time.Now().Add(keyframeAfter)
	}
}

// event switches encodings off and on, as setParameters does.
func (p *Publisher) event(event sfu.Event) {
	wanted, ok := event.(sfu.LayersWanted)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for e, rid := range rids() {
		if active, ok := wanted.Active[rid]; ok {
			if active && !p.active[e] {
				p.keyAt[e] = time.Now() // as when it began
			}
			p.active[e] = active
		}
	}
}

// film captures a picture every 33 ms.
func (p *Publisher) film() {
	extensions := make(map[string]uint8)
	for _, extension := range p.sender.Sender().GetParameters().HeaderExtensions {
		extensions[extension.URI] = uint8(extension.ID)
	}
	p.every(time.Duration(p.number)*11*time.Millisecond, frameInterval, func(now time.Time) {
		temporal := p.frames % 2
		p.frames++
		for e := range encodings {
			p.mu.Lock()
			active, key := p.active[e], false
			if at := p.keyAt[e]; active && temporal == 0 && !at.IsZero() && !now.Before(at) {
				key, p.keyAt[e] = true, time.Time{}
			}
			p.mu.Unlock()
			if active {
				p.encode(now, e, temporal, key, extensions)
			}
		}
	})
}

// every calls do until the publisher stops.
func (p *Publisher) every(phase, interval time.Duration, do func(now time.Time)) {
	timer := time.NewTimer(phase)
	defer timer.Stop()
	for next := time.Now().Add(phase); ; next = next.Add(interval) {
		timer.Reset(time.Until(next))
		select {
		case <-timer.C:
			do(next)
		case <-p.stopped:
			return
		}
	}
}

// encode makes a frame of one encoding and sends it.
func (p *Publisher) encode(now time.Time, e, temporal int, key bool, extensions map[string]uint8) {
	c := &p.encoders[e]
	c.picture++
	frame := stamp{
		publisher: uint8(p.number), encoding: uint8(e), temporal: uint8(temporal), key: key,
		frame: uint32(p.frames), needs: c.base, captured: now,
	}
	if key {
		frame.needs = 0
	}
	if temporal == 0 {
		c.base = frame.frame
		c.tl0++
	}
	size := p.size(c, e, temporal, key)
	frame.count = uint16((size + largestPacket - 1) / largestPacket)
	for frame.index = range frame.count {
		c.sequence++
		packet := &rtp.Packet{Header: rtp.Header{
			Version: 2, Marker: frame.index+1 == frame.count, SequenceNumber: c.sequence,
			Timestamp: uint32(now.UnixMicro() * 9 / 100),
		}}
		packet.Payload = make([]byte, max(size/int(frame.count)-around, stampAt+stampSize))
		putVP8(packet.Payload, frame.index == 0, c.picture, c.tl0, uint8(temporal), key, e)
		frame.put(packet.Payload[stampAt:])
		if packet.SetExtension(extensions[sdp.SDESMidURI], []byte(p.sender.Mid())) != nil ||
			packet.SetExtension(extensions[sdp.SDESRTPStreamIDURI], []byte(rids()[e])) != nil {
			return // not negotiated
		}
		_ = p.camera[e].WriteRTP(packet)
	}
}

// size is that of the next frame in bytes on the wire. It varies from frame to frame and with the scene; the encoder
// keeps the mean at the nominal rate over a second or so.
func (p *Publisher) size(c *encoder, e, temporal int, key bool) int {
	mean := float64(nominalBits(e, temporal)) / 8
	c.scene += 0.02*(1-c.scene) + 0.03*p.random.NormFloat64()
	size := mean * min(max(c.scene, 0.6), 1.6) * math.Exp(0.2*p.random.NormFloat64()-0.02)
	if key {
		size = keyframeSize * mean * math.Exp(0.15*p.random.NormFloat64())
	} else {
		size -= min(max(0.06*c.debt, -0.4*size), 0.4*size)
	}
	c.debt += size - mean
	return max(int(size), 120)
}

// talk sends the voice.
func (p *Publisher) talk() {
	p.every(time.Duration(p.number)*7*time.Millisecond, voiceInterval, func(now time.Time) {
		p.mu.Lock()
		number := len(p.voices)
		p.voices = append(p.voices, now)
		p.mu.Unlock()
		payload := make([]byte, voiceSize-around)
		payload[0], payload[1] = 0xfc, uint8(p.number)
		binary.BigEndian.PutUint32(payload[2:], uint32(number))
		_ = p.voice.WriteRTP(&rtp.Packet{
			Header: rtp.Header{
				Version: 2, SequenceNumber: uint16(number), Timestamp: uint32(number) * 960, Marker: number == 0,
			},
			Payload: payload,
		})
	})
}

// Voices returns when each packet of the voice was recorded.
func (p *Publisher) Voices() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]time.Time(nil), p.voices...)
}

const (
	stampAt   = 6 + 10 // behind a payload descriptor of VP8 and the header of a keyframe
	stampSize = 25
)

// putVP8 writes a payload descriptor (RFC 7741, 4.2) and, if a frame starts here, its header.
func putVP8(b []byte, start bool, picture uint16, tl0, temporal uint8, key bool, e int) {
	b[0], b[1] = 0x80, 0xe0 // extended, with picture id, TL0PICIDX and TID
	b[2], b[3] = 0x80|byte(picture>>8), byte(picture)
	b[4], b[5] = tl0, temporal<<6
	if temporal > 0 {
		b[5] |= 0x20 // Y: it depends on the lowest layer alone
	}
	if !start {
		return
	}
	b[0] |= 0x10
	if !key {
		b[6] = 0x01
		return
	}
	width, height := uint16(320)<<e, uint16(180)<<e
	copy(b[6:], []byte{0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a})
	binary.LittleEndian.PutUint16(b[12:], width)
	binary.LittleEndian.PutUint16(b[14:], height)
}

// stamp tells what a packet of video is of.
type stamp struct {
	publisher, encoding, temporal uint8
	key                           bool
	frame, needs                  uint32 // 0: nothing
	captured                      time.Time
	index, count                  uint16 // among the packets of the frame
}

const stampMark = 'P'

func (s *stamp) put(b []byte) {
	b[0], b[1], b[2], b[3] = stampMark, s.encoding, s.temporal, 0
	if s.key {
		b[3] = 1
	}
	binary.BigEndian.PutUint32(b[4:], s.frame)
	binary.BigEndian.PutUint32(b[8:], s.needs)
	binary.BigEndian.PutUint64(b[12:], uint64(s.captured.UnixNano()))
	binary.BigEndian.PutUint16(b[20:], s.index)
	binary.BigEndian.PutUint16(b[22:], s.count)
	b[24] = s.publisher
}

// readStamp reads it from a payload of VP8.
func readStamp(payload []byte) (s stamp, ok bool) {
	if len(payload) < stampAt+stampSize || payload[stampAt] != stampMark {
		return s, false
	}
	b := payload[stampAt:]
	return stamp{
		publisher: b[24], encoding: b[1], temporal: b[2], key: b[3] == 1,
		frame: binary.BigEndian.Uint32(b[4:]), needs: binary.BigEndian.Uint32(b[8:]),
		captured: time.Unix(0, int64(binary.BigEndian.Uint64(b[12:]))),
		index:    binary.BigEndian.Uint16(b[20:]), count: binary.BigEndian.Uint16(b[22:]),
	}, true
}
