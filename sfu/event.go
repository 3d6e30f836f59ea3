package sfu

import "github.com/pion/webrtc/v4"

// Candidate is an RTCIceCandidateInit.
type Candidate = webrtc.ICECandidateInit

// Description is an RTCSessionDescriptionInit. Type is "offer", "answer" or [TypeReset].
type Description struct {
	Type string
	SDP  string
}

// TypeReset is the type of a description that asks for fresh peers on both sides.
const TypeReset = "_reset"

// Event is what a [Peer] tells the participant it serves. Events arrive one at a time, in order, on a goroutine of the
// peer; the receiver must not block.
type Event interface{ event() }

type (
	// LocalDescription is an offer, an answer or a reset for the participant.
	LocalDescription struct{ Description Description }

	// LocalCandidate is a candidate of the server's peer; nil ends them.
	LocalCandidate struct{ Candidate *Candidate }

	// Refused reports input of the participant that was not accepted; it changed nothing. Err wraps ErrDescription or
	// ErrCandidate.
	Refused struct{ Err error }

	// Undecodable reports a track that Subscriber has no codec for. Publisher's and Subscriber's peers both tell it.
	Undecodable struct {
		Publisher, Subscriber string // participant ids
		Kind                  string // "audio" or "video"
		Codec                 string // MIME type
	}

	// MediaSilent reports that nothing at all (no media, no STUN) has arrived for 3 s, or that it flows. The first such
	// event says that it does.
	MediaSilent struct{ Silent bool }

	// Ended is the last event: the peer gave up and the participant should be told to leave.
	Ended struct{ Err error }
)

func (LocalDescription) event() {}
func (LocalCandidate) event()   {}
func (Refused) event()          {}
func (Undecodable) event()      {}
func (MediaSilent) event()      {}
func (Ended) event()            {}
