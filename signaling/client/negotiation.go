package client

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/pion/webrtc/v4"

	"parley/signaling/protocol"
)

// rtcMessage is any event of the rtc app.
type rtcMessage struct {
	Type        string                 `json:"type"`
	ChannelName string                 `json:"channel_name"`
	UserName    string                 `json:"user_name"`
	ShortName   string                 `json:"short_name"`
	RTCConfig   protocol.RTCConfig     `json:"rtc_config"`
	IDs         []protocol.Participant `json:"ids"`
	Sender      string                 `json:"sender"`
	Signal      protocol.SignalBody    `json:"signal"`
}

// receive handles one frame of the server: html and remove first, then the apps in order of appearance.
func (c *Client) receive(frame []byte) {
	keys, values, err := splitFrame(frame)
	if err != nil {
		c.log.Warn("frame that is no JSON object", "error", err)
		return
	}
	for _, page := range []string{protocol.KeyHTML, protocol.KeyRemove} {
		if value, ok := values[page]; ok {
			c.tell(Frame{page, value})
		}
	}
	for _, key := range keys {
		if key == protocol.KeyHTML || key == protocol.KeyRemove {
			continue
		}
		c.tell(Frame{key, values[key]})
		switch key {
		case protocol.KeyRTC:
			_, announces := values[protocol.KeyHTML]
			c.receiveRTC(values[key], announces)
		case protocol.KeyError:
			var e protocol.Error
			_ = json.Unmarshal(values[key], &e)
			c.state.update(func(s *Snapshot) { s.Errors = append(s.Errors, e) })
			if len(c.asked) > 0 && refuses(e.Type) {
				c.refused()
			}
		case protocol.KeyAck:
			var number uint64
			_ = json.Unmarshal(values[key], &number)
			c.taken(number)
			c.session.answered = true
		case protocol.KeyServer:
			c.receiveServer(values[key])
		case protocol.KeyFloor:
			c.receiveFloor(values[key])
		}
	}
}

// splitFrame returns the keys of an object in order.
func splitFrame(frame []byte) (keys []string, values map[string]json.RawMessage, err error) {
	if err := json.Unmarshal(frame, &values); err != nil {
		return nil, nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(frame))
	_, _ = dec.Token() // it has been read once
	for dec.More() {
		token, _ := dec.Token()
		key, _ := token.(string)
		keys = append(keys, key)
		var skip json.RawMessage
		_ = dec.Decode(&skip)
	}
	return keys, values, nil
}

// receiveRTC handles an event of the rtc app; announces tells whether its frame brings panels of newcomers.
func (c *Client) receiveRTC(value json.RawMessage, announces bool) {
	var m rtcMessage
	if err := json.Unmarshal(value, &m); err != nil {
		c.log.Warn("rtc message not understood", "error", err)
		return
	}
	switch m.Type {
	case protocol.TypeConnect:
		c.greet(value)
	case protocol.TypeConfig:
		c.configure(m.RTCConfig)
		if c.conn != nil {
			if err := c.conn.pc.SetConfiguration(c.configuration); err != nil {
				c.log.Debug("configuration not taken", "error", err)
			}
		}
	case protocol.TypeOthers:
		c.others(m.IDs, announces)
	case protocol.TypeOther:
		if c.inRoom {
			c.add(protocol.Participant{ChannelName: m.ChannelName, UserName: m.UserName, ShortName: m.ShortName})
		}
	case protocol.TypeDisconnected:
		c.state.update(func(s *Snapshot) {
			delete(s.People, m.ChannelName)
			delete(s.Features, m.ChannelName)
			for _, screen := range []bool{false, true} {
				delete(s.Quality, Source{ChannelName: m.ChannelName, Screen: screen, Kind: "video"})
			}
		})
	case protocol.TypeQuality:
		c.noteQuality(value)
	case protocol.TypeLayers:
		c.switchLayers(value)
	case protocol.TypeSlot, protocol.TypeSpeaker, protocol.TypeLevels:
		c.noteVoices(m.Type, value)
	case protocol.TypeSignal:
		if c.inRoom && m.Sender == protocol.SFU {
			c.signal(m.Signal)
		}
	}
}

func (c *Client) configure(cfg protocol.RTCConfig) {
	c.configuration = webrtc.Configuration{
		BundlePolicy: webrtc.BundlePolicyMaxBundle, Certificates: c.options.Certificates,
	}
	for _, server := range cfg.ICEServers {
		urls := server.URLs
		if c.options.ICEServer != nil {
			urls = slices.DeleteFunc(urls, func(url string) bool { return !c.options.ICEServer(url) })
		}
		if len(urls) > 0 {
			c.configuration.ICEServers = append(c.configuration.ICEServers, webrtc.ICEServer{
				URLs: urls, Username: server.Username, Credential: server.Credential,
			})
		}
	}
	if c.options.RelayOnly || cfg.ICETransportPolicy == webrtc.ICETransportPolicyRelay.String() {
		c.configuration.ICETransportPolicy = webrtc.ICETransportPolicyRelay
	}
}

// join asks to be let in. Until the server has answered, the client stays where it is: it may be refused.
func (c *Client) join(join protocol.Join) {
	c.send(protocol.KeyJoin, join)
	c.asked = append(c.asked, join.Room)
	c.session.wanted = &join
	c.state.update(func(s *Snapshot) { s.Room = "" })
}

// refuses tells whether an error may be the answer to a join.
func refuses(kind string) bool {
	switch kind {
	case protocol.ErrorBadRoom, protocol.ErrorPassword, protocol.ErrorInvite, protocol.ErrorLocked, protocol.ErrorRemoved,
		protocol.ErrorFull, protocol.ErrorDraining:
		return true
	}
	return false
}

// refused ends a join that came to nothing.
func (c *Client) refused() {
	c.asked = c.asked[1:]
	c.state.update(func(s *Snapshot) { s.Refusals++ })
	if len(c.asked) == 0 && c.inRoom {
		c.stay()
	}
}

// others says who is in the room: as the answer to a join it begins the call, else it announces newcomers.
func (c *Client) others(ids []protocol.Participant, announces bool) {
	if announces || len(c.asked) == 0 {
		if c.inRoom {
			c.add(ids...)
		}
		return
	}
	room := c.asked[0]
	c.asked = c.asked[1:]
	if room == "" {
		return // taken back
	}
	c.leave()
	c.inRoom, c.room = true, room
	c.add(ids...)
	c.state.update(func(s *Snapshot) { s.Offers, s.Resets = 0, 0 })
	if len(c.asked) == 0 {
		c.stay()
	}
}

// stay begins the call in the room that the client is in, or goes on with it, now that no other is asked for.
func (c *Client) stay() {
	c.state.update(func(s *Snapshot) { s.Room = c.room })
	switch {
	case c.broken:
		c.broken = false
		c.reset()
	case c.conn == nil && !c.resetting:
		c.ask()
		c.queue.post(func() { // after what OnEvent has posted
			if c.inRoom && c.conn == nil && !c.resetting && len(c.asked) == 0 {
				c.reconnect()
			}
		})
	}
}

// ask tells the server at the beginning of a stay what the client wants to receive.
func (c *Client) ask() {
	if n := c.options.Slots; n > 0 {
		c.send(protocol.KeyRTC, protocol.Slots{Type: protocol.TypeSlots, Audio: &n})
	}
	if only := true; c.options.Only {
		c.send(protocol.KeyRTC, protocol.View{Type: protocol.TypeView, Tiles: []protocol.Tile{}, Only: &only})
	}
}

func (c *Client) add(people ...protocol.Participant) {
	if c.options.Unlisted {
		return
	}
	c.state.update(func(s *Snapshot) {
		for _, p := range people {
			s.People[p.ChannelName] = p
		}
	})
}

// leave ends the call on this side.
func (c *Client) leave() {
	c.disconnect()
	c.room, c.inRoom, c.resetting, c.broken = "", false, false, false
	c.state.update(func(s *Snapshot) {
		s.Room, s.Speaker = "", ""
		clear(s.People)
		clear(s.Features)
		clear(s.Quality)
		clear(s.Slots)
		clear(s.Levels)
	})
}

func (c *Client) disconnect() {
	if c.conn == nil {
		return
	}
	conn := c.conn
	c.conn = nil
	conn.close()
	c.state.update(func(s *Snapshot) { s.Connection, s.LocalPath, s.RelayProtocol, s.RemoteAddress = "", "", "", "" })
}

// reconnect builds a fresh connection and makes its first and only offer.
func (c *Client) reconnect() {
	c.disconnect()
	if err := c.connect(); err != nil {
		c.log.Error("cannot connect", "error", err)
		c.end(err)
	}
}

// reset asks the server to begin afresh. While a join is awaited it would be the next room's peer that answers.
func (c *Client) reset() {
	if !c.inRoom || c.resetting {
		return
	}
	if len(c.asked) > 0 {
		c.broken = true
		return
	}
	c.resetting = true
	c.sendDescription(webrtc.SessionDescription{}, protocol.TypeReset)
	c.disconnect()
}

// signal handles what the server's peer says.
func (c *Client) signal(body protocol.SignalBody) {
	if body.Description != nil && body.Description.Type == protocol.TypeReset {
		c.resetting = false
		c.state.update(func(s *Snapshot) { s.Resets++ })
		if c.disconnect(); len(c.asked) == 0 { // else the next room's peer would take the offer
			c.reconnect()
		}
		return
	}
	if c.conn == nil || c.resetting {
		return
	}
	switch {
	case body.Description != nil:
		c.describe(*body.Description)
	case body.Candidate != nil:
		c.candidate(*body.Candidate)
	}
}

// describe applies a description of the server. Failing that, both sides begin afresh.
func (c *Client) describe(description protocol.Description) {
	pc := c.conn.pc
	offering := pc.SignalingState() == webrtc.SignalingStateHaveLocalOffer
	remote := webrtc.SessionDescription{Type: webrtc.NewSDPType(description.Type), SDP: c.picked(description.SDP)}
	switch {
	case description.Type == "offer" && offering:
		c.log.Debug("offers have met")
		c.countOffer(description)
		c.reset()
		return
	case description.Type == "offer":
		c.countOffer(description)
	case description.Type != "answer" || !offering:
		return
	}
	if c.options.Media != nil {
		c.options.Media.Describe(description.SDP)
	}
	if err := pc.SetRemoteDescription(remote); err != nil {
		c.log.Warn("description not taken", "error", err)
		c.reset()
		return
	}
	early := c.conn.early
	c.conn.early = nil
	for _, candidate := range early {
		c.addCandidate(candidate)
	}
	if description.Type == "answer" {
		return
	}
	answer, err := pc.CreateAnswer(nil)
	if err == nil {
		err = pc.SetLocalDescription(answer)
	}
	if err != nil {
		c.log.Warn("no answer", "error", err)
		c.reset()
		return
	}
	c.sendDescription(answer, "answer")
}

func (c *Client) countOffer(offer protocol.Description) {
	c.state.update(func(s *Snapshot) {
		s.Offers++
		s.OfferBytes = len(offer.SDP)
	})
}

func (c *Client) candidate(candidate protocol.Candidate) {
	init := webrtc.ICECandidateInit{
		Candidate: candidate.Candidate, SDPMid: candidate.SDPMid, SDPMLineIndex: candidate.SDPMLineIndex,
		UsernameFragment: candidate.UsernameFragment,
	}
	if c.conn.pc.RemoteDescription() == nil {
		c.conn.early = append(c.conn.early, init)
		return
	}
	c.addCandidate(init)
}

// picked is a description with those of its candidates that the client is to use.
func (c *Client) picked(sdp string) string {
	if c.options.Candidate == nil {
		return sdp
	}
	var kept strings.Builder
	for line := range strings.Lines(sdp) {
		if value, found := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "a=candidate:"); found {
			candidate := webrtc.ICECandidateInit{Candidate: "candidate:" + value}
			if !c.options.Candidate(&candidate) {
				continue
			}
			line = "a=" + candidate.Candidate + "\r\n"
		}
		kept.WriteString(line)
	}
	return kept.String()
}

// addCandidate takes a candidate; a bad one costs that candidate only.
func (c *Client) addCandidate(candidate webrtc.ICECandidateInit) {
	if c.options.Candidate != nil && candidate.Candidate != "" && !c.options.Candidate(&candidate) {
		return
	}
	if err := c.conn.pc.AddICECandidate(candidate); err != nil {
		c.log.Debug("candidate not taken", "error", err)
	}
}

func (c *Client) sendDescription(description webrtc.SessionDescription, kind string) {
	c.sendSignal(protocol.SignalBody{Description: &protocol.Description{Type: kind, SDP: description.SDP}})
}

func (c *Client) sendSignal(body protocol.SignalBody) {
	signal, err := json.Marshal(body)
	if err != nil {
		c.log.Error("signal not sent", "error", err)
		return
	}
	c.send(protocol.KeyRTC, protocol.ClientRTC{Type: protocol.TypeSignal, Recipient: protocol.SFU, Signal: signal})
}

// sendFeatures tells the others of this participant, if the channel is open.
func (c *Client) sendFeatures() {
	if c.conn == nil || c.features == nil || c.conn.features.ReadyState() != webrtc.DataChannelStateOpen {
		return
	}
	message, err := json.Marshal(c.features)
	if err == nil {
		err = c.conn.features.SendText(string(message))
	}
	if err != nil {
		c.log.Warn("features not sent", "error", err)
	}
}
