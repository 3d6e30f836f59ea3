package sfu

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// Limits of what a client describes. Each is far from what browsers send, and keeps what pion makes of it, some of it
// by the square, within some milliseconds.
const (
	maxOwnLines   = 128     // m-lines that the client adds in the life of a connection
	maxFormats    = 128     // of an m-line; an RTP payload type has 7 bits
	maxAttributes = 512     // of an m-line, or of the session
	maxSSRCs      = 1024    // in a description: a=ssrc, of which there are several for a stream
	maxStreams    = 256     // in a description: a=rid, and a=ssrc-group
	maxCandidates = 128     // told by themselves, or in descriptions, until the client restarts ICE
	maxCandidate  = 1 << 10 // bytes
	maxUnwanted   = 64      // codecs of the client's that nobody else has, in the life of a connection
	maxChannels   = 16      // data channels of the client's own, likewise

	offersAtOnce = 200
	offersEvery  = 100 * time.Millisecond // then

	featuresAtOnce = 20
	featuresEvery  = 200 * time.Millisecond // then
)

// newOfferLimit bounds how often a client begins a round, in the life of a stay: each costs it nothing.
func newOfferLimit() *rate.Limiter { return rate.NewLimiter(rate.Every(offersEvery), offersAtOnce) }

// newFeaturesLimit bounds how often what a client says of itself is passed on: each time to all others.
func newFeaturesLimit() *rate.Limiter {
	return rate.NewLimiter(rate.Every(featuresEvery), featuresAtOnce)
}

// extent is how much there is in a description.
type extent struct {
	lines      int
	candidates map[string]struct{}
}

// measure counts what is in a description, and refuses what no client has to describe.
func measure(text string) (extent, error) {
	e := extent{candidates: make(map[string]struct{})}
	attributes, ssrcs, rids, groups := 0, 0, 0, 0
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "m="):
			e.lines++
			attributes = 0
			if n := strings.Count(line, " "); n > maxFormats+2 { // media, port and protocol stand before
				return e, fmt.Errorf("%w: %d formats on a line", ErrDescription, n-2)
			}
		case strings.HasPrefix(line, "a=candidate"):
			e.candidates[candidateKey(line[len("a="):])] = struct{}{}
		case strings.HasPrefix(line, "a=ssrc:"):
			ssrcs++
		case strings.HasPrefix(line, "a=ssrc-group:"):
			groups++
		case strings.HasPrefix(line, "a=rid:"):
			rids++
		}
		if attributes++; attributes > maxAttributes {
			return e, fmt.Errorf("%w: more than %d attributes of a line", ErrDescription, maxAttributes)
		}
	}
	if ssrcs > maxSSRCs || groups > maxStreams || rids > maxStreams {
		return e, fmt.Errorf("%w: %d lines of ssrc, %d of ssrc-group, %d of rid", ErrDescription, ssrcs, groups, rids)
	}
	return e, nil
}

// candidateKey is what tells a candidate apart (RFC 8839, 5.1): all up to its address and port. What follows depends on
// how it is told.
func candidateKey(candidate string) string {
	fields := strings.Fields(candidate)
	return strings.Join(fields[:min(6, len(fields))], " ")
}

// extents are those of a client's descriptions that count for a connection as a whole. They are owned by the peer's
// loop.
type extents struct {
	ufrag      string              // of the client's latest description
	trickled   int                 // candidates that it told by themselves since
	candidates map[string]struct{} // those in descriptions since, which repeat them
	ownLines   int                 // m-lines that its offers added
	unwanted   int                 // codecs that were made known to pion for its sake
	channels   int                 // data channels that it opened
}

// bound refuses a description that brings too much.
func (c *connection) bound(description Description) error {
	e, err := measure(description.SDP)
	if err != nil {
		return err
	}
	if fresh := e.lines - len(c.pc.GetTransceivers()); c.ownLines+max(0, fresh) > maxOwnLines {
		return fmt.Errorf("%w: %d m-lines", ErrDescription, e.lines)
	}
	if c.candidatesWith(description.SDP, e) > maxCandidates {
		return fmt.Errorf("%w: more than %d candidates", ErrDescription, maxCandidates)
	}
	return nil
}

// candidatesWith is how many candidates there are in the client's descriptions with another one: an ICE restart takes
// away those before.
func (c *connection) candidatesWith(sdp string, e extent) int {
	if c.described && firstUfrag(sdp) != c.ufrag {
		return len(e.candidates)
	}
	n := len(c.candidates)
	for candidate := range e.candidates {
		if _, known := c.candidates[candidate]; !known {
			n++
		}
	}
	return n
}

// took counts what a description has brought that was applied, given how many lines there were before. It reports
// whether it restarted ICE.
func (c *connection) took(description Description, lines int, described bool) (restarted bool) {
	e, _ := measure(description.SDP) // was judged
	ufrag := firstUfrag(description.SDP)
	restarted = described && ufrag != c.ufrag
	if restarted {
		c.trickled, c.candidates = 0, nil
	}
	if c.candidates == nil {
		c.candidates = e.candidates
	} else {
		maps.Copy(c.candidates, e.candidates)
	}
	c.ufrag = ufrag
	if description.Type == "offer" {
		c.ownLines += max(0, len(c.pc.GetTransceivers())-lines)
	}
	return restarted
}

// firstUfrag is the ICE user name fragment (RFC 8839, 5.4) in a description, "" for none.
func firstUfrag(sdp string) string {
	_, rest, _ := strings.Cut(sdp, ufragAttribute)
	ufrag, _, _ := strings.Cut(rest, "\r\n")
	return ufrag
}
