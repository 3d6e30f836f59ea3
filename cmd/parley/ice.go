package main

import (
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"parley/auth"
	"parley/configs"
	"parley/signaling/protocol"
)

const (
	realm       = "parley"
	turnKeySize = 32 // bytes
)

// turnSecret is what the embedded TURN server's credentials are made from.
func turnSecret(cfg configs.Config) ([]byte, error) {
	return auth.LoadOrCreateKey(filepath.Join(cfg.Store.DataDir, "turn.key"), turnKeySize)
}

// iceServers makes the RTCConfiguration of each participant: our STUN and TURN server, and what else is configured.
type iceServers struct {
	// Static after construction.
	cfg              configs.Config
	embedded         *auth.TURN // nil if there is none
	externalSharedBy *auth.TURN // likewise

	urls atomic.Pointer[iceURLs] // of the embedded server
}

// iceURLs are those of the embedded server at one moment.
type iceURLs struct{ stun, turn []string }

func newICEServers(cfg configs.Config, announced []netip.AddrPort) (*iceServers, error) {
	ice := &iceServers{cfg: cfg}
	if len(cfg.TURN.ExternalURLs) > 0 {
		ice.externalSharedBy = auth.NewTURN([]byte(cfg.TURN.ExternalSecret), cfg.TURN.CredentialLifetime)
	}
	if cfg.TURN.Port != 0 {
		secret, err := turnSecret(cfg)
		if err != nil {
			return nil, err
		}
		ice.embedded = auth.NewTURN(secret, cfg.TURN.CredentialLifetime)
	}
	ice.announce(announced)
	return ice, nil
}

// announce makes the embedded server one at these addresses, for who is told from now on.
func (i *iceServers) announce(announced []netip.AddrPort) {
	urls := new(iceURLs)
	if i.embedded != nil {
		for _, host := range turnHosts(i.cfg, announced) {
			at := net.JoinHostPort(host, strconv.Itoa(i.cfg.TURN.Port))
			urls.stun = append(urls.stun, "stun:"+at)
			urls.turn = append(urls.turn, "turn:"+at+"?transport=udp", "turn:"+at+"?transport=tcp")
			// An address in place of a name has no certificate that browsers believe.
			if i.cfg.HTTP.Secure() && i.cfg.HTTP.PublicHost != "" {
				urls.turn = append(urls.turn, "turns:"+net.JoinHostPort(host, strconv.Itoa(publicPort(i.cfg)))+"?transport=tcp")
			}
		}
	}
	i.urls.Store(urls)
}

// turnHosts is where browsers find the TURN server: the public name, else an announced address of each family.
// Browsers gather from every server that they are told of, so there are no more than that.
func turnHosts(cfg configs.Config, announced []netip.AddrPort) []string {
	if cfg.HTTP.PublicHost != "" {
		return []string{strings.Trim(cfg.HTTP.PublicHost, "[]")}
	}
	var hosts []string
	var had4, had6 bool
	for _, address := range announced {
		had := &had6
		if address.Addr().Is4() {
			had = &had4
		}
		if !*had {
			*had = true
			hosts = append(hosts, address.Addr().String())
		}
	}
	return hosts
}

// publicPort is the port by which browsers reach the pages.
func publicPort(cfg configs.Config) int {
	if cfg.HTTP.PublicPort != 0 {
		return cfg.HTTP.PublicPort
	}
	_, port, _ := net.SplitHostPort(cfg.HTTP.Listen) // validated
	number, _ := strconv.Atoi(port)
	return number
}

// sharedPorts is where clients find ICE over TCP besides the media port: at the port of the pages, unless something in
// front of it ends TLS, or it is for this machine alone while media is not.
func sharedPorts(cfg configs.Config, announced []netip.AddrPort) []uint16 {
	outside := func(a netip.AddrPort) bool { return !a.Addr().IsLoopback() }
	switch {
	case !cfg.HTTP.Secure(), publicPort(cfg) == 0:
		return nil
	case onThisMachine(cfg.HTTP.Listen) && slices.ContainsFunc(announced, outside):
		return nil
	default:
		return []uint16{uint16(publicPort(cfg))}
	}
}

// RTCConfig makes the configuration of one participant, with credentials of their own.
func (i *iceServers) RTCConfig(channelName string) (protocol.RTCConfig, time.Time) {
	now, urls := time.Now(), i.urls.Load()
	servers := []protocol.ICEServer{}
	if further := i.cfg.TURN.ICEServers; len(further) > 0 {
		servers = append(servers, protocol.ICEServer{URLs: further})
	}
	for _, url := range urls.stun {
		servers = append(servers, protocol.ICEServer{URLs: []string{url}})
	}
	var expires time.Time
	add := func(urls []string, by *auth.TURN) {
		if by == nil {
			return
		}
		credentials := by.Issue(channelName, now)
		expires = credentials.Expires
		servers = append(servers, protocol.ICEServer{
			URLs: urls, Username: credentials.Username, Credential: credentials.Password,
		})
	}
	add(urls.turn, i.embedded)
	add(i.cfg.TURN.ExternalURLs, i.externalSharedBy)
	return protocol.RTCConfig{ICEServers: servers, ICETransportPolicy: i.cfg.TURN.ICETransportPolicy}, expires
}
