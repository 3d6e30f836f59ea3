// Package protocol holds the messages of the signalling contract (docs/protocol.md): plain values, shared by the server
// and by clients written in Go. It has no behaviour beyond encoding, and imports no sibling.
package protocol

import "encoding/json"

// SFU is the address of the server's peer in [ClientSignal.Recipient] and [Signal.Sender].
const SFU = "sfu"

// Limits of the contract.
const (
	MaxFrameBytes   = 512 << 10 // a larger frame closes the socket with 1009
	MaxChannelName  = 48        // characters of [A-Za-z0-9_-]
	FeaturesLabel   = "features"
	FeaturesID      = 500
	ScreenSuffix    = ".screen" // MediaStream id of a screen share: channel_name + ScreenSuffix
	TypeReset       = "_reset"  // a description of this type asks for fresh peers
	HeartbeatSignal = "hb"
)

// Keys of the envelope, client to server.
const (
	KeyJoin   = "join"
	KeyHangup = "hangup"
	KeyRTC    = "rtc"
	KeySignal = "signal"
	KeyRoom   = "room"
)

// KeyAck is a key in both directions: the number of the last frame that has come.
const KeyAck = "ack"

// Keys of the envelope, server to client, that the page itself handles or that report an error.
const (
	KeyHTML   = "html"
	KeyRemove = "remove"
	KeyError  = "error"
)

// Error types, the contract's wire codes.
const (
	ErrorBadMessage     = "bad_message"
	ErrorBadRecipient   = "bad_recipient"
	ErrorBadDescription = "bad_description"
	ErrorBadCandidate   = "bad_candidate"
	ErrorBadRoom        = "bad_room"
	ErrorLimit          = "limit" // more than one participant may have; detail says of what
	ErrorInternal       = "internal"
)

// Error is the value of the "error" key: {"error": {"type": …, "detail": …}}.
type Error struct {
	Type   string `json:"type"`
	Detail string `json:"detail,omitempty"` // for people
	Retry  bool   `json:"retry,omitempty"`  // it passes by itself
}

// Participant identifies somebody in a room to the others.
type Participant struct {
	ChannelName string `json:"channel_name"`
	UserName    string `json:"user_name"` // the screen name, never the real name
	ShortName   string `json:"short_name"`
}

// ShortName is "peer-" and the last 6 characters of a channel name: the id of the participant's <figure>.
func ShortName(channelName string) string {
	if len(channelName) > 6 {
		channelName = channelName[len(channelName)-6:]
	}
	return "peer-" + channelName
}

// ICEServer is an RTCIceServer (W3C webrtc, 4.2.2).
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// RTCConfig is an RTCConfiguration (W3C webrtc, 4.2.1).
type RTCConfig struct {
	ICEServers         []ICEServer `json:"iceServers"`
	ICETransportPolicy string      `json:"iceTransportPolicy"` // "all" or "relay"
}

// Description is an RTCSessionDescriptionInit, whose type may also be [TypeReset].
type Description struct {
	Type string `json:"type"`
	SDP  string `json:"sdp,omitempty"`
}

// Candidate is an RTCIceCandidateInit.
type Candidate struct {
	Candidate        string  `json:"candidate"`
	SDPMid           *string `json:"sdpMid,omitempty"`
	SDPMLineIndex    *uint16 `json:"sdpMLineIndex,omitempty"`
	UsernameFragment *string `json:"usernameFragment,omitempty"`
}

// SignalBody is one description or one candidate. A JSON null candidate (the end of candidates) is EndOfCandidates.
type SignalBody struct {
	Description     *Description
	Candidate       *Candidate
	EndOfCandidates bool
}

// MarshalJSON writes exactly one of {"description": …} and {"candidate": … or null}.
func (b SignalBody) MarshalJSON() ([]byte, error) {
	if b.Description != nil {
		return json.Marshal(struct {
			Description *Description `json:"description"`
		}{b.Description})
	}
	return json.Marshal(struct {
		Candidate *Candidate `json:"candidate"`
	}{b.Candidate})
}

// UnmarshalJSON tells an absent candidate from a null one.
func (b *SignalBody) UnmarshalJSON(data []byte) error {
	var raw struct {
		Description *Description    `json:"description"`
		Candidate   json.RawMessage `json:"candidate"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*b = SignalBody{Description: raw.Description}
	switch {
	case raw.Candidate == nil:
		return nil
	case string(raw.Candidate) == "null":
		b.EndOfCandidates = true
		return nil
	}
	b.Candidate = new(Candidate)
	return json.Unmarshal(raw.Candidate, b.Candidate)
}

// The types of the rtc app.
const (
	TypeConnect      = "connect"
	TypeConfig       = "config"
	TypeOthers       = "others"
	TypeOther        = "other"
	TypeDisconnected = "disconnected"
	TypeSignal       = "signal"
	TypeUndecodable  = "undecodable"
	TypeQuality      = "quality"
	TypeLayers       = "layers"
	TypeSilent       = "silent"
	TypeScreen       = "screen"  // client to server
	TypeView         = "view"    // client to server
	TypeLimited      = "limited" // client to server
)

// Values of a message's track: which picture of a participant is meant.
const (
	TrackCamera = "camera"
	TrackScreen = "screen"
)

// What keeps a picture from being better: values of why in [Quality], and in [Limited], where none is said.
const (
	WhyBandwidth = "bandwidth" // of the receiver's downlink; in Limited, of one's own uplink
	WhyUplink    = "uplink"    // of the publisher's
	WhyCPU       = "cpu"       // the publisher's
	WhyChoice    = "choice"    // the receiver shows it small, or not at all
	WhyServer    = "server"    // which carries no more
	WhyNone      = "none"      // in Limited
	WhyOther     = "other"     // likewise; counts as none
)

// Limits of the client's messages on quality.
const (
	MaxTiles    = 512
	MaxTileSize = 16384 // device pixels, either way
	MaxMid      = 64    // bytes
)

// Connect is the first message on a socket.
type Connect struct {
	Type        string    `json:"type"` // TypeConnect
	ChannelName string    `json:"channel_name"`
	RTCConfig   RTCConfig `json:"rtc_config"`

	*Resume // nil for a client that does not resume
}

// Resume is for a client that may go on with its session on another socket. Frames are numbered from 1 in each
// direction; this message has no number.
type Resume struct {
	Token    string `json:"resume"`
	Sent     uint64 `json:"sent"`              // the number of the last frame before, of the server
	Received uint64 `json:"received"`          // of the last frame of the client that was taken
	Resumed  bool   `json:"resumed,omitempty"` // the session is the one that was asked for
}

// Config renews the credentials before they expire.
type Config struct {
	Type      string    `json:"type"` // TypeConfig
	RTCConfig RTCConfig `json:"rtc_config"`
}

// Others lists who is in the room, after a join.
type Others struct {
	Type string        `json:"type"` // TypeOthers
	IDs  []Participant `json:"ids"`  // never null
}

// Other announces a newcomer.
type Other struct {
	Type string `json:"type"` // TypeOther
	Participant
}

// Disconnected announces that someone left.
type Disconnected struct {
	Type        string `json:"type"` // TypeDisconnected
	ChannelName string `json:"channel_name"`
}

// Signal carries a description or candidate of the server's peer.
type Signal struct {
	Type      string     `json:"type"` // TypeSignal
	Sender    string     `json:"sender"`
	Recipient string     `json:"recipient"`
	Signal    SignalBody `json:"signal"`
}

// Undecodable says that a subscriber has not negotiated the codec of a publisher's track; both sides get it.
type Undecodable struct {
	Type       string `json:"type"` // TypeUndecodable
	Publisher  string `json:"publisher"`
	Subscriber string `json:"subscriber"`
	Kind       string `json:"kind"`  // "audio" or "video"
	Codec      string `json:"codec"` // MIME type, e.g. "video/AV1"
}

// Quality says at which layer the participant gets a picture of another.
type Quality struct {
	Type        string `json:"type"`         // TypeQuality
	ChannelName string `json:"channel_name"` // the publisher's
	Track       string `json:"track"`        // TrackCamera or TrackScreen
	Layer       *int   `json:"layer"`        // from 0, the smallest picture; null: paused
	Layers      int    `json:"layers"`       // how many the publisher offers now
	Width       int    `json:"width"`        // of the picture, 0 where not known
	Height      int    `json:"height"`
	Why         string `json:"why"` // not more; empty: there is no more
}

// Silent says that nothing arrives from the participant over the media path any more, of which their end may not know.
type Silent struct {
	Type string `json:"type"` // TypeSilent
}

// Layers says which of the participant's own encodings anybody receives; the others may be switched off.
type Layers struct {
	Type   string          `json:"type"`   // TypeLayers
	Mid    string          `json:"mid"`    // of the m-line
	Active map[string]bool `json:"active"` // by rid, "" for an encoding without one; never null
}

// View says how large the client shows pictures of others. It updates the tiles that it lists, at most [MaxTiles].
type View struct {
	Type  string `json:"type"` // TypeView
	Tiles []Tile `json:"tiles"`
	Only  *bool  `json:"only,omitempty"` // pictures that were never mentioned are left out; null: as before
}

// Tile is one shown picture.
type Tile struct {
	ChannelName string `json:"channel_name"` // the publisher's
	Track       string `json:"track"`        // TrackCamera or TrackScreen
	Width       int    `json:"width"`        // device pixels, at most MaxTileSize; 0: hidden, and costs nothing
	Height      int    `json:"height"`
	Pinned      bool   `json:"pinned"`
}

// Limited says what keeps the client from sending the best picture of an m-line: its encoder's
// qualityLimitationReason (W3C webrtc-stats, 8.6).
type Limited struct {
	Type string `json:"type"` // TypeLimited
	Mid  string `json:"mid"`
	Why  string `json:"why"` // WhyCPU, WhyBandwidth, WhyOther or WhyNone
}

// ClientRTC is what a client may send under the rtc key, besides [View] and [Limited]; which fields count depends on
// Type.
type ClientRTC struct {
	Type      string          `json:"type"`
	Recipient any             `json:"recipient,omitempty"` // TypeSignal: [SFU]; anything else is refused
	Signal    json.RawMessage `json:"signal,omitempty"`    // TypeSignal: a SignalBody
	Stream    string          `json:"stream,omitempty"`    // TypeScreen: the msid of the stream that is a screen share
}

// Features is the message on the features data channel, server to client. Client to server it is the inner object
// alone.
type Features struct {
	ChannelName string          `json:"channel_name"`
	Features    json.RawMessage `json:"features"`
}
