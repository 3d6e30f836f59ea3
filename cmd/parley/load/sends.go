package load

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"parley/signaling/client"
)

// keyframeSpacing is the least time between two keyframes that were asked for.
const keyframeSpacing = 300 * time.Millisecond

// sent counts what publishers send.
type sent struct{ packets, bytes atomic.Uint64 }

func (s *sent) add(n int) {
	if n > 0 {
		s.packets.Add(1)
		s.bytes.Add(uint64(n))
	}
}

// source is one encoding that is published.
type source struct {
	track    *client.Track
	number   uint16 // of the track, in stamps
	counter  uint32
	picture  *picture    // synthetic video, else nil
	off      atomic.Bool // nobody receives it
	speech   speech      // audio
	clip     *clipPlayer // a file, else nil
	wanted   atomic.Bool // a keyframe
	keyframe time.Time   // when the last one was sent that was asked for
	payload  [audioSize]byte
}

// sends is what one participant publishes. It is owned by its pump.
type sends struct {
	// Static after construction.
	id         uint32
	env        *environment
	room       *room
	seat       int
	audio      []*source
	video      []*source
	videoEvery time.Duration

	frameAt int64 // when the last frame left, ns since the run began; 0: none has
	silent  int   // packets since it was their turn to talk
}

// newSends makes the tracks that a participant publishes.
func newSends(of *participant) *sends {
	e := of.env
	p := &sends{
		id: uint32(of.number), env: e, room: of.room, seat: of.seat,
		videoEvery: time.Second / time.Duration(e.options.FrameRate),
	}
	const streamID = "camera"
	add := func(kind, rid string) *source {
		s := &source{number: uint16(len(p.audio) + len(p.video))}
		s.track = client.NewTrack(client.Encoding{Kind: kind, RID: rid}, streamID, s.heard)
		return s
	}
	if e.options.Audio {
		s := add("audio", "")
		if e.audio != nil {
			s.clip = &clipPlayer{clip: e.audio}
		}
		p.audio = append(p.audio, s)
	}
	if e.options.Video {
		for _, l := range layers(e.options) {
			s := add("video", l.rid)
			s.picture = newPicture(l)
			if e.video != nil {
				s.clip = &clipPlayer{clip: e.video}
				s.clip.payloader.EnablePictureID = true
				p.videoEvery = e.video.every
			}
			p.video = append(p.video, s)
		}
	}
	return p
}

// heard takes note of requests for keyframes.
func (s *source) heard(packets []rtcp.Packet) {
	if client.KeyframeRequests(packets, s.track.SSRC()) > 0 {
		s.wanted.Store(true)
	}
}

// attach publishes the tracks.
func (p *sends) attach(conn *client.Connection) error {
	for _, sources := range [][]*source{p.audio, p.video} {
		var tracks []*client.Track
		for _, s := range sources {
			tracks = append(tracks, s.track)
		}
		if err := conn.Publish(tracks...); err != nil {
			return err
		}
	}
	conn.Go(func() { p.pump(conn.Done()) })
	return nil
}

// pump sends in time until done is closed. Everybody begins at a moment of their own, as people do.
func (p *sends) pump(done <-chan struct{}) {
	now := time.Now()
	nextAudio := now.Add(rand.N(audioEvery))   //nolint:gosec // a phase
	nextVideo := now.Add(rand.N(p.videoEvery)) //nolint:gosec // a phase
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-done:
			return
		case <-timer.C:
		}
		now = time.Now()
		if nextAudio = p.due(now, nextAudio, audioEvery, p.sendAudio); len(p.video) == 0 {
			nextVideo = nextAudio
		} else if nextVideo = p.due(now, nextVideo, p.videoEvery, p.sendVideo); len(p.audio) == 0 {
			nextAudio = nextVideo
		}
		next := nextAudio
		if nextVideo.Before(next) {
			next = nextVideo
		}
		timer.Reset(time.Until(next))
	}
}

// due sends if it is time, and returns when to send next. What a busy machine has missed by far is left out.
func (p *sends) due(now, at time.Time, every time.Duration, send func()) time.Time {
	if now.Before(at) {
		return at
	}
	send()
	if now.Sub(at) > 10*every {
		return now.Add(every)
	}
	return at.Add(every)
}

func (p *sends) sendAudio() {
	silent := false
	if n := p.env.options.Talking; n > 0 {
		if silent = !hasTurn(p.env.clock.now(), p.seat, n, int(p.room.publishing.Load())); silent {
			p.silent++
		} else {
			p.silent = 0
		}
	}
	for _, s := range p.audio {
		payload := s.payload[:]
		level := s.speech.level()
		switch {
		case silent && p.silent > silenceBefore && p.silent%silenceEvery != 0: // as an encoder does with DTX
			s.track.Advance(audioTicks)
			continue
		case silent:
			level, payload = silence, payload[:silenceSize]
		case p.env.options.Talking > 0:
			level = voice()
		}
		if s.clip != nil {
			for _, payload := range s.clip.packets(false, false) {
				p.count(s.track.Send(payload, false, level))
			}
			s.track.Advance(s.clip.ticks)
			continue
		}
		payload[0] = opusTOC
		p.send(s, payload, 1, false, level)
		s.track.Advance(audioTicks)
	}
}

func (p *sends) sendVideo() {
	now, before := p.env.clock.now(), p.frameAt
	for _, s := range p.video {
		if !s.track.Ready() {
			continue
		}
		if s.off.Load() {
			s.wanted.Store(true) // what comes next must be decodable without what is left out
			s.track.Advance(p.frameTicks(s))
			continue
		}
		p.frameAt = now
		keyframe := false
		if s.wanted.Load() && time.Since(s.keyframe) > keyframeSpacing {
			s.wanted.Store(false)
			keyframe, s.keyframe = true, time.Now()
		}
		if s.clip == nil {
			s.picture.frame(keyframe, func(b []byte, at int, marker bool) { p.send(s, b, at, marker, 0) })
			s.track.Advance(p.frameTicks(s))
			continue
		}
		payloads := s.clip.packets(true, keyframe)
		for i, payload := range payloads {
			p.count(s.track.Send(payload, i == len(payloads)-1, 0))
		}
		s.track.Advance(p.frameTicks(s))
	}
	switch {
	case p.frameAt != now:
		p.frameAt = 0 // nothing is sent
	case before > 0:
		p.env.frames.add(time.Duration(now - before))
	}
}

// frameTicks is from one frame of video to the next, on the RTP clock.
func (p *sends) frameTicks(s *source) uint32 {
	if s.clip != nil {
		return s.clip.ticks
	}
	return uint32(videoClock / p.env.options.FrameRate)
}

// switchLayers stops the encodings of the line that nobody receives, and goes on with those that somebody does.
func (p *sends) switchLayers(mid string, active map[string]bool) {
	for _, s := range p.video {
		if wanted, named := active[s.track.RID()]; s.track.IsOn(mid) {
			s.off.Store(named && !wanted)
		}
	}
}

// send stamps a synthetic packet at the last moment, and sends it.
func (p *sends) send(s *source, b []byte, at int, marker bool, level byte) {
	p.env.filler.put(b[at:], stamp{at: p.env.clock.now(), publisher: p.id, track: s.number, counter: s.counter})
	n := s.track.Send(b, marker, level)
	if n > 0 {
		s.counter++
	}
	p.count(n)
}

func (p *sends) count(n int) {
	p.env.sent.add(n)
	p.room.sent.add(n)
}
