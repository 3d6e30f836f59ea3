package client

import (
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

const (
	mtu           = 1500
	keyframeEvery = 500 * time.Millisecond // between requests, until a picture has begun
)

// inTrack counts one received track. It is owned by the goroutine that reads it.
type inTrack struct {
	remote   *webrtc.TrackRemote
	pc       *webrtc.PeerConnection
	state    *state
	levelID  uint8
	streamID string // that counter belongs to
	counter  *receivedCounter

	begun   bool
	highest uint16    // sequence number
	picture bool      // a keyframe has come from this source
	asked   time.Time // when for a keyframe
}

// receive reads a track until it ends.
func (c *connection) receive(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver, state *state) {
	t := &inTrack{remote: remote, pc: c.pc, state: state}
	for _, extension := range receiver.GetParameters().HeaderExtensions {
		if extension.URI == sdp.AudioLevelURI {
			t.levelID = uint8(extension.ID)
		}
	}
	c.running.Go(func() { // reading reports lets pion answer them
		buffer := make([]byte, mtu)
		for {
			if _, _, err := receiver.Read(buffer); err != nil {
				return
			}
		}
	})
	c.running.Go(func() {
		buffer := make([]byte, mtu)
		for {
			n, _, err := remote.Read(buffer)
			if err != nil {
				return
			}
			t.count(buffer[:n])
		}
	})
}

func (t *inTrack) count(data []byte) {
	var packet rtp.Packet
	if packet.Unmarshal(data) != nil {
		return
	}
	// A line may be given to another source, which the description says by another stream.
	if streamID := t.remote.StreamID(); streamID != t.streamID {
		t.streamID, t.picture = streamID, false
		t.counter = t.state.receivedFrom(streamID, t.remote.Kind().String())
	}
	t.counter.packets.Add(1)
	t.counter.bytes.Add(int64(len(data)))
	t.counter.lost.Add(t.advance(packet.SequenceNumber))
	if level := packet.GetExtension(t.levelID); t.levelID != 0 && len(level) == 1 {
		t.counter.level.Store(int64(level[0] &^ voiceBit))
	}
	if t.remote.Kind() == webrtc.RTPCodecTypeVideo && t.remote.Codec().MimeType == webrtc.MimeTypeVP8 {
		t.look(packet.Payload)
	}
}

// advance returns by how much the number of lost packets changes: what is skipped is lost until it comes late.
func (t *inTrack) advance(sequence uint16) int64 {
	step := int16(sequence - t.highest) // RFC 1982: the sign is the direction
	switch {
	case !t.begun:
		t.begun, t.highest = true, sequence
		return 0
	case step > 0:
		t.highest = sequence
		return int64(step) - 1
	}
	return -1
}

// look counts keyframes, and asks for one as long as there has been none, as a decoder does.
func (t *inTrack) look(payload []byte) {
	var vp8 codecs.VP8Packet
	frame, err := vp8.Unmarshal(payload)
	if err == nil && vp8.S == 1 && vp8.PID == 0 && len(frame) > 0 && frame[0]&1 == 0 { // RFC 6386, 9.1
		t.picture = true
		t.counter.keyframes.Add(1)
	}
	if now := time.Now(); !t.picture && now.Sub(t.asked) > keyframeEvery {
		t.asked = now
		_ = t.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(t.remote.SSRC())}})
	}
}
