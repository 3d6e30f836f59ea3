package sfu

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pion/webrtc/v4"
)

// connect makes a fresh connection with the subscriptions of the former one.
func (p *Peer) connect() error {
	c, err := newConnection(p.sfu, p.post, p.shown)
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

// renew replaces the connection. What the client published over the former one is gone.
func (p *Peer) renew() error {
	former := p.conn
	if err := p.connect(); err != nil {
		return err
	}
	for _, up := range former.published {
		p.room.unpublish(up)
	}
	p.closing.Go(former.close)
	p.judgeSilence(time.Now())
	return nil
}

// reset replaces the connection and asks the client to do the same.
func (p *Peer) reset(reason string) error {
	now := time.Now()
	p.resets = slices.DeleteFunc(p.resets, func(at time.Time) bool { return now.Sub(at) > resetMemory })
	if p.resets = append(p.resets, now); len(p.resets) > maxResets {
		p.sfu.tallies.tooManyResets.Add(1)
		return errTooManyResets
	}
	p.log.Debug("connection reset", "reason", reason)
	if err := p.renew(); err != nil {
		return err
	}
	p.conn.offerAfter = now.Add(firstOfferWait)
	p.deliver(LocalDescription{Description: Description{Type: TypeReset}})
	return nil
}

// resetUnasked is a reset that the client has not asked for.
func (p *Peer) resetUnasked(reason string) error {
	p.sfu.tallies.resetsMade.Add(1)
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
		if c.closed() || errors.Is(err, webrtc.ErrConnectionClosed) { // by the client, at this moment
			return time.Hour, nil
		}
		p.log.Warn("no offer", "error", err)
		return answerWait, p.resetUnasked("no offer")
	}
	p.sfu.tallies.offersMade.Add(1)
	p.tellUndecodable()
	c.offering, c.answerBy = true, now.Add(answerWait)
	if now.Sub(c.offerAfter) > roundMemory {
		c.rounds = 0
	}
	perLine := spacingPerLine * time.Duration(len(c.lines.active))
	c.offerAfter = now.Add(min(roundSpacing<<c.rounds, roundSpacing+perLine, maxRoundSpacing))
	c.rounds = min(c.rounds+1, 8)
	p.deliver(LocalDescription{Description: offer, Brings: true})
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
		p.sfu.tallies.resetsTaken.Add(1)
		return p.reset("asked by the client")
	case "offer":
		return p.takeOffer(description)
	case "answer":
		return p.takeAnswer(description)
	}
	p.refuse(fmt.Errorf("%w: type must be offer, answer or %s", ErrDescription, TypeReset))
	return nil
}

// takeOffer answers an offer. One that crosses ours is dropped: the client is the polite side, takes ours and offers
// again.
func (p *Peer) takeOffer(offer Description) error {
	c := p.conn
	if c.closed() {
		// The client has closed its end and begun again without a word.
		if err := p.renew(); err != nil {
			return err
		}
		c = p.conn
	}
	if c.offering || c.stale(offer) {
		return nil
	}
	if err := c.bound(offer); err != nil {
		p.refuse(err)
		return nil
	}
	before := c.pc.SignalingState()
	c.acceptUnwanted(offer.SDP, p.sfu.codecs)
	err := p.setRemote(c, offer)
	if err == nil {
		p.sfu.tallies.offersTaken.Add(1)
		p.takeBackEnded(c)
		p.publishSending(c)
		err = p.answer(c)
	}
	if err == nil {
		return nil
	}
	p.refuse(fmt.Errorf("%w: %w", ErrDescription, err))
	if c.pc.SignalingState() == before {
		return nil
	}
	return p.resetUnasked("offer failed half way")
}

// setRemote has a description of the client set, and counted.
func (p *Peer) setRemote(c *connection, description Description) error {
	lines, described := len(c.pc.GetTransceivers()), c.described
	if err := c.setRemote(description); err != nil {
		return err
	}
	if c.took(description, lines, described) {
		p.sfu.tallies.iceRestarts.Add(1)
	}
	return nil
}

// refuse tells the client that its description is not accepted.
func (p *Peer) refuse(err error) {
	p.sfu.tallies.descriptions.Add(1)
	p.deliver(Refused{err})
}

// answer answers the offer that has been set.
func (p *Peer) answer(c *connection) error {
	brings, err := p.useOffered(c)
	if err != nil {
		return err
	}
	answer, err := c.answer()
	if err != nil {
		return err
	}
	if c.rounds == 0 && !c.connected {
		c.offerAfter = time.Now().Add(settleWait)
	}
	p.deliver(LocalDescription{Description: answer, Brings: brings})
	if c.secured {
		c.lines.secured()
		p.tellUndecodable()
	}
	return nil
}

// takeAnswer completes the round that an offer of ours began.
func (p *Peer) takeAnswer(answer Description) error {
	c := p.conn
	if !c.offering {
		return nil // to an offer of a former connection
	}
	if err := c.bound(answer); err != nil {
		p.refuse(err)
		return p.resetUnasked("answer refused")
	}
	var rejected map[string]bool
	answer.SDP, rejected = c.hideRejected(answer.SDP)
	if err := p.setRemote(c, answer); err != nil {
		p.refuse(fmt.Errorf("%w: %w", ErrDescription, err))
		return p.resetUnasked("answer failed")
	}
	c.offering = false
	p.takeBackEnded(c)
	p.publishSending(c)
	c.lines.answered(rejected)
	p.tellUndecodable()
	return nil
}

// tellUndecodable tells both sides of tracks that the client cannot decode.
func (p *Peer) tellUndecodable() {
	for _, up := range p.conn.lines.takeRefused() {
		event := Undecodable{Publisher: up.publisher, Subscriber: p.id, Kind: up.kind.String(), Codec: up.codec.MimeType}
		p.deliver(event)
		p.room.tell(up.publisher, eventForPublisher{event})
	}
}
