package main

import (
	"errors"
	"net"
	"sync"

	"github.com/gorilla/websocket"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"parley/signaling/protocol"
)

// stock is one room.
type stock struct {
	api    *webrtc.API
	mu     sync.Mutex       // held for every negotiation
	people map[*person]bool // guarded by mu
	tracks map[*track]bool  // guarded by mu
}

type person struct {
	protocol.Participant
	socket            *websocket.Conn
	write             sync.Mutex             // of the socket
	pc                *webrtc.PeerConnection // guarded by stock.mu, as are those below
	ready             bool                   // the first offer has been answered
	offering, pending bool                   // an offer waits for its answer; another has to follow
}

type track struct {
	local  *webrtc.TrackLocalStaticRTP
	remote *webrtc.TrackRemote
	from   *webrtc.PeerConnection
}

// newStock sends all media through one UDP port, by pion's own mux.
func newStock(udp net.PacketConn) (*stock, error) {
	engine, registry, settings := &webrtc.MediaEngine{}, &interceptor.Registry{}, webrtc.SettingEngine{}
	if err := engine.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	if err := webrtc.RegisterDefaultInterceptors(engine, registry); err != nil {
		return nil, err
	}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICEUDPMux(webrtc.NewICEUDPMux(nil, udp))
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(settings))
	return &stock{api: api, people: make(map[*person]bool), tracks: make(map[*track]bool)}, nil
}

func (s *stock) join(who *person) error {
	pc, err := s.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return err
	}
	pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { s.forward(who, pc, remote) })
	pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		if candidate != nil {
			line, text := uint16(0), candidate.ToJSON().Candidate
			who.signal(protocol.SignalBody{Candidate: &protocol.Candidate{Candidate: text, SDPMLineIndex: &line}})
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := []protocol.Participant{}
	for other := range s.people {
		ids = append(ids, other.Participant)
		other.tell(protocol.Other{Type: protocol.TypeOther, Participant: who.Participant})
	}
	who.pc, s.people[who] = pc, true
	who.tell(protocol.Others{Type: protocol.TypeOthers, IDs: ids})
	return nil
}

func (s *stock) leave(who *person) {
	s.mu.Lock()
	delete(s.people, who)
	for other := range s.people {
		other.tell(protocol.Disconnected{Type: protocol.TypeDisconnected, ChannelName: who.ChannelName})
	}
	pc := who.pc
	s.mu.Unlock()
	if pc != nil {
		_ = pc.GracefulClose()
	}
}

// signal takes a description or a candidate of the client.
func (s *stock) signal(who *person, body protocol.SignalBody) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case who.pc != nil && body.Candidate != nil:
		return who.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: body.Candidate.Candidate})
	case who.pc == nil || body.Description == nil:
		return nil
	}
	sdp := webrtc.SessionDescription{Type: webrtc.NewSDPType(body.Description.Type), SDP: body.Description.SDP}
	if err := who.pc.SetRemoteDescription(sdp); err != nil {
		return err
	}
	if sdp.Type == webrtc.SDPTypeAnswer {
		who.offering = false
		return who.offer(who.pending)
	}
	err := who.describe(who.pc.CreateAnswer(nil))
	if err != nil || who.ready {
		return err
	}
	who.ready = true
	for t := range s.tracks {
		err = errors.Join(err, t.sendTo(who))
	}
	return errors.Join(err, who.offer(len(s.tracks) > 0))
}

func (who *person) offer(needed bool) error {
	who.pending = needed
	if !needed || who.offering {
		return nil
	}
	who.offering, who.pending = true, false
	return who.describe(who.pc.CreateOffer(nil))
}

func (who *person) describe(sdp webrtc.SessionDescription, err error) error {
	if err == nil {
		err = who.pc.SetLocalDescription(sdp)
	}
	who.signal(protocol.SignalBody{Description: &protocol.Description{Type: sdp.Type.String(), SDP: sdp.SDP}})
	return err
}

// forward gives a publisher's track to everybody else until it ends.
func (s *stock) forward(from *person, pc *webrtc.PeerConnection, remote *webrtc.TrackRemote) {
	codec := remote.Codec().RTPCodecCapability
	local, err := webrtc.NewTrackLocalStaticRTP(codec, remote.Kind().String(), from.ChannelName)
	if err != nil {
		return
	}
	t := &track{local, remote, pc}
	s.mu.Lock()
	s.tracks[t] = true
	for who := range s.people {
		if who != from && who.ready && t.sendTo(who) == nil {
			_ = who.offer(true)
		}
	}
	s.mu.Unlock()
	var packet rtp.Packet
	for buffer := make([]byte, 1500); ; {
		n, _, err := remote.Read(buffer)
		if err != nil {
			break
		}
		if packet.Unmarshal(buffer[:n]) == nil {
			packet.Extension, packet.Extensions = false, nil // the publisher's own
			_ = local.WriteRTP(&packet)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tracks, t)
}

// sendTo adds the track for somebody, and passes requests for keyframes on.
func (t *track) sendTo(who *person) error {
	only := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}
	transceiver, err := who.pc.AddTransceiverFromTrack(t.local, only)
	if err != nil {
		return err
	}
	go func() {
		for {
			packets, _, err := transceiver.Sender().ReadRTCP()
			if err != nil {
				return
			}
			for _, packet := range packets {
				if _, ok := packet.(*rtcp.PictureLossIndication); ok {
					_ = t.from.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(t.remote.SSRC())}})
				}
			}
		}
	}()
	return nil
}
