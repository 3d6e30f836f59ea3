package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pion/stun/v4"

	"parley/auth"
	"parley/configs"
	"parley/signaling/protocol"
)

const (
	realm       = "parley"
	turnKeySize = 32 // bytes

	discoverTimeout  = 3 * time.Second
	discoverInterval = 500 * time.Millisecond // between requests
)

// announce finds the addresses that candidates have: those configured, else the machine's own, and the public one if
// a STUN server is to be asked.
func announce(ctx context.Context, cfg configs.Config, log *slog.Logger) ([]netip.AddrPort, error) {
	port := uint16(cfg.Media.Port) // validated
	var announced []netip.AddrPort
	for _, address := range cfg.Media.Announce {
		if address.Port() == 0 {
			address = netip.AddrPortFrom(address.Addr(), port)
		}
		announced = append(announced, address)
	}
	if cfg.Media.STUNDiscover != "" {
		address, err := discover(ctx, cfg.Media.STUNDiscover)
		if err != nil {
			log.Warn("public address not found", "stun_server", cfg.Media.STUNDiscover, "error", err)
		} else {
			log.Info("public address found", "address", address)
			announced = append(announced, netip.AddrPortFrom(address, port))
		}
	}
	if len(cfg.Media.Announce) > 0 {
		return announced, nil
	}
	own, err := ownAddresses(cfg)
	for _, address := range own {
		announced = append(announced, netip.AddrPortFrom(address, port))
	}
	return announced, err
}

// ownAddresses lists the addresses that the media socket can be reached at. Loopback is among them when nothing else
// is, or when the pages are for this machine only.
func ownAddresses(cfg configs.Config) ([]netip.Addr, error) {
	if listen, err := netip.ParseAddr(cfg.Media.Listen); err == nil && !listen.IsUnspecified() {
		return []netip.Addr{listen.Unmap()}, nil
	}
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	var own, loopback []netip.Addr
	for _, address := range interfaces {
		prefix, err := netip.ParsePrefix(address.String())
		if err != nil {
			continue
		}
		switch ip := prefix.Addr().Unmap(); {
		case ip.IsLoopback() && ip.Is4():
			loopback = append(loopback, ip)
		case ip.IsGlobalUnicast():
			own = append(own, ip)
		}
	}
	host, _, _ := net.SplitHostPort(cfg.HTTP.Listen)
	if pages, err := netip.ParseAddr(host); len(own) == 0 || host == "localhost" || err == nil && pages.IsLoopback() {
		own = append(own, loopback...)
	}
	return own, nil
}

// mediaHost is what the media socket listens on: what is configured, else the one announced address if it is the
// machine's own, so that packets leave from no other. Empty stands for all addresses.
func mediaHost(cfg configs.Config, announced []netip.AddrPort) string {
	if cfg.Media.Listen != "" || len(announced) != 1 {
		return cfg.Media.Listen
	}
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, address := range interfaces {
		prefix, err := netip.ParsePrefix(address.String())
		if err == nil && prefix.Addr().Unmap() == announced[0].Addr() {
			return announced[0].Addr().String()
		}
	}
	return ""
}

// discover asks a STUN server (RFC 8489) for our address as seen from there, again and again: packets get lost.
func discover(ctx context.Context, server string) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, discoverTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "udp", server)
	if err != nil {
		return netip.Addr{}, err
	}
	defer func() { _ = conn.Close() }()
	request := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	buffer := make([]byte, 1500)
	for {
		if _, err := conn.Write(request.Raw); err != nil {
			return netip.Addr{}, err
		}
		if err := conn.SetReadDeadline(time.Now().Add(discoverInterval)); err != nil {
			return netip.Addr{}, err
		}
		n, err := conn.Read(buffer)
		switch {
		case ctx.Err() != nil:
			return netip.Addr{}, fmt.Errorf("no answer: %w", ctx.Err())
		case errors.Is(err, os.ErrDeadlineExceeded):
			continue
		case err != nil:
			return netip.Addr{}, err
		}
		response := &stun.Message{Raw: buffer[:n]}
		if response.Decode() != nil || response.TransactionID != request.TransactionID {
			continue
		}
		return mappedAddress(response)
	}
}

func mappedAddress(response *stun.Message) (netip.Addr, error) {
	if response.Type != stun.BindingSuccess {
		return netip.Addr{}, fmt.Errorf("answered by %v", response)
	}
	var mapped stun.XORMappedAddress
	if err := mapped.GetFrom(response); err != nil {
		return netip.Addr{}, err
	}
	ip, _ := netip.AddrFromSlice(mapped.IP)
	return ip.Unmap(), nil
}

// turnSecret is what the embedded TURN server's credentials are made from.
func turnSecret(cfg configs.Config) ([]byte, error) {
	return auth.LoadOrCreateKey(filepath.Join(cfg.Store.DataDir, "turn.key"), turnKeySize)
}

// iceServers makes the RTCConfiguration of each participant: our STUN and TURN server, and what else is configured.
type iceServers struct {
	// Static after construction.
	policy           string
	further          []protocol.ICEServer
	urls             []string // of the embedded TURN server
	embedded         *auth.TURN
	externalURLs     []string
	externalSharedBy *auth.TURN
}

func newICEServers(cfg configs.Config, announced []netip.AddrPort) (*iceServers, error) {
	ice := &iceServers{policy: cfg.TURN.ICETransportPolicy, externalURLs: cfg.TURN.ExternalURLs}
	if len(cfg.TURN.ICEServers) > 0 {
		ice.further = append(ice.further, protocol.ICEServer{URLs: cfg.TURN.ICEServers})
	}
	if len(cfg.TURN.ExternalURLs) > 0 {
		ice.externalSharedBy = auth.NewTURN([]byte(cfg.TURN.ExternalSecret), cfg.TURN.CredentialLifetime)
	}
	if cfg.TURN.Port == 0 {
		return ice, nil
	}
	secret, err := turnSecret(cfg)
	if err != nil {
		return nil, err
	}
	ice.embedded = auth.NewTURN(secret, cfg.TURN.CredentialLifetime)
	for _, host := range turnHosts(cfg, announced) {
		at := net.JoinHostPort(host, strconv.Itoa(cfg.TURN.Port))
		ice.further = append(ice.further, protocol.ICEServer{URLs: []string{"stun:" + at}})
		ice.urls = append(ice.urls, "turn:"+at+"?transport=udp", "turn:"+at+"?transport=tcp")
		// An address in place of a name has no certificate that browsers believe.
		if cfg.HTTP.Secure() && cfg.HTTP.PublicHost != "" {
			ice.urls = append(ice.urls, "turns:"+net.JoinHostPort(host, strconv.Itoa(publicPort(cfg)))+"?transport=tcp")
		}
	}
	return ice, nil
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
	host, _, _ := net.SplitHostPort(cfg.HTTP.Listen)
	ip, err := netip.ParseAddr(host)
	outside := func(a netip.AddrPort) bool { return !a.Addr().IsLoopback() }
	switch {
	case !cfg.HTTP.Secure(), publicPort(cfg) == 0:
		return nil
	case (host == "localhost" || err == nil && ip.IsLoopback()) && slices.ContainsFunc(announced, outside):
		return nil
	default:
		return []uint16{uint16(publicPort(cfg))}
	}
}

// RTCConfig makes the configuration of one participant, with credentials of their own.
func (i *iceServers) RTCConfig(channelName string) (protocol.RTCConfig, time.Time) {
	now := time.Now()
	servers := append([]protocol.ICEServer{}, i.further...)
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
	add(i.urls, i.embedded)
	add(i.externalURLs, i.externalSharedBy)
	return protocol.RTCConfig{ICEServers: servers, ICETransportPolicy: i.policy}, expires
}
