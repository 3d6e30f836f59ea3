package signaling

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parley/sfu"
	"parley/signaling/protocol"
)

// minRenewal bounds how often credentials are renewed, whatever life they are given.
const minRenewal = 250 * time.Millisecond

// rtcApp is the app "rtc": it hands out the RTCConfiguration and ties the session to its peer.
type rtcApp struct {
	media   Media
	configs RTCConfigs
}

func (a *rtcApp) Key() string { return protocol.KeyRTC }

func (a *rtcApp) Open(s *Session) Handler {
	h := &rtcHandler{app: a, session: s}
	h.greet(protocol.Resume{})
	return h
}

// greet is the first message on a socket.
func (h *rtcHandler) greet(resume protocol.Resume) {
	s := h.session
	connect := protocol.Connect{Type: protocol.TypeConnect, ChannelName: s.ChannelName(), RTCConfig: h.config()}
	if resume.Token = s.token(); resume.Token != "" {
		connect.Resume = &resume
	}
	s.outbox.greet(s.hub.encode(protocol.KeyRTC, connect))
}

// rtcHandler is owned by the session's loop.
type rtcHandler struct {
	app     *rtcApp
	session *Session
	renewal *time.Timer // posts renew; nil when the configuration never expires
	call    *call       // nil outside a room
	early   early
}

// call is one stay in a room. Events carry it, so those of a former stay are told apart.
type call struct {
	peer    Peer // nil until Media.Join has returned
	offered bool // an offer has gone one way or the other; before it no answer of the client can be meant for peer
}

// early is what was said before a stay about how it is to be; nil where nothing was.
type early struct {
	slots *int
	only  *bool
}

// What is posted to the handler.
type (
	renew     struct{}
	peerEvent struct {
		call  *call
		event sfu.Event
	}
)

// config gets a configuration and arranges for the next one, well before this one expires.
func (h *rtcHandler) config() protocol.RTCConfig {
	cfg, expires := h.app.configs.RTCConfig(h.session.ChannelName())
	if cfg.ICEServers == nil {
		cfg.ICEServers = []protocol.ICEServer{}
	}
	if !expires.IsZero() {
		delay := max(time.Until(expires)*3/4, minRenewal)
		if h.renewal != nil {
			h.renewal.Stop()
		}
		h.renewal = time.AfterFunc(delay, func() { h.session.Post(protocol.KeyRTC, renew{}) })
	}
	return cfg
}

func (h *rtcHandler) Entered(room string) {
	c := new(call)
	r, m, wanted := h.session.room, h.session.member, h.early
	h.early = early{}
	peer, err := h.app.media.Join(room, h.session.ChannelName(), h.session.barred(), func(event sfu.Event) {
		if namesOthers(event) {
			r.catchUp(m)
		}
		h.session.Post(protocol.KeyRTC, peerEvent{c, event})
	})
	if err != nil {
		h.session.fail(fmt.Errorf("join the media of the room: %w", err))
		return
	}
	c.peer = peer
	h.call = c
	if wanted.slots != nil {
		peer.Slots(*wanted.slots)
	}
	if wanted.only != nil {
		peer.View(nil, wanted.only)
	}
}

// namesOthers reports whether an event is about somebody whom the client has to know first.
func namesOthers(event sfu.Event) bool {
	switch e := event.(type) {
	case sfu.LocalDescription:
		return e.Brings
	case sfu.SlotChanged:
		return e.Publisher != ""
	case sfu.Quality, sfu.Undecodable:
		return true
	}
	return false
}

func (h *rtcHandler) Left() {
	if h.call == nil {
		return
	}
	h.call.peer.Close()
	h.call = nil
}

func (h *rtcHandler) Closed() {
	if h.renewal != nil {
		h.renewal.Stop()
	}
}

// Receive takes what the client sends under "rtc". Types that are not known are ignored.
func (h *rtcHandler) Receive(message json.RawMessage) error {
	var m *protocol.ClientRTC
	if err := json.Unmarshal(message, &m); err != nil || m == nil || m.Type == "" {
		return badValue(protocol.KeyRTC, "an object with a type")
	}
	switch m.Type {
	case protocol.TypeSignal:
		return h.signal(m)
	case protocol.TypeScreen:
		return h.screen(m)
	case protocol.TypeView:
		return h.view(message)
	case protocol.TypeLimited:
		return h.limited(message)
	case protocol.TypeSlots:
		return h.slots(message)
	}
	return nil
}

// signal passes a description or candidate to the peer. Outside a room it belongs to a call that is over, and is
// ignored: the client may have sent it before it knew. So does an answer before the first offer of a stay; a candidate
// may come before the offer that it belongs to.
func (h *rtcHandler) signal(m *protocol.ClientRTC) error {
	if m.Recipient != protocol.SFU {
		return &Refusal{Type: protocol.ErrorBadRecipient, Detail: `the recipient of a signal is "sfu"`}
	}
	var body *protocol.SignalBody
	if err := json.Unmarshal(m.Signal, &body); err != nil || body == nil {
		return badValue("signal", "a description or a candidate")
	}
	isCandidate := body.Candidate != nil || body.EndOfCandidates
	if isCandidate == (body.Description != nil) {
		return badValue("signal", "either a description or a candidate")
	}
	if isCandidate {
		if h.call != nil {
			h.call.peer.Candidate(sfuCandidate(body.Candidate))
		}
		return nil
	}
	switch body.Description.Type {
	case "offer", protocol.TypeReset:
		if h.call != nil {
			h.call.offered = true
		}
	case "answer":
	default:
		return &Refusal{Type: protocol.ErrorBadDescription, Detail: "the type is offer, answer or _reset"}
	}
	if h.call != nil && h.call.offered {
		h.call.peer.Signal(sfu.Description{Type: body.Description.Type, SDP: body.Description.SDP})
	}
	return nil
}

func (h *rtcHandler) screen(m *protocol.ClientRTC) error {
	if m.Stream == "" {
		return badValue("stream", "the id of a MediaStream")
	}
	if h.call != nil {
		h.call.peer.Screen(m.Stream)
	}
	return nil
}

// Happened takes events of the peer, of the renewal timer, and of the room: what may not be forwarded.
func (h *rtcHandler) Happened(event any) {
	switch e := event.(type) {
	case resumed:
		h.greet(protocol.Resume{Sent: e.sent, Received: e.received, Resumed: true})
	case renew:
		h.session.Send(protocol.KeyRTC, protocol.Config{Type: protocol.TypeConfig, RTCConfig: h.config()})
	case sfu.Barred:
		if h.call != nil {
			h.call.peer.Bar(e)
		}
	case peerEvent:
		if e.call == h.call && h.call != nil {
			h.tell(e.event)
		}
	}
}

// tell puts what the peer says on the wire.
func (h *rtcHandler) tell(event sfu.Event) {
	switch e := event.(type) {
	case sfu.LocalDescription:
		if e.Description.Type == "offer" {
			h.call.offered = true
		}
		h.sendSignal(protocol.SignalBody{Description: &protocol.Description{
			Type: e.Description.Type, SDP: e.Description.SDP,
		}})
	case sfu.LocalCandidate:
		h.sendSignal(protocol.SignalBody{Candidate: wireCandidate(e.Candidate), EndOfCandidates: e.Candidate == nil})
	case sfu.Refused:
		h.session.refuse(e.Err)
	case sfu.Undecodable:
		h.session.Send(protocol.KeyRTC, h.wireUndecodable(e))
	case sfu.Quality:
		h.session.Send(protocol.KeyRTC, wireQuality(e))
	case sfu.LayersWanted:
		h.session.Send(protocol.KeyRTC, wireLayers(e))
	case sfu.SlotChanged:
		h.session.Send(protocol.KeyRTC, wireSlot(e))
	case sfu.MediaSilent:
		h.session.mediaSilent(e.Silent)
		if e.Lost {
			h.session.hub.recent.add(Event{
				Room: h.session.Room(), Who: h.session.self.UserName, What: EventSilent,
			})
			h.session.Send(protocol.KeyRTC, protocol.Silent{Type: protocol.TypeSilent})
		}
	case sfu.Ended:
		err := e.Err
		if err == nil {
			err = errors.New("the peer ended")
		}
		h.session.fail(err)
	}
}

// wireUndecodable names no viewers to others.
func (h *rtcHandler) wireUndecodable(e sfu.Undecodable) protocol.Undecodable {
	subscriber := e.Subscriber
	if subscriber != h.session.ChannelName() && !h.session.room.onStage(subscriber) {
		subscriber = ""
	}
	return protocol.Undecodable{
		Type: protocol.TypeUndecodable, Publisher: e.Publisher, Subscriber: subscriber, Kind: e.Kind, Codec: e.Codec,
	}
}

func (h *rtcHandler) sendSignal(body protocol.SignalBody) {
	h.session.Send(protocol.KeyRTC, protocol.Signal{
		Type: protocol.TypeSignal, Sender: protocol.SFU, Recipient: h.session.ChannelName(), Signal: body,
	})
}

func sfuCandidate(c *protocol.Candidate) *sfu.Candidate {
	if c == nil {
		return nil
	}
	return &sfu.Candidate{
		Candidate: c.Candidate, SDPMid: c.SDPMid, SDPMLineIndex: c.SDPMLineIndex, UsernameFragment: c.UsernameFragment,
	}
}

func wireCandidate(c *sfu.Candidate) *protocol.Candidate {
	if c == nil {
		return nil
	}
	return &protocol.Candidate{
		Candidate: c.Candidate, SDPMid: c.SDPMid, SDPMLineIndex: c.SDPMLineIndex, UsernameFragment: c.UsernameFragment,
	}
}
