package sfu

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

const (
	audioLevelURI  = sdp.AudioLevelURI
	ufragAttribute = "a=ice-ufrag:"

	featuresLabel = "features"
	featuresID    = 500
	maxFeatures   = 4 << 10 // bytes of one message

	// maxBuffered is how much may wait on the features channel of a client that does not read.
	maxBuffered = 256 << 10

	maxCandidates = 128 // of a client, in the life of one connection

	// nudgeEvery is how often what should have ended with its connection is told so again.
	nudgeEvery = 50 * time.Millisecond
)

// connection is one PeerConnection with what belongs to it. A reset replaces it whole; what its callbacks still post is
// recognised by the pointer and dropped.
type connection struct {
	// Static after construction.
	pc       *webrtc.PeerConnection
	lines    *lines
	features *webrtc.DataChannel
	readers  sync.WaitGroup // reading media and RTCP

	// Owned by the peer's loop.
	offering   bool      // an offer of ours awaits its answer
	answerBy   time.Time // else the connection is rebuilt
	offerAfter time.Time // no offer of ours before
	rounds     int       // offers in quick succession
	described  bool      // the client's first description is set
	connected  bool      // the path has been up
	unasked    bool      // it follows a reset of ours, and the client has said nothing since

	formerUfrag string // of the client, in the connection before such a reset
	candidates  int
	early       []Candidate // from before the first description
	byReceiver  map[*webrtc.RTPReceiver]*upTrack
}

// newConnection makes a PeerConnection whose callbacks only post.
func newConnection(api *webrtc.API, post func(action)) (*connection, error) {
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, fmt.Errorf("new peer connection: %w", err)
	}
	c := &connection{pc: pc, byReceiver: make(map[*webrtc.RTPReceiver]*upTrack)}
	c.lines = newLines(api, pc, &c.readers)
	negotiated, ordered, id := true, true, uint16(featuresID)
	c.features, err = pc.CreateDataChannel(featuresLabel,
		&webrtc.DataChannelInit{Negotiated: &negotiated, Ordered: &ordered, ID: &id})
	if err != nil {
		_ = pc.Close()
		return nil, fmt.Errorf("features channel: %w", err)
	}
	c.features.OnOpen(func() { post(featuresOpened{c}) })
	c.features.OnMessage(func(message webrtc.DataChannelMessage) { post(featuresReceived{c, message.Data}) })
	pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		if candidate == nil {
			post(candidateGathered{c, nil})
			return
		}
		init := candidate.ToJSON()
		post(candidateGathered{c, &init})
	})
	pc.OnICEConnectionStateChange(func(state webrtc.ICEConnectionState) { post(pathChanged{c, state}) })
	pc.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		post(trackArrived{c, remote, receiver})
	})
	return c, nil
}

// closed reports whether the connection has ended, as it does when the client closes its end.
func (c *connection) closed() bool { return c.pc.ConnectionState() == webrtc.PeerConnectionStateClosed }

// clientUfrag is the client's ICE user name fragment (RFC 8839, 5.4), "" before its first description.
func (c *connection) clientUfrag() string {
	description := c.pc.RemoteDescription()
	if description == nil {
		return ""
	}
	_, rest, _ := strings.Cut(description.SDP, ufragAttribute)
	ufrag, _, _ := strings.Cut(rest, "\r\n")
	return ufrag
}

// stale reports whether an offer is of the connection before a reset that the client did not know of yet.
func (c *connection) stale(offer Description) bool {
	return c.formerUfrag != "" && strings.Contains(offer.SDP, ufragAttribute+c.formerUfrag+"\r\n")
}

// close ends the connection and waits for what reads from it.
func (c *connection) close() {
	c.lines.close()
	_ = c.pc.GracefulClose()
	ended := make(chan struct{})
	go func() {
		c.readers.Wait()
		close(ended)
	}()
	for {
		select {
		case <-ended:
			return
		case <-time.After(nudgeEvery):
			c.lines.nudge()
		}
	}
}

// setRemote applies a description and the candidates that came before it.
func (c *connection) setRemote(description Description) error {
	err := c.pc.SetRemoteDescription(webrtc.SessionDescription{
		Type: webrtc.NewSDPType(description.Type), SDP: description.SDP,
	})
	if err != nil {
		return err
	}
	c.described, c.unasked = true, false
	early := c.early
	c.early = nil
	for _, candidate := range early {
		_ = c.pc.AddICECandidate(candidate) // it was checked when it came
	}
	return nil
}

// isSecondStream reports whether the client's description has, before that stream, another with a track of the same
// kind.
func (c *connection) isSecondStream(streamID string) bool {
	description := c.pc.RemoteDescription()
	if description == nil {
		return false
	}
	var parsed sdp.SessionDescription // pion's own is read by its goroutines meanwhile
	if err := parsed.UnmarshalString(description.SDP); err != nil {
		return false
	}
	first := make(map[string]string) // stream by kind
	for _, media := range parsed.MediaDescriptions {
		msid, sends := media.Attribute(sdp.AttrKeyMsid)
		if !sends {
			continue
		}
		id, _, _ := strings.Cut(msid, " ")
		kind := media.MediaName.Media
		if first[kind] == "" {
			first[kind] = id
		} else if id == streamID && first[kind] != id {
			return true
		}
	}
	return false
}

// answer makes the answer to the offer that has been set.
func (c *connection) answer() (Description, error) {
	answer, err := c.pc.CreateAnswer(nil)
	if err != nil {
		return Description{}, fmt.Errorf("create answer: %w", err)
	}
	if err := c.pc.SetLocalDescription(answer); err != nil {
		return Description{}, fmt.Errorf("set answer: %w", err)
	}
	return Description{Type: "answer", SDP: answer.SDP}, nil
}

// offer makes and sets an offer in one step: creating it assigns mids for good, so none may be thrown away.
func (c *connection) offer() (Description, error) {
	offer, err := c.pc.CreateOffer(nil)
	if err != nil {
		return Description{}, fmt.Errorf("create offer: %w", err)
	}
	if err := c.pc.SetLocalDescription(offer); err != nil {
		return Description{}, fmt.Errorf("set offer: %w", err)
	}
	return Description{Type: "offer", SDP: offer.SDP}, nil
}

// addCandidate takes a candidate of the client, or nil for their end.
func (c *connection) addCandidate(candidate *Candidate) error {
	if candidate == nil || candidate.Candidate == "" {
		return nil // pion needs no end: checks go on until they succeed
	}
	if c.candidates++; c.candidates > maxCandidates {
		return fmt.Errorf("%w: more than %d", ErrCandidate, maxCandidates)
	}
	if len(candidate.Candidate) > maxCandidate {
		return fmt.Errorf("%w: longer than %d bytes", ErrCandidate, maxCandidate)
	}
	if !c.described {
		c.early = append(c.early, *candidate)
		return nil
	}
	if err := c.pc.AddICECandidate(*candidate); err != nil {
		return fmt.Errorf("%w: %w", ErrCandidate, err)
	}
	return nil
}

// sendFeatures passes the features of another participant on, unless the client has stopped reading.
func (c *connection) sendFeatures(from string, features json.RawMessage) error {
	if c.features.ReadyState() != webrtc.DataChannelStateOpen || c.features.BufferedAmount() > maxBuffered {
		return nil
	}
	message, err := json.Marshal(struct {
		ChannelName string          `json:"channel_name"`
		Features    json.RawMessage `json:"features"`
	}{from, features})
	if err != nil {
		return err
	}
	return c.features.SendText(string(message))
}

// validFeatures checks that a message is a JSON object of reasonable size.
func validFeatures(message []byte) bool {
	if len(message) > maxFeatures {
		return false
	}
	var object map[string]json.RawMessage
	return json.Unmarshal(message, &object) == nil && object != nil
}

// readLayer forwards one encoding until it ends. Reading its RTCP lets pion answer the publisher's sender reports.
func (c *connection) readLayer(l *layer, remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver, ended func()) {
	levelID := uint8(0)
	if remote.Kind() == webrtc.RTPCodecTypeAudio {
		levelID = extensionID(receiver.GetParameters().HeaderExtensions, audioLevelURI)
	}
	c.readers.Go(func() {
		l.read(remote, levelID)
		ended()
	})
	c.readers.Go(func() {
		buffer := make([]byte, 1500)
		var err error
		for err == nil {
			if remote.RID() != "" {
				_, _, err = receiver.ReadSimulcast(buffer, remote.RID())
			} else {
				_, _, err = receiver.Read(buffer)
			}
		}
	})
}

// requestKeyframe asks the client for a keyframe of one of its sources.
func (c *connection) requestKeyframe(ssrc webrtc.SSRC) {
	_ = c.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(ssrc)}})
}
