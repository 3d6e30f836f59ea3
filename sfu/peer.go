package sfu

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/sfu/mailbox"
)

const (
	// inboxCeiling is more than the largest room can post at once; a peer that lets so much pile up is stuck.
	inboxCeiling = 16 << 10

	// firstOfferWait is how long the server waits for the client's first offer before it may make its own.
	firstOfferWait = 2 * time.Second

	// settleWait is how long the server's first offer waits, after its answer, for the path: a client built on pion
	// that gets an offer before it has acted on the answer restarts ICE.
	settleWait = 100 * time.Millisecond

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
}

func newPeer(s *SFU, r *room, id string, deliver func(Event)) *Peer {
	return &Peer{
		id:      id,
		room:    r,
		sfu:     s,
		log:     s.log.With("room", r.name, "peer", id),
		deliver: deliver,
		inbox:   mailbox.New[action](inboxCeiling),
		done:    make(chan struct{}),
		stop:    make(chan struct{}),
		screens: make(map[string]bool),
		silent:  true, // until there is a path
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
	wake, err = p.negotiate(now)
	return min(wake, p.report(now)), err
}

// report sends the sender reports when they are due, and returns when they are due next.
func (p *Peer) report(now time.Time) time.Duration {
	if due := p.reported.Add(reportInterval); now.Before(due) {
		return due.Sub(now)
	}
	p.reported = now
	for reports := range slices.Chunk(p.conn.lines.reports(now), reportsPerPacket) {
		if err := p.conn.pc.WriteRTCP(reports); err != nil {
			p.log.Debug("sender reports", "error", err)
		}
	}
	return reportInterval
}

// finish leaves the room and waits for all that the peer has started.
func (p *Peer) finish() {
	p.sfu.leave(p)
	p.inbox.Close()
	if p.conn != nil {
		p.conn.close()
	}
	p.closing.Wait()
}

// connect makes a fresh connection with the subscriptions of the former one.
func (p *Peer) connect() error {
	api, err := p.sfu.newAPI()
	if err != nil {
		return err
	}
	c, err := newConnection(api, p.post)
	if err != nil {
		return err
	}
	if p.conn != nil {
		for _, up := range p.conn.lines.wanted {
			c.lines.want(up)
		}
	}
	p.conn = c
	return nil
}

// reset replaces the connection and asks the client to do the same. What it published is gone; it publishes anew.
func (p *Peer) reset(reason string) error {
	now := time.Now()
	p.resets = slices.DeleteFunc(p.resets, func(at time.Time) bool { return now.Sub(at) > resetMemory })
	if p.resets = append(p.resets, now); len(p.resets) > maxResets {
		return errTooManyResets
	}
	p.log.Debug("connection reset", "reason", reason)
	former := p.conn
	if err := p.connect(); err != nil {
		return err
	}
	for _, up := range former.byReceiver {
		p.room.unpublish(up)
	}
	p.closing.Go(former.close)
	p.setSilent(true)
	p.conn.offerAfter = now.Add(firstOfferWait)
	p.deliver(LocalDescription{Description{Type: TypeReset}})
	return nil
}

// resetUnasked is a reset that the client has not asked for.
func (p *Peer) resetUnasked(reason string) error {
	ufrag := p.conn.clientUfrag()
	if err := p.reset(reason); err != nil {
		return err
	}
	p.conn.unasked, p.conn.formerUfrag = true, ufrag
	return nil
}

var (
	errTooManyResets = errors.New("too many resets")
	errOverflow      = errors.New("more is asked of the peer than it can do")
)

// negotiate makes the next offer if there is something to offer and nothing in the way. It returns when to try again.
func (p *Peer) negotiate(now time.Time) (wake time.Duration, err error) {
	c := p.conn
	switch {
	case c.closed():
		return time.Hour, nil // until the client begins anew
	case c.offering && now.After(c.answerBy):
		return answerWait, p.resetUnasked("no answer")
	case c.offering:
		return c.answerBy.Sub(now) + time.Millisecond, nil
	case !c.lines.dirty:
		return time.Hour, nil
	case now.Before(c.offerAfter):
		return c.offerAfter.Sub(now), nil
	}
	err = c.lines.reconcile()
	var offer Description
	if err == nil {
		offer, err = c.offer()
	}
	if err != nil {
		if c.closed() { // by the client, at this moment
			return time.Hour, nil
		}
		return 0, fmt.Errorf("next round: %w", err)
	}
	c.offering, c.answerBy = true, now.Add(answerWait)
	if now.Sub(c.offerAfter) > roundMemory {
		c.rounds = 0
	}
	perLine := spacingPerLine * time.Duration(len(c.lines.active))
	c.offerAfter = now.Add(min(roundSpacing<<c.rounds, roundSpacing+perLine, maxRoundSpacing))
	c.rounds = min(c.rounds+1, 8)
	p.deliver(LocalDescription{offer})
	return answerWait, nil
}

// describe applies a description of the client.
func (p *Peer) describe(description Description) error {
	switch description.Type {
	case TypeReset:
		crossed := p.conn.unasked && !p.conn.offering && time.Since(p.resets[len(p.resets)-1]) < crossing
		p.conn.unasked = false
		if crossed {
			return nil // the client takes ours for the answer
		}
		return p.reset("asked by the client")
	case "offer":
		return p.takeOffer(description)
	case "answer":
		return p.takeAnswer(description)
	}
	p.deliver(Refused{fmt.Errorf("%w: type must be offer, answer or %s", ErrDescription, TypeReset)})
	return nil
}

// takeOffer answers an offer. One that crosses ours is dropped: the client is the polite side, takes ours and offers
// again.
func (p *Peer) takeOffer(offer Description) error {
	c := p.conn
	if c.closed() {
		// The client has closed its end and begun again without a word.
		if err := p.replaceClosed(); err != nil {
			return err
		}
		c = p.conn
	}
	if c.offering || c.stale(offer) {
		return nil
	}
	if lines := strings.Count(offer.SDP, "\nm="); lines > len(c.pc.GetTransceivers())+maxOwnLines {
		p.deliver(Refused{fmt.Errorf("%w: %d m-lines", ErrDescription, lines)})
		return nil
	}
	before := c.pc.SignalingState()
	err := c.setRemote(offer)
	if err == nil {
		var answer Description
		if answer, err = c.answer(); err == nil {
			if c.rounds == 0 && !c.connected {
				c.offerAfter = time.Now().Add(settleWait)
			}
			p.deliver(LocalDescription{answer})
			return nil
		}
	}
	p.deliver(Refused{fmt.Errorf("%w: %w", ErrDescription, err)})
	if c.pc.SignalingState() == before {
		return nil
	}
	return p.resetUnasked("offer failed half way")
}

// replaceClosed makes a fresh connection without a reset.
func (p *Peer) replaceClosed() error {
	former := p.conn
	if err := p.connect(); err != nil {
		return err
	}
	for _, up := range former.byReceiver {
		p.room.unpublish(up)
	}
	p.closing.Go(former.close)
	p.setSilent(true)
	return nil
}

// takeAnswer completes the round that an offer of ours began.
func (p *Peer) takeAnswer(answer Description) error {
	c := p.conn
	if !c.offering {
		return nil // to an offer of a former connection
	}
	if err := c.setRemote(answer); err != nil {
		p.deliver(Refused{fmt.Errorf("%w: %w", ErrDescription, err)})
		return p.resetUnasked("answer failed")
	}
	c.offering = false
	for _, up := range c.lines.answered() {
		event := Undecodable{Publisher: up.publisher, Subscriber: p.id, Kind: up.kind.String(), Codec: up.codec.MimeType}
		p.deliver(event)
		p.room.tell(up.publisher, eventForPublisher{event})
	}
	return nil
}

// publishLayer forwards an encoding that has begun to arrive, and publishes its track if it is the first of it.
func (p *Peer) publishLayer(c *connection, remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	up := c.byReceiver[receiver]
	known := up != nil
	if !known && len(c.byReceiver) >= maxTracks {
		p.log.Debug("track refused", "tracks", maxTracks)
		return
	}
	if !known {
		up = p.newUpTrack(c, remote)
		c.byReceiver[receiver] = up
	}
	l := up.addLayer(remote, c.requestKeyframe)
	c.readLayer(l, remote, receiver, func() { p.post(layerEnded{c, receiver, l}) })
	if !known {
		p.room.publish(p, up)
	}
}

func (p *Peer) newUpTrack(c *connection, remote *webrtc.TrackRemote) *upTrack {
	p.tracks++
	source := sourceStream{id: remote.StreamID()}
	source.screen = p.isScreen(c, source.id)
	streamID := p.id
	if source.screen {
		streamID += screenSuffix
	}
	codec := remote.Codec().RTPCodecCapability
	return &upTrack{
		id:        fmt.Sprintf("%s-%s-%d", p.id, remote.Kind(), p.tracks),
		publisher: p.id,
		streamID:  streamID,
		kind:      remote.Kind(),
		codec:     codec,
		isVP8:     strings.EqualFold(codec.MimeType, webrtc.MimeTypeVP8),
		source:    source,
	}
}

// isScreen tells a screen share from camera and microphone: the client has said so, its stream is named so, or it is
// another stream than the first with that kind of track.
func (p *Peer) isScreen(c *connection, streamID string) bool {
	return p.screens[streamID] || strings.HasSuffix(streamID, screenSuffix) || c.isSecondStream(streamID)
}

// shareFeatures passes on what the client says of its camera and microphone.
func (p *Peer) shareFeatures(message []byte) {
	if validFeatures(message) {
		p.room.share(p, json.RawMessage(message))
	}
}
