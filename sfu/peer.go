package sfu

import (
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"golang.org/x/time/rate"

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

	maxUnread = 16 // descriptions of a client that wait
	maxTracks = 16 // that a client publishes at once
	maxLayers = 4  // encodings of a track

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
	offers  *rate.Limiter

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
		offers:   newOfferLimit(),
		silent:   true, // until there is a path
	}
}

// Signal takes a description from the participant: an offer, an answer or a reset. Descriptions are dear to act on, so
// a participant who sends them faster than they are acted on is given up. So is one who begins rounds without end; what
// answers none of ours costs nothing.
func (p *Peer) Signal(description Description) {
	if p.unread.Add(1) > maxUnread || description.Type != "answer" && !p.offers.Allow() {
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
	if !p.overflowed.Swap(true) {
		p.sfu.tallies.overflows.Add(1)
	}
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
		if silent && c.connected {
			p.sfu.tallies.pathsLost.Add(1)
		}
		p.deliver(MediaSilent{Silent: silent, Lost: silent && c.connected})
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
