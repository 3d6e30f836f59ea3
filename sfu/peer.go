package sfu

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"parley/sfu/mailbox"
)

const (
	// inboxCeiling is more than the largest room can post at once; a peer that lets so much pile up is stuck.
	inboxCeiling = 16 << 10

	// firstOfferWait is how long the server waits for the client's first offer before it may make its own.
	firstOfferWait = 2 * time.Second

	// settleWait is how long the server's first offer waits, after its answer, for the path: a client built on pion
	// that gets an offer before it has acted on the answer restarts ICE, and may never connect. The wait costs nothing:
	// the keys take longer from there than a round.
	settleWait = time.Second

	// answerWait is how long an offer may go unanswered before both sides start afresh.
	answerWait = 10 * time.Second

	// Rounds in quick succession are spaced, so that changes that pile up fold into one: the first at once, then after
	// roundSpacing, doubling up to maxRoundSpacing, until there was a pause of roundMemory. A round costs both sides by
	// the line, so the few of a small room are spaced less.
	roundSpacing    = 50 * time.Millisecond
	spacingPerLine  = 20 * time.Millisecond
	maxRoundSpacing = 400 * time.Millisecond
	roundMemory     = 2 * time.Second

	// maxResets is how many fresh connections a peer may need in resetMemory before it gives up.
	maxResets   = 20
	resetMemory = time.Minute

	// reportInterval is between sender reports; receivers need them to play picture and sound together.
	reportInterval   = time.Second
	reportsPerPacket = 32 // of 28 bytes, within any MTU

	screenSuffix = ".screen"
	maxScreens   = 64  // streams that a client may name in its life
	maxStreamID  = 256 // bytes

	maxUnread    = 16      // descriptions of a client that wait
	maxTracks    = 16      // that a client publishes at once
	maxLayers    = 4       // encodings of a track
	maxOwnLines  = 64      // m-lines that are the client's
	maxCandidate = 1 << 10 // bytes

	// crossing is how long after a reset of ours one of the client may have been sent before it knew.
	crossing = time.Second
)

// Peer is the server's end of one participant: a loop that owns the PeerConnection and all that belongs to it. Its
// methods only post to that loop.
type Peer struct {
	// Static after construction.
	id      string
	room    *room
	sfu     *SFU
	log     *slog.Logger
	deliver func(Event)
	inbox   *mailbox.Mailbox[action]
	done    chan struct{}
	stop    chan struct{}
	stopped sync.Once
	unread  atomic.Int32 // descriptions that wait in the inbox

	overflowed atomic.Bool
	closing    sync.WaitGroup // old connections on their way out

	// Owned by run.
	conn    *connection
	screens map[string]bool // streams of the client that are screen shares
	tracks  int             // published so far
	resets  []time.Time     // the recent ones
	silent  bool            // as the participant's session was told last; at first it takes that for granted

	reported time.Time
	barred   Barred
	features json.RawMessage // as the client told last, nil before
	interest interest
	gossip   gossip
	speaks   atomic.Bool // more than the others
}

func newPeer(s *SFU, r *room, id string, what Barred, deliver func(Event)) *Peer {
	return &Peer{
		id:       id,
		room:     r,
		sfu:      s,
		log:      s.log.With("room", r.name, "peer", id),
		deliver:  deliver,
		inbox:    mailbox.New[action](inboxCeiling),
		done:     make(chan struct{}),
		stop:     make(chan struct{}),
		screens:  make(map[string]bool),
		barred:   what,
		interest: newInterest(),
		silent:   true, // until there is a path
	}
}

// Signal takes a description from the participant: an offer, an answer or a reset. Descriptions are dear to act on, so
// a participant who sends them faster than they are acted on is given up.
func (p *Peer) Signal(description Description) {
	if p.unread.Add(1) > maxUnread {
		p.overflow()
		return
	}
	p.post(described{description})
}

// Candidate takes a candidate from the participant; nil ends them.
func (p *Peer) Candidate(candidate *Candidate) { p.post(candidateReceived{candidate}) }

// Screen says that the participant's stream with that msid is a screen share. It must come before the description that
// brings the stream.
func (p *Peer) Screen(streamID string) { p.post(screenNamed{streamID}) }

// View says how large the participant shows some of the others. What was never mentioned is sent as good as possible,
// or with only, not at all; nil leaves that as it was.
func (p *Peer) View(tiles []Tile, only *bool) { p.post(viewed{tiles, only}) }

// Slots asks for the sound of microphones in so many tracks, whoever speaks, in place of a track for each.
func (p *Peer) Slots(audio int) { p.post(slotsWanted{audio}) }

// Bar says what of the participant is not forwarded from now on.
func (p *Peer) Bar(what Barred) { p.post(barred{what}) }

// Limited says what keeps the participant from sending an m-line's best picture: ForCPU, ForBandwidth, or Unlimited.
func (p *Peer) Limited(mid string, why Why) { p.post(limited{mid, why}) }

// Close takes the participant out of the room: when it returns, another may join under the same id. The rest ends
// later; see Done.
func (p *Peer) Close() {
	p.sfu.leave(p)
	p.halt()
}

// halt ends the loop. It may be called under any lock.
func (p *Peer) halt() { p.stopped.Do(func() { close(p.stop) }) }

// overflow gives up a participant who asks for more than can be done.
func (p *Peer) overflow() {
	p.overflowed.Store(true)
	p.halt()
}

// Done is closed when all that belonged to the peer has ended.
func (p *Peer) Done() <-chan struct{} { return p.done }

// post hands an action to the loop. A loop that has stopped taking them is ended.
func (p *Peer) post(a action) {
	if !p.inbox.Post(a) {
		p.overflow()
	}
}

// run is the peer's loop.
func (p *Peer) run() {
	defer close(p.done)
	defer p.finish()
	if err := p.connect(); err != nil {
		p.deliver(Ended{err})
		return
	}
	p.conn.offerAfter = time.Now().Add(firstOfferWait)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-p.stop:
		case <-p.inbox.Ready():
		case <-timer.C:
		}
		wake, err := p.act()
		if err == nil && p.overflowed.Load() {
			err = errOverflow
		}
		if err != nil {
			p.log.Warn("peer ended", "error", err)
			p.deliver(Ended{err})
			return
		}
		if p.halted() {
			return
		}
		timer.Reset(wake)
	}
}

func (p *Peer) halted() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}

// act does what has been posted and what is due, and returns when to do so next.
func (p *Peer) act() (wake time.Duration, err error) {
	for _, a := range p.inbox.Take() {
		if p.halted() {
			return 0, nil
		}
		if err := a.do(p); err != nil {
			return 0, err
		}
	}
	now := time.Now()
	next := p.report(now) // which may take pictures out of the description
	wake, err = p.negotiate(now)
	return min(wake, next, p.passFeatures(now)), err
}

// report sends the RTCP reports when they are due, and returns when they are due next.
func (p *Peer) report(now time.Time) time.Duration {
	if due := p.sfu.together(p.reported.Add(reportInterval)); now.Before(due) {
		return due.Sub(now)
	}
	p.reported = now
	p.judgeSilence(now)
	p.switchLayers(now)
	p.conn.sender.retry(now)
	p.loseSight(now)
	t := p.conn.transport
	for reports := range slices.Chunk(p.conn.lines.reports(now), reportsPerPacket) {
		t.sendRTCPNow(reports...)
	}
	for reports := range slices.Chunk(p.conn.ingress.reports(now), reportsPerPacket-1) { // the count has 5 bits
		t.sendRTCPNow(&rtcp.ReceiverReport{SSRC: t.ssrc, Reports: reports})
	}
	return reportInterval
}

// judgeSilence tells the participant's session whether anything comes from the client: packets, or answers to ICE's
// checks, which a bad network may lose for longer.
func (p *Peer) judgeSilence(now time.Time) {
	c := p.conn
	silent := !c.connected || c.pathDown && c.ingress.silentSince(now, silentAfter)
	if p.silent != silent {
		p.silent = silent
		p.deliver(MediaSilent{silent})
	}
}

// finish leaves the room and waits for all that the peer has started.
func (p *Peer) finish() {
	p.sfu.leave(p)
	p.room.voices.leave(p) // it may have been about to listen as it left
	p.inbox.Close()
	if p.conn != nil {
		p.conn.close()
	}
	p.closing.Wait()
}

// bindSource finds out what a stream of the client's is, and publishes its track if it is the first of it. One that
// cannot be told yet is asked about again by its next packets.
func (p *Peer) bindSource(c *connection, u unknownSource) {
	line := c.lineOf(u)
	if line == nil {
		return
	}
	f, ok := line.formats[u.payloadType]
	switch {
	case !ok:
		return
	case f.isRepair():
		if l := c.repaired(line, u); l != nil {
			c.ingress.bind(u.ssrc, &source{layer: l, repair: true})
		}
		return
	}
	l := newLayer(c.ingress, u, f.codec.ClockRate)
	for pt, other := range line.formats {
		switch {
		case f.isRED() && strings.EqualFold(other.codec.MimeType, webrtc.MimeTypeOpus):
			l.payloadType, l.red, f = pt, u.payloadType, other
		case other.isRED():
			l.red = pt
		}
	}
	if !p.sfu.forwards(f.codec) {
		return
	}
	up := c.published[line.mid]
	if up != nil && !sameCodec(up.codec, f.codec) {
		p.takeBack(c, line.mid)
		up = nil
	}
	if up == nil {
		if up = p.publish(c, line, f.codec); up == nil {
			return
		}
	}
	if former := up.layerOf(u.rid); former != nil {
		if former.ssrc == u.ssrc {
			return // asked twice
		}
		c.ingress.replace(former)
		up.removeLayer(former)
	} else if len(up.allLayers()) >= maxLayers {
		p.log.Debug("encoding refused", "encodings", maxLayers)
		return
	}
	up.addLayer(l)
	c.ingress.bind(u.ssrc, &source{layer: l})
}

// publishSending makes known what the client is about to send, before its first packets come: so the others' round is
// under way meanwhile, and one round serves all that a newcomer brings. Of a line with a choice of codecs the first
// packet tells.
func (p *Peer) publishSending(c *connection) {
	if !c.secured {
		return
	}
	for i := range c.sending {
		line := &c.sending[i]
		if codec, sure := p.sfu.codecOf(line); sure && line.stream != "" && c.published[line.mid] == nil {
			p.publish(c, line, codec)
		}
	}
}

// publish makes the track of a line known to the room. It returns nil if the client has too many.
func (p *Peer) publish(c *connection, line *sendingLine, codec webrtc.RTPCodecCapability) *upTrack {
	if len(c.published) >= maxTracks {
		p.log.Debug("track refused", "tracks", maxTracks)
		return nil
	}
	up := p.newUpTrack(c, line, codec)
	if why, known := c.limits[line.mid]; known {
		up.limited.Store(&why)
	}
	c.published[line.mid] = up
	if !p.isBarred(up) {
		p.room.publish(p, up)
	}
	p.wantAll(line.mid)
	return up
}

// takeBackEnded unpublishes what the client no longer sends.
func (p *Peer) takeBackEnded(c *connection) {
	for mid, up := range c.published {
		if !c.sends(mid, up.source.id) {
			p.takeBack(c, mid)
		}
	}
}

// takeBack unpublishes the track of a line.
func (p *Peer) takeBack(c *connection, mid string) {
	up := c.published[mid]
	delete(c.published, mid)
	for _, l := range up.allLayers() {
		c.ingress.unbind(l)
	}
	p.room.unpublish(up)
}

func (p *Peer) newUpTrack(c *connection, line *sendingLine, codec webrtc.RTPCodecCapability) *upTrack {
	p.tracks++
	source := sourceStream{id: line.stream}
	source.screen = p.isScreen(c, source.id)
	streamID := p.id
	if source.screen {
		streamID += screenSuffix
	}
	up := &upTrack{
		id:        fmt.Sprintf("%s-%s-%d", p.id, line.kind, p.tracks),
		wake:      func() { p.post(layerWanted{}) },
		publisher: p.id,
		streamID:  streamID,
		kind:      webrtc.NewRTPCodecType(line.kind),
		codec:     codec,
		format:    kindOf(codec),
		source:    source,
		ingress:   c.ingress,
		dominant:  &p.speaks,
	}
	if up.kind == webrtc.RTPCodecTypeAudio && !source.screen {
		up.microphone = &microphone{track: up, voices: p.room.voices}
	}
	return up
}

// isScreen tells a screen share from camera and microphone: the client has said so, its stream is named so, or it is
// another stream than the first with that kind of track.
func (p *Peer) isScreen(c *connection, streamID string) bool {
	return p.screens[streamID] || strings.HasSuffix(streamID, screenSuffix) || c.isSecondStream(streamID)
}
