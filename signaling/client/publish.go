package client

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"parley/signaling/protocol"
)

const (
	audioFrame = 20 * time.Millisecond
	rtpMTU     = 1200 // bytes of RTP payload
)

// outTrack is one encoding of the client's own clips.
type outTrack struct {
	*Track

	// Static after construction.
	frames  [][]byte
	counter *sentCounter
	voice   *voice // of audio

	keyframe atomic.Bool // the receiver wants one
	off      atomic.Bool // nobody receives it

	// Owned by the pump.
	next      int // index in frames
	spoken    int // frames of audio so far
	quiet     bool
	payloader codecs.VP8Payloader
}

func newOutTrack(encoding Encoding, streamID string, frames [][]byte, counter *sentCounter, voice *voice) *outTrack {
	t := &outTrack{
		frames: frames, counter: counter, voice: voice, payloader: codecs.VP8Payloader{EnablePictureID: true},
	}
	t.Track = NewTrack(encoding, streamID, t.heard)
	return t
}

// sendAudio sends the next 20 ms of the voice. The first after a pause has the marker (RFC 3551, 4.1).
func (t *outTrack) sendAudio(duration uint32) {
	level, sent := t.voice.frame(t.spoken)
	frame := t.frames[t.spoken%len(t.frames)]
	t.spoken++
	if level == noLevel {
		frame = silentFrame()
	}
	if sent {
		t.count(t.Send(frame, t.quiet, level))
	}
	t.quiet = !sent
	t.Advance(duration)
}

func (t *outTrack) count(n int) {
	if n > 0 {
		t.counter.packets.Add(1)
		t.counter.bytes.Add(int64(n))
	}
}

// sendPicture sends the next frame of the clip, from its keyframe on again when one was asked for.
func (t *outTrack) sendPicture(duration uint32) {
	if t.keyframe.Swap(false) {
		t.next = 0
	}
	frame := t.frames[t.next]
	t.next = (t.next + 1) % len(t.frames)
	payloads := t.payloader.Payload(rtpMTU, frame)
	for i, payload := range payloads {
		t.count(t.Send(payload, i == len(payloads)-1, 0))
	}
	t.Advance(duration)
}

// heard takes note of requests for keyframes.
func (t *outTrack) heard(packets []rtcp.Packet) {
	if n := KeyframeRequests(packets, t.SSRC()); n > 0 {
		t.counter.keyframeRequests.Add(int64(n))
		t.keyframe.Store(true)
	}
}

// publish adds to the connection all that the client will ever send of its own clips.
func (c *connection) publish(options Options, clips clips, state *state, voice *voice) error {
	streamID, screen := "camera", false
	add := func(kind string, rids []string) error {
		var encodings []*Track
		for _, rid := range rids {
			frames := clips.audio
			if kind == "video" {
				frames = clips.video[clipOf(rid, screen, options)]
			}
			encoding := Encoding{Kind: kind, RID: rid, Screen: screen}
			track := newOutTrack(encoding, streamID, frames, state.sentAs(encoding), voice)
			c.tracks = append(c.tracks, track)
			encodings = append(encodings, track.Track)
		}
		return c.add(encodings)
	}
	if options.Audio {
		if err := add("audio", []string{""}); err != nil {
			return err
		}
	}
	c.frameRate = framesPerSecond
	if options.Small {
		c.frameRate = smallFrameRate
	}
	var pictures []string
	switch {
	case options.Simulcast && options.Small:
		pictures = rids()[:2]
	case options.Simulcast:
		pictures = rids()
	default:
		pictures = []string{""}
	}
	if options.Video {
		if err := add("video", pictures); err != nil {
			return err
		}
	}
	if options.Screen {
		streamID, screen = "display"+protocol.ScreenSuffix, true
		return add("video", []string{""})
	}
	return nil
}

// add publishes a track in one or several encodings.
func (c *connection) add(encodings []*Track) error {
	var out outLine
	for _, track := range encodings {
		if out.transceiver == nil {
			transceiver, err := c.pc.AddTransceiverFromTrack(track,
				webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
			if err != nil {
				return fmt.Errorf("add %s: %w", track.encoding.Kind, err)
			}
			out.transceiver = transceiver
		} else if err := out.transceiver.Sender().AddEncoding(track); err != nil {
			return fmt.Errorf("add encoding %s: %w", track.encoding.RID, err)
		}
		out.encodings = append(out.encodings, track)
	}
	if out.transceiver != nil {
		c.sending = append(c.sending, out)
	}
	return nil
}

func clipOf(rid string, screen bool, options Options) string {
	switch {
	case screen:
		return "q"
	case rid != "":
		return rid
	case options.Small:
		return "h"
	}
	return "f"
}

// startSending begins to send, and to hear what the receiver says of it, once the first description is set.
func (c *connection) startSending(muted *mutes) {
	for _, line := range c.sending {
		for _, track := range line.encodings {
			track.setMid(line.transceiver.Mid())
			c.running.Go(func() { track.readRTCP(line.transceiver.Sender()) })
		}
	}
	if len(c.tracks) > 0 {
		c.running.Go(func() { c.pump(muted) })
	}
}

// pump sends the frames of all tracks in time until the connection closes.
func (c *connection) pump(muted *mutes) {
	began := time.Now()
	var audio, video int // frames so far
	for {
		audioDue := began.Add(time.Duration(audio) * audioFrame)
		videoDue := began.Add(time.Duration(video) * time.Second / time.Duration(c.frameRate))
		due := audioDue
		if videoDue.Before(due) {
			due = videoDue
		}
		select {
		case <-c.closing:
			return
		case <-time.After(time.Until(due)):
		}
		if due.Equal(audioDue) {
			audio++
			c.sendFrames("audio", muted, 48000*uint32(audioFrame/time.Millisecond)/1000)
		}
		if due.Equal(videoDue) {
			video++
			c.sendFrames("video", muted, 90000/uint32(c.frameRate))
		}
	}
}

func (c *connection) sendFrames(kind string, muted *mutes, duration uint32) {
	for _, track := range c.tracks {
		if track.encoding.Kind != kind {
			continue
		}
		if muted.has(track.encoding) || track.off.Load() {
			track.keyframe.Store(true) // what comes next must be decodable without what is left out
			continue
		}
		if kind == "audio" {
			track.sendAudio(duration)
		} else {
			track.sendPicture(duration)
		}
	}
}

// mutes say what is not sent although it is published.
type mutes struct{ audio, video, screen atomic.Bool }

func (m *mutes) has(encoding Encoding) bool {
	switch {
	case encoding.Screen:
		return m.screen.Load()
	case encoding.Kind == "audio":
		return m.audio.Load()
	}
	return m.video.Load()
}
