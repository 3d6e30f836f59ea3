package doctor

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
	"golang.org/x/sync/errgroup"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

const (
	connectWait = 10 * time.Second // for the way from the websocket to a connection
	nearWait    = 4 * time.Second  // the same, from the server's own machine to an address of its NAT
	busyWait    = 20 * time.Second // the same, on the server's own machine, which may be small and busy
	mediaWait   = 15 * time.Second // from there to sound and picture
	wantPackets = 10               // of sound and of picture each, at each end
)

var (
	errNotOffered = errors.New("not offered")
	errRelayOnly  = errors.New("the server wants all media relayed")
	errNoMedia    = errors.New("connected, but no media came")
	errOtherPath  = errors.New("another path was taken")
)

// venue is a server to have calls at.
type venue struct {
	accounts [2]*client.Account
	room     string                              // to meet in; a new one for each call if empty
	join     func(room string) protocol.Join     // with what the room asks for
	here     netip.Addr                          // for a server on this machine: where its sockets are, else invalid
	moved    func(netip.AddrPort) netip.AddrPort // where an announced address is tried; nil: as announced
	patience time.Duration                       // to connect
	only     netip.AddrPort                      // the announced address that may be used, all if invalid
	secure   *tls.Config                         // of TURN/TLS, nil for the usual
}

// outcome is what came of a call.
type outcome struct {
	path    path
	err     error                         // nil: sound and picture came, both ways
	offered []string                      // where the server says that this path leads to, host:port, distinct
	turn    map[string]protocol.ICEServer // the credentials of those that are TURN servers
	remote  string                        // where it led to: the selected remote candidate, or the TURN server
}

// attempt is a call as it goes on.
type attempt struct {
	venue *venue
	path  path
	room  string
	end   context.CancelCauseFunc

	mu      sync.Mutex
	outcome outcome             // guarded by mu
	tried   map[netip.Addr]bool // guarded by mu: where the server's candidates are, as tried
}

// call has two clients meet in a room by one path.
func (v *venue) call(ctx context.Context, p path) outcome {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	a := &attempt{venue: v, path: p, room: v.room, end: end, tried: make(map[netip.Addr]bool)}
	a.outcome = outcome{path: p, turn: make(map[string]protocol.ICEServer)}
	if a.room == "" {
		a.room = newRoom()
	}
	err := a.run(ctx)
	if cause := context.Cause(ctx); errors.Is(cause, errNotOffered) || errors.Is(cause, errRelayOnly) {
		err = cause
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outcome.err = err
	return a.outcome
}

func (a *attempt) run(ctx context.Context) error {
	var clients [2]*client.Client
	patient, cancel := context.WithTimeout(ctx, a.venue.patience)
	defer cancel()
	connecting, connectingCtx := errgroup.WithContext(patient)
	for i, account := range a.venue.accounts {
		options, err := a.options(connectingCtx)
		if err != nil {
			return err
		}
		c, err := account.Dial(connectingCtx, a.room, options)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		clients[i] = c
		connecting.Go(func() error { return c.EnterAndWait(connectingCtx, a.venue.join(a.room)) })
	}
	if err := connecting.Wait(); err != nil {
		return err
	}
	patient, cancel = context.WithTimeout(ctx, mediaWait)
	defer cancel()
	receiving, receivingCtx := errgroup.WithContext(patient)
	for i, c := range clients {
		other := clients[1-i].Snapshot().ChannelName
		receiving.Go(func() error {
			return c.Await(receivingCtx, func(s client.Snapshot) bool { return hears(s, other) })
		})
	}
	if err := receiving.Wait(); err != nil {
		return fmt.Errorf("%w: %w", errNoMedia, err)
	}
	for _, c := range clients {
		if seen := c.Snapshot(); !a.path.isSelected(seen.LocalPath) {
			return fmt.Errorf("%w: %s", errOtherPath, seen.LocalPath)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outcome.remote = clients[0].Snapshot().RemoteAddress
	if a.path.relay {
		a.outcome.remote = strings.Join(a.outcome.offered, " or ")
	}
	return nil
}

// hears tells whether sound and picture of another have come, the picture with a frame that can be decoded.
func hears(s client.Snapshot, other string) bool {
	audio := s.Received[client.Source{ChannelName: other, Kind: "audio"}]
	video := s.Received[client.Source{ChannelName: other, Kind: "video"}]
	return audio.Packets >= wantPackets && video.Packets >= wantPackets && video.Keyframes > 0
}

// options has a client use the attempt's path and no other.
func (a *attempt) options(ctx context.Context) (client.Options, error) {
	dial, err := newDialer(ctx, a.path, a.venue.here, a.venue.secure)
	if err != nil {
		return client.Options{}, err
	}
	return client.Options{
		Audio: true, Video: true, Small: true, RelayOnly: a.path.relay,
		ICEServer: func(url string) bool {
			_, serves := a.path.serves(url)
			return serves
		},
		Candidate: a.pick,
		OnEvent:   a.observe,
		Settings: func(s *webrtc.SettingEngine) {
			s.SetNetworkTypes(a.path.networks())
			s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
			if a.path.relay {
				s.SetNet(dial)
				s.SetICEProxyDialer(dial)
				return
			}
			// The server's own checks would come through where nobody announces that it is: that helps no guest behind a NAT.
			s.SetRemoteIPFilter(a.isTried)
		},
	}, nil
}

// pick takes those of the server's candidates that are of the path. A relay leads to those of UDP.
func (a *attempt) pick(init *webrtc.ICECandidateInit) bool {
	c, ok := parseCandidate(init.Candidate)
	if !ok || a.path.relay {
		return ok && c.network == "udp"
	}
	if c.network != a.path.network || !a.path.mayUse(c.address.Addr()) ||
		a.venue.only.IsValid() && a.venue.only.Addr() != c.address.Addr() {
		return false
	}
	to := c.address
	if a.venue.moved != nil {
		to = a.venue.moved(to)
		init.Candidate = c.at(to)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.offer(c.address.String())
	a.tried[to.Addr()] = true
	return true
}

func (a *attempt) isTried(ip net.IP) bool {
	address, _ := netip.AddrFromSlice(ip)
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tried[address.Unmap()]
}

// offer notes where the path leads to. It is called with mu held.
func (a *attempt) offer(address string) {
	if !slices.Contains(a.outcome.offered, address) {
		a.outcome.offered = append(a.outcome.offered, address)
	}
}

// observe ends the call when the server has told all that it offers, and nothing is of this path.
func (a *attempt) observe(event client.Event) {
	frame, is := event.(client.Frame)
	if !is || frame.Key != protocol.KeyRTC {
		return
	}
	var said struct {
		Type      string             `json:"type"`
		RTCConfig protocol.RTCConfig `json:"rtc_config"`
		Signal    struct {
			Candidate json.RawMessage `json:"candidate"` // null when there are no more
		} `json:"signal"`
	}
	if json.Unmarshal(frame.Value, &said) != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch said.Type {
	case protocol.TypeConnect:
		if !a.path.relay {
			if said.RTCConfig.ICETransportPolicy == webrtc.ICETransportPolicyRelay.String() {
				a.end(errRelayOnly)
			}
			return
		}
		for _, server := range said.RTCConfig.ICEServers {
			for _, url := range server.URLs {
				if address, serves := a.path.serves(url); serves {
					a.offer(address)
					a.outcome.turn[address] = server
				}
			}
		}
	case protocol.TypeSignal:
		if string(said.Signal.Candidate) != "null" {
			return
		}
	default:
		return
	}
	if len(a.outcome.offered) == 0 {
		a.end(errNotOffered)
	}
}
