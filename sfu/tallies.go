package sfu

import "sync/atomic"

// Tallies is what has happened between an SFU and its participants, counted from the start.
type Tallies struct {
	OffersMade, OffersTaken  uint64 // rounds of negotiation that one side or the other began
	ResetsMade, ResetsTaken  uint64 // fresh connections, unasked and asked for by the client
	ICERestarts              uint64 // begun by a client on a path that it had
	PathsLost                uint64 // nothing came any more over a path that had been up
	Descriptions             uint64 // refused: too many lines, formats or candidates, or what pion did not take
	Candidates               uint64 // refused
	Tracks, Encodings        uint64 // not forwarded: more than a participant may publish
	Overflows, TooManyResets uint64 // participants who were given up since they asked for too much
	Channels                 uint64 // closed: data channels that nobody asked for
}

// tallies are those of an SFU while they grow.
type tallies struct {
	offersMade, offersTaken, resetsMade, resetsTaken, iceRestarts, pathsLost atomic.Uint64
	descriptions, candidates, tracks, encodings, overflows, tooManyResets    atomic.Uint64
	channels                                                                 atomic.Uint64
}

// Tallies returns what has happened until now.
func (s *SFU) Tallies() Tallies {
	t := &s.tallies
	return Tallies{
		OffersMade: t.offersMade.Load(), OffersTaken: t.offersTaken.Load(),
		ResetsMade: t.resetsMade.Load(), ResetsTaken: t.resetsTaken.Load(),
		ICERestarts: t.iceRestarts.Load(), PathsLost: t.pathsLost.Load(),
		Descriptions: t.descriptions.Load(), Candidates: t.candidates.Load(),
		Tracks: t.tracks.Load(), Encodings: t.encodings.Load(),
		Overflows: t.overflows.Load(), TooManyResets: t.tooManyResets.Load(),
		Channels: t.channels.Load(),
	}
}
