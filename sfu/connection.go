package sfu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"parley/sfu/congestion"
)

const (
	ufragAttribute = "a=ice-ufrag:"

	featuresLabel = "features"
	featuresID    = 500
	maxFeatures   = 4 << 10 // bytes of one message
	maxMessage    = 1 << 20 // bytes that pion takes for one at most

	// maxBuffered is how much may wait on the features channel of a client that does not read.
	maxBuffered = 256 << 10
)

// connection is one PeerConnection with what belongs to it. A reset replaces it whole; what its callbacks still post is
// recognised by the pointer and dropped.
type connection struct {
	// Static after construction.
	pc        *webrtc.PeerConnection
	engine    *webrtc.MediaEngine
	transport *transport
	ingress   *ingress
	sender    *sender
	lines     *lines
	features  *webrtc.DataChannel
	live      context.Context // ends with close
	end       context.CancelFunc
	readers   sync.WaitGroup // reading the features channel

	// Owned by the peer's loop.
	offering   bool      // an offer of ours awaits its answer
	answerBy   time.Time // else the connection is rebuilt
	offerAfter time.Time // no offer of ours before
	rounds     int       // offers in quick succession
	described  bool      // the client's first description is set
	connected  bool      // the path has been up
	pathDown   bool      // it has been, and is not
	secured    bool      // DTLS is connected
	relayed    bool      // by the client's TURN server
	unasked    bool      // it follows a reset of ours, and the client has said nothing since

	extents
	formerUfrag string                     // of the client, in the connection before such a reset
	early       []Candidate                // from before the first description
	sending     []sendingLine              // of the client's description
	published   map[string]*upTrack        // by mid
	told        map[string]map[string]bool // by mid and rid: which encodings the client was told to send
	limits      map[string]Why             // by mid: what keeps the client from sending its best
	overLimit   map[string]bool            // by mid: what the client was told not to be forwarded
}

// newConnection makes a PeerConnection whose callbacks only post.
func newConnection(s *SFU, post func(action), shown func(up *upTrack) tileSize) (*connection, error) {
	t := newTransport(s.udp.Conn())
	api, engine, err := s.newAPI(t)
	if err != nil {
		return nil, err
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{
		// Header extensions stay readable (no RFC 9335): each packet's are rewritten for each receiver.
		RTPHeaderEncryptionPolicy: webrtc.RTPHeaderEncryptionPolicyDisable,
	})
	if err != nil {
		return nil, fmt.Errorf("new peer connection: %w", err)
	}
	c := &connection{
		pc: pc, engine: engine, transport: t, published: make(map[string]*upTrack),
		told: make(map[string]map[string]bool), limits: make(map[string]Why), overLimit: make(map[string]bool),
	}
	c.live, c.end = context.WithCancel(context.Background())
	c.sender = newSender(t, s.clock, s.controls, func(up *upTrack, q Quality, control congestion.State) {
		post(qualityChanged{c, up, q, control})
	})
	c.ingress = newIngress(t, c.sender, func(u unknownSource) { post(sourceFound{c, u}) })
	c.ingress.crew = s.crew
	c.lines = newLines(api, pc, c.sender, c.ingress, shown)
	negotiated, ordered, id := true, true, uint16(featuresID)
	c.features, err = pc.CreateDataChannel(featuresLabel,
		&webrtc.DataChannelInit{Negotiated: &negotiated, Ordered: &ordered, ID: &id})
	if err != nil {
		c.end()
		_ = pc.Close()
		return nil, fmt.Errorf("features channel: %w", err)
	}
	c.listen(post, s.tcpPorts)
	return c, nil
}

// listen has pion's callbacks post.
func (c *connection) listen(post func(action), tcpPorts []uint16) {
	c.features.OnOpen(func() {
		if channel, err := c.features.Detach(); err == nil {
			post(featuresOpened{c, channel})
		}
	})
	c.pc.OnDataChannel(func(channel *webrtc.DataChannel) {
		_ = channel.Close() // what is sent on it would stay unread
		post(channelOpened{c})
	})
	c.pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		if candidate == nil {
			post(candidateGathered{c, nil})
			return
		}
		init := candidate.ToJSON()
		post(candidateGathered{c, &init})
		for _, tcp := range tcpCandidates(*candidate, tcpPorts) {
			post(candidateGathered{c, &tcp})
		}
	})
	c.pc.OnICEConnectionStateChange(func(state webrtc.ICEConnectionState) { post(pathChanged{c, state}) })
	dtls := c.pc.SCTP().Transport()
	dtls.OnStateChange(func(state webrtc.DTLSTransportState) {
		if state == webrtc.DTLSTransportStateConnected {
			post(secured{c})
		}
	})
	dtls.ICETransport().OnSelectedCandidatePairChange(func(pair *webrtc.ICECandidatePair) {
		if ip, err := netip.ParseAddr(pair.Remote.Address); err == nil {
			relayed := pair.Remote.Typ == webrtc.ICECandidateTypeRelay
			post(pathSelected{c, netip.AddrPortFrom(ip, pair.Remote.Port), relayed})
		}
	})
}

// closed reports whether the connection has ended, as it does when the client closes its end.
func (c *connection) closed() bool { return c.pc.ConnectionState() == webrtc.PeerConnectionStateClosed }

// clientUfrag is the client's ICE user name fragment (RFC 8839, 5.4), "" before its first description.
func (c *connection) clientUfrag() string {
	description := c.pc.RemoteDescription()
	if description == nil {
		return ""
	}
	return firstUfrag(description.SDP)
}

// stale reports whether an offer is of the connection before a reset that the client did not know of yet.
func (c *connection) stale(offer Description) bool {
	return c.formerUfrag != "" && strings.Contains(offer.SDP, ufragAttribute+c.formerUfrag+"\r\n")
}

// close ends the connection and waits for what belongs to it.
func (c *connection) close() {
	c.end()
	c.lines.close()
	c.transport.close()
	c.ingress.close()
	_ = c.pc.GracefulClose()
	c.readers.Wait()
}

// readFeatures posts what the client says of itself, until the connection ends. The channel is detached from pion,
// which would keep 64 kB of room for it.
func (c *connection) readFeatures(channel io.Reader, post func(action)) {
	c.readers.Go(func() {
		room := make([]byte, maxFeatures+1)
		for limit := newFeaturesLimit(); c.pause(limit.Reserve().Delay()); {
			n, err := channel.Read(room)
			if errors.Is(err, io.ErrShortBuffer) { // it is still there, and has to go
				_, err = channel.Read(make([]byte, maxMessage))
				n = 0
			}
			if err != nil {
				return
			}
			post(featuresReceived{c, bytes.Clone(room[:n])})
		}
	})
}

// pause waits, and reports whether the connection is still wanted. What the client sends meanwhile waits in its SCTP
// association, which takes a megabyte and then no more.
func (c *connection) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.live.Done():
		return false
	case <-timer.C:
		return true
	}
}

// setRemote applies a description and the candidates that came before it.
func (c *connection) setRemote(description Description) error {
	err := c.pc.SetRemoteDescription(webrtc.SessionDescription{
		Type: webrtc.NewSDPType(description.Type), SDP: withoutRTCP(description.SDP),
	})
	if err != nil {
		return err
	}
	c.described, c.unasked = true, false
	c.sending = parseSending(description.SDP)
	var ids extensionIDs
	for _, line := range c.sending {
		ids.merge(line.extensions)
	}
	c.ingress.describe(ids)
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
	first := make(map[string]string) // stream by kind
	for _, line := range c.sending {
		if first[line.kind] == "" {
			first[line.kind] = line.stream
		} else if line.stream == streamID && first[line.kind] != streamID {
			return true
		}
	}
	return false
}

// sends reports whether the client still sends a stream on a line.
func (c *connection) sends(mid, streamID string) bool {
	for _, line := range c.sending {
		if line.mid == mid {
			return line.stream == streamID
		}
	}
	return false
}

// lineOf finds the line that a stream of the client's belongs to: by the mid in its packets (RFC 9143, 9.2), by its
// declared SSRC, or by its payload type if only one line has that.
func (c *connection) lineOf(u unknownSource) *sendingLine {
	var only *sendingLine
	fits := 0
	for i := range c.sending {
		line := &c.sending[i]
		_, repairs := line.repairs[u.ssrc]
		if line.mid == u.mid || repairs || slices.Contains(line.ssrcs, u.ssrc) {
			return line
		}
		if _, ok := line.formats[u.payloadType]; ok {
			only = line
			fits++
		}
	}
	if u.mid == "" && fits == 1 {
		return only
	}
	return nil
}

// repaired finds the layer that a stream of retransmissions repairs, nil if it is not known yet.
func (c *connection) repaired(line *sendingLine, u unknownSource) *layer {
	up := c.published[line.mid]
	if up == nil {
		return nil
	}
	if u.repairedRID != "" {
		return up.layerOf(u.repairedRID)
	}
	layers := up.allLayers()
	for _, l := range layers {
		if media, declared := line.repairs[u.ssrc]; declared && l.ssrc == media || !declared && len(layers) == 1 {
			return l
		}
	}
	return nil
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
	return Description{Type: "answer", SDP: discontinuous(lean(answer.SDP))}, nil
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
	return Description{Type: "offer", SDP: discontinuous(lean(offer.SDP))}, nil
}

// addCandidate takes a candidate of the client, or nil for their end.
func (c *connection) addCandidate(candidate *Candidate) error {
	if candidate == nil || candidate.Candidate == "" {
		return nil // pion needs no end: checks go on until they succeed
	}
	if c.trickled++; c.trickled > maxCandidates {
		return fmt.Errorf("%w: more than %d", ErrCandidate, maxCandidates)
	}
	if len(candidate.Candidate) > maxCandidate {
		return fmt.Errorf("%w: longer than %d bytes", ErrCandidate, maxCandidate)
	}
	if ofRTCP(candidate.Candidate) {
		return nil
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
