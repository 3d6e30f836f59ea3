package sfu

import (
	"github.com/pion/webrtc/v4"

	"parley/sfu/capacity"
)

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
	// LocalDescription is an offer, an answer or a reset for the participant. Brings says whether it may describe tracks
	// that the participant did not have.
	LocalDescription struct {
		Description Description
		Brings      bool
	}

	// LocalCandidate is a candidate of the server's peer; nil ends them.
	LocalCandidate struct{ Candidate *Candidate }

	// Refused reports input of the participant that was not accepted; it changed nothing. Err wraps ErrDescription,
	// ErrCandidate, or ErrLimit.
	Refused struct{ Err error }

	// Undecodable reports a track that Subscriber has no codec for. Publisher's and Subscriber's peers both tell it.
	Undecodable struct {
		Publisher, Subscriber string // participant ids
		Kind                  string // "audio" or "video"
		Codec                 string // MIME type
	}

	// MediaSilent reports that nothing at all (no media, no STUN) has arrived for 3 s, or that it flows. The first such
	// event says that it does. Lost tells a path that was up from one that is not there yet.
	MediaSilent struct{ Silent, Lost bool }

	// Quality reports at which layer the participant gets the picture of another, whenever that changes.
	Quality struct {
		Publisher     string // participant id
		Screen        bool   // their screen share, not their camera
		Layer         int    // counted from 0, the smallest picture; -1: paused
		Layers        int    // that the publisher offers now
		Width, Height int    // of the picture, 0 where not known
		Why           Why    // not more
	}

	// LayersWanted says which of the participant's own encodings anybody receives. The others may be switched off.
	LayersWanted struct {
		Mid    string          // of the m-line
		Active map[string]bool // by rid, "" for an encoding without one
	}

	// SlotChanged says whose sound an audio slot brings from now on; Publisher is "" for nobody.
	SlotChanged struct {
		Slot      int
		Publisher string // participant id
	}

	// Ended is the last event: the peer gave up and the participant should be told to leave.
	Ended struct{ Err error }
)

func (LocalDescription) event() {}
func (LocalCandidate) event()   {}
func (Refused) event()          {}
func (Undecodable) event()      {}
func (MediaSilent) event()      {}
func (Quality) event()          {}
func (LayersWanted) event()     {}
func (SlotChanged) event()      {}
func (Ended) event()            {}

// Why says what keeps a picture from being better.
type Why string

// What limits a picture.
const (
	Unlimited    Why = ""
	ForBandwidth Why = "bandwidth" // of the receiver's downlink
	ForUplink    Why = "uplink"    // of the publisher's
	ForCPU       Why = "cpu"       // the publisher's
	ForChoice    Why = "choice"    // the receiver shows it small, or not at all
	ForServer    Why = "server"    // which carries no more
)

// Tile is what a participant shows of another.
type Tile struct {
	Publisher     string // participant id
	Screen        bool   // their screen share, not their camera
	Width, Height int    // device pixels; 0: hidden, and costs nothing
	Pinned        bool
}

// RoomEvent is what an [SFU] tells of a room as a whole.
type RoomEvent interface{ roomEvent() }

type (
	// SpeakerChanged says who speaks, more than others.
	SpeakerChanged struct{ Publisher string }

	// Levels says who speaks how loud, by participant id, in -dBov (RFC 6464); the last of a series is empty.
	Levels struct{ Levels map[string]uint8 }
)

func (SpeakerChanged) roomEvent() {}
func (Levels) roomEvent()         {}

// Barred says what of a participant is not forwarded, whatever comes. Of a viewer nothing is, nor what the client says
// of itself: for the others a viewer is not there.
type Barred struct{ Viewer, Microphone, Camera, Screen bool }

// Headroom is how many more participants an SFU carries.
type Headroom = capacity.Headroom
