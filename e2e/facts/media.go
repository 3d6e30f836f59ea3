package main

import (
	"encoding/binary"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
)

func contains(list, word string) bool { return strings.Contains(list, word) }

// complete waits for the candidates and returns our description.
func (e *end) complete(description webrtc.SessionDescription) (string, error) {
	gathered := webrtc.GatheringCompletePromise(e.pc)
	if err := e.pc.SetLocalDescription(description); err != nil {
		return "", err
	}
	<-gathered
	return e.pc.LocalDescription().SDP, nil
}

// receive offers sound and pictures to a browser, and sends packets of either once it has connected.
func (f *facts) receive(asked request) (request, error) {
	e, id, err := f.open(asked.Codec, asked.Feedback)
	if err != nil {
		return request{}, err
	}
	for _, mime := range []string{webrtc.MimeTypeOpus, asked.Codec} {
		kind, _, _ := strings.Cut(mime, "/")
		track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, kind, "facts")
		if err != nil {
			return request{}, err
		}
		transceiver, err := e.pc.AddTransceiverFromTrack(track,
			webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			return request{}, err
		}
		e.busy.Go(func() {
			for buffer := make([]byte, 1500); ; {
				if _, _, err := transceiver.Sender().Read(buffer); err != nil {
					return
				}
			}
		})
		e.busy.Go(func() { e.send(track, mime) })
	}
	offer, err := e.pc.CreateOffer(nil)
	if err != nil {
		return request{}, err
	}
	description, err := e.complete(offer)
	return request{ID: id, SDP: description}, err
}

// send sends packets of one size, 50 a second of either kind.
func (e *end) send(track *webrtc.TrackLocalStaticRTP, mime string) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	payload := make([]byte, 500)
	if mime == webrtc.MimeTypeOpus {
		payload = payload[:40]
		payload[0] = 0x78
	} else {
		payload[0] = 0x10 // the start of a frame, for VP8
	}
	packet := rtp.Packet{Header: rtp.Header{Version: 2, Marker: true}, Payload: payload}
	for {
		select {
		case <-e.done:
			return
		case <-ticker.C:
			packet.SequenceNumber++
			packet.Timestamp += 960 * uint32(1+len(payload)/500)
			_ = track.WriteRTP(&packet) // it may not be connected yet
		}
	}
}

// answer takes a browser's answer.
func (f *facts) answer(asked request) (request, error) {
	e := f.end(asked.ID)
	if e == nil {
		return request{}, fmt.Errorf("no connection %q", asked.ID)
	}
	return request{}, e.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: asked.SDP})
}

// publish answers a browser that sends, and looks at what it sends.
func (f *facts) publish(asked request) (request, error) {
	e, id, err := f.open("", asked.Feedback)
	if err != nil {
		return request{}, err
	}
	e.pc.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		e.busy.Go(func() { e.look(remote, receiver) })
	})
	offer := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: asked.SDP}
	if err := e.pc.SetRemoteDescription(offer); err != nil {
		return request{}, err
	}
	answer, err := e.pc.CreateAnswer(nil)
	if err != nil {
		return request{}, err
	}
	description, err := e.complete(answer)
	return request{ID: id, SDP: description}, err
}

// stream is what came of one encoding.
type stream struct {
	Codec       string         `json:"codec"`
	Packets     int            `json:"packets"`
	Bytes       int            `json:"bytes"`
	Keyframes   int            `json:"keyframes"`
	Temporal    map[string]int `json:"temporal"` // packets by temporal layer, as the payload says
	Spatial     map[string]int `json:"spatial"`
	Notes       map[string]int `json:"notes"`
	Dependency  int            `json:"dependency"` // packets with a dependency descriptor
	Structures  int            `json:"structures"` // of these, with a template structure
	TemplateIDs map[string]int `json:"templates"`
	Again       int            `json:"again"` // packets that came before: browsers probe with retransmissions

	numbers map[uint16]bool
}

func newStream(codec string) *stream {
	return &stream{
		Codec: codec, Temporal: make(map[string]int), Spatial: make(map[string]int), Notes: make(map[string]int),
		TemplateIDs: make(map[string]int), numbers: make(map[uint16]bool),
	}
}

func (s *stream) copy() stream {
	c := *s
	c.Temporal, c.Spatial, c.Notes = maps.Clone(s.Temporal), maps.Clone(s.Spatial), maps.Clone(s.Notes)
	c.TemplateIDs = maps.Clone(s.TemplateIDs)
	return c
}

// look looks at the packets of one encoding, and asks for a keyframe now and then.
func (e *end) look(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	e.busy.Go(func() {
		for buffer := make([]byte, 1500); ; {
			if remote.RID() == "" {
				if _, _, err := receiver.Read(buffer); err != nil {
					return
				}
			} else if _, _, err := receiver.ReadSimulcast(buffer, remote.RID()); err != nil {
				return
			}
		}
	})
	var dependency uint8
	for _, extension := range receiver.GetParameters().HeaderExtensions {
		if extension.URI == dependencyURI {
			dependency = uint8(extension.ID)
		}
	}
	name := remote.RID()
	if name == "" {
		name = remote.Kind().String()
	}
	s := newStream(remote.Codec().MimeType)
	e.mu.Lock()
	e.streams[name] = s
	e.mu.Unlock()
	asked := time.Now()
	for {
		packet, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		if now := time.Now(); now.Sub(asked) > 2*time.Second && remote.Kind() == webrtc.RTPCodecTypeVideo {
			asked = now
			_ = e.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(remote.SSRC())}})
		}
		e.mu.Lock()
		s.take(packet, dependency)
		e.mu.Unlock()
	}
}

func (s *stream) take(packet *rtp.Packet, dependency uint8) {
	if len(packet.Payload) == 0 {
		s.Notes["padding"]++
		return
	}
	if s.numbers[packet.SequenceNumber] {
		s.Again++
		return
	}
	s.numbers[packet.SequenceNumber] = true
	s.Packets++
	s.Bytes += len(packet.Payload)
	if d := packet.GetExtension(dependency); dependency != 0 && len(d) >= 3 {
		s.Dependency++
		s.TemplateIDs[fmt.Sprint(d[0]&0x3f)]++
		if len(d) > 3 && d[3]&0x80 != 0 {
			s.Structures++
		}
	}
	switch s.Codec {
	case webrtc.MimeTypeVP8:
		s.vp8(packet.Payload)
	case webrtc.MimeTypeVP9:
		s.vp9(packet.Payload)
	case webrtc.MimeTypeAV1:
		s.av1(packet.Payload)
	case webrtc.MimeTypeH264:
		s.h264(packet.Payload)
	}
}

func (s *stream) vp8(payload []byte) {
	var p codecs.VP8Packet
	frame, err := p.Unmarshal(payload)
	if err != nil {
		s.Notes["malformed"]++
		return
	}
	if p.T == 1 {
		s.Temporal[fmt.Sprint(p.TID)]++
		if p.TID > 0 && p.Y == 1 {
			s.Notes["Y"]++
		}
	}
	for name, set := range map[string]uint8{"I": p.I, "L": p.L, "T": p.T, "K": p.K} {
		if set == 1 {
			s.Notes[name]++
		}
	}
	if p.PictureID > 0x7f {
		s.Notes["15 bit"]++
	}
	if p.S == 1 && p.PID == 0 && len(frame) >= 10 && frame[0]&1 == 0 {
		s.Keyframes++
		s.size(binary.LittleEndian.Uint16(frame[6:])&0x3fff, binary.LittleEndian.Uint16(frame[8:])&0x3fff)
	}
}

func (s *stream) size(width, height uint16) { s.Notes[fmt.Sprintf("%dx%d", width, height)]++ }

func (s *stream) vp9(payload []byte) {
	var p codecs.VP9Packet
	if _, err := p.Unmarshal(payload); err != nil {
		s.Notes["malformed"]++
		return
	}
	if p.L {
		s.Temporal[fmt.Sprint(p.TID)]++
		s.Spatial[fmt.Sprint(p.SID)]++
		if p.D {
			s.Notes["D"]++
		}
		if p.U {
			s.Notes["U"]++
		}
	}
	if p.F {
		s.Notes["flexible"]++
	}
	if p.V {
		s.Notes["structure"]++
		for i := range p.Width {
			s.size(p.Width[i], p.Height[i])
		}
	}
	if p.B && !p.P && (!p.L || p.SID == 0) {
		s.Keyframes++
	}
}

// av1 reads the aggregation header and the first OBU (the RTP payload format for AV1, 4.3 and 4.4).
func (s *stream) av1(payload []byte) {
	if payload[0]&0x08 != 0 {
		s.Keyframes++ // N: a new coded video sequence
	}
	if payload[0]&0x80 != 0 { // Z: it goes on with an OBU
		return
	}
	at := 1
	if payload[0]&0x30 != 0x10 { // W is not 1: the first element has a length
		for at < len(payload) && payload[at]&0x80 != 0 {
			at++
		}
		at++
	}
	if at+1 >= len(payload) {
		return
	}
	if payload[at]&0x04 == 0 {
		s.Notes["no OBU extension"]++
		return
	}
	s.Temporal[fmt.Sprint(payload[at+1]>>5)]++
	s.Spatial[fmt.Sprint(payload[at+1]>>3&3)]++
}

func (s *stream) h264(payload []byte) {
	kind := payload[0] & 0x1f
	if kind == 28 && len(payload) > 1 && payload[1]&0x80 != 0 { // FU-A, its start
		s.Notes["FU-A"]++
		kind = payload[1] & 0x1f
	}
	s.Notes[fmt.Sprintf("NAL %d", kind)]++
	if kind == 5 {
		s.Keyframes++
	}
}
