package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"parley/configs"
	"parley/signaling/client"
	"parley/signaling/protocol"
	"parley/web"
)

const (
	aboutStart = "server"
	startWait  = 15 * time.Second
	lookupWait = 5 * time.Second
)

// Server is one to be examined on its own machine. All fields have to be set.
type Server struct {
	Config configs.Config
	NTP    string // host:port of a time server

	// Serve is the server itself: it ends with ctx, and calls ready when it serves.
	Serve func(ctx context.Context, cfg configs.Config, ready func(url string)) error
	// Media tells where the media socket listens, "" for everywhere, and the announced addresses.
	Media func(ctx context.Context, cfg configs.Config) (host string, announced []netip.AddrPort, err error)
	// Discover asks a STUN server for the public address.
	Discover func(ctx context.Context, server string) (netip.Addr, error)
	// Invite makes an invitation with the key in the data directory.
	Invite func(cfg configs.Config, room string) (token string, err error)
	// ExternalTURN makes credentials of the external TURN servers.
	ExternalTURN func(cfg configs.Config) protocol.ICEServer
}

// Examine goes through all checks.
func (s Server) Examine(ctx context.Context, report *Report) {
	cfg := s.Config
	report.Add(ok("configuration", "well-formed"))
	report.Add(examineCertificate(cfg.HTTP, filepath.Join(cfg.Store.DataDir, "acme"), time.Now())...)
	host, announced, err := s.Media(ctx, cfg)
	if err != nil {
		report.Add(failed(aboutAddress, "see the error", "%v", err))
		return
	}
	around := s.lookAround(ctx)
	report.Add(s.examineName(ctx, &around, announced)...)
	report.Add(judgeSTUN(around)...)

	running, err := findRunning(cfg.Store.DataDir)
	if err != nil {
		report.Add(warning(aboutPorts, "run this as the user that Parley runs as", "does Parley run? That is not known: %v",
			err))
	}
	ports := examinePorts(ctx, sockets(cfg, host), running)
	report.Add(ports...)
	report.Add(examineSystem()...)
	report.Add(examineClock(ctx, s.NTP))
	report.Add(examineDisk(cfg.Store.DataDir)...)

	taken := slices.ContainsFunc(ports, func(f Finding) bool { return f.Level == Failed })
	if taken && running.pid == 0 {
		report.Add(warning(aboutCalls, "make the ports free first", "not tried, since the server cannot start"))
	} else {
		s.examineCalls(ctx, report, place{host: host, announced: announced, around: around, runs: running.pid != 0})
	}
	s.examineExternal(ctx, report)
}

func (s Server) lookAround(ctx context.Context) surroundings {
	around := surroundings{own: ownAddresses(), server: s.Config.Media.STUNDiscover}
	if around.server != "" {
		around.mapped, around.stunErr = s.Discover(ctx, around.server)
	}
	return around
}

// examineName resolves public_host, and notes what it is.
func (s Server) examineName(ctx context.Context, around *surroundings, announced []netip.AddrPort) []Finding {
	ctx, cancel := context.WithTimeout(ctx, lookupWait)
	defer cancel()
	host := s.Config.HTTP.PublicHost
	var err error
	if host != "" {
		around.named, err = resolve(ctx, host)
	}
	here := append([]netip.Addr{}, around.own...)
	for _, a := range announced {
		here = append(here, a.Addr())
	}
	found := judgeName(host, around.named, err, append(here, around.mapped))
	for i := range found {
		if s.Config.HTTP.ACME && found[i].Level == Warning {
			found[i].Seen += ": the authority looks for Parley there"
		}
	}
	return found
}

// place is where a server is, as calls to it from its own machine have to know.
type place struct {
	host      string // of the media socket, "" for everywhere
	announced []netip.AddrPort
	around    surroundings
	runs      bool
}

// here is the address by which this machine reaches its own sockets of media and TURN.
func (p place) here() netip.Addr {
	if ip, err := netip.ParseAddr(p.host); err == nil && !ip.IsUnspecified() {
		return ip
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// examineCalls has calls at the server that runs, or at one that it starts for that.
func (s Server) examineCalls(ctx context.Context, report *Report, at place) {
	cfg := s.Config
	if !at.runs {
		dir, err := os.MkdirTemp("", "parley-doctor-*")
		if err != nil {
			report.Add(failed(aboutStart, "make room for temporary files", "%v", err))
			return
		}
		defer func() { _ = os.RemoveAll(dir) }()
		cfg.Store.DataDir = dir
		if cfg.HTTP.ACME { // an authority must not be asked for this
			if err := selfSigned(&cfg.HTTP, dir, time.Now()); err != nil {
				report.Add(failed(aboutStart, "see the error", "%v", err))
				return
			}
		}
		stop, err := s.start(ctx, cfg)
		if err != nil {
			report.Add(failed(aboutStart, "see the error; parley serve will say the same", "does not start: %v", err))
			return
		}
		defer func() {
			if err := stop(); err != nil {
				report.Add(failed(aboutStart, "see the error", "does not stop: %v", err))
			}
		}()
	}
	v, err := s.venue(ctx, cfg, at)
	if err != nil {
		report.Add(failed(aboutStart, "see the log of the server", "nobody gets in: %v", err))
		return
	}
	if at.runs {
		report.Add(ok(aboutStart, "runs, and lets people in"))
	} else {
		report.Add(ok(aboutStart, "does not run; started for the calls of this examination, it lets people in"))
	}
	calls(ctx, v, paths(), func(o outcome) { report.Add(judgeLocal(o)) })
	for _, announced := range at.announced {
		var err error
		if !slices.Contains(at.around.own, announced.Addr()) {
			if err = v.callTo(ctx, announced); errors.Is(err, errRelayOnly) {
				continue // relays need no way to it
			}
		}
		report.Add(judgeAddress(announced, at.around, err))
	}
	listen, _, _ := net.SplitHostPort(cfg.HTTP.Listen)
	ip, _ := netip.ParseAddr(listen)
	local := cfg.HTTP.PublicHost == "" && (listen == "localhost" || ip.IsLoopback())
	report.Add(judgeReach(at.announced, at.around.named, local)...)
}

// start serves in this process until stop is called.
func (s Server) start(ctx context.Context, cfg configs.Config) (stop func() error, err error) {
	cfg.Limits.MaxPeople, cfg.Limits.MaxRoomPeople, cfg.HTTP.MetricsListen = 0, 0, ""
	ctx, cancel := context.WithCancel(ctx)
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.Serve(ctx, cfg, func(string) { close(ready) }) }()
	stop = func() error {
		cancel()
		return <-ended
	}
	select {
	case <-ready:
		return stop, nil
	case err := <-ended:
		cancel()
		return nil, err
	case <-time.After(startWait):
		return nil, errors.Join(errors.New("not within "+startWait.String()), stop())
	}
}

// venue logs in at the server of this machine, without the way over its public name, which may not lead here from here.
func (s Server) venue(ctx context.Context, cfg configs.Config, at place) (*venue, error) {
	host, port, _ := net.SplitHostPort(cfg.HTTP.Listen)
	ip, err := netip.ParseAddr(host)
	if host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	base, name := "http://", host
	if cfg.HTTP.Secure() {
		base = "https://"
	}
	if cfg.HTTP.PublicHost != "" {
		name = strings.Trim(cfg.HTTP.PublicHost, "[]")
	}
	base += net.JoinHostPort(name, port)
	insecure := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // to this machine only
	v := &venue{patience: busyWait, here: at.here(), secure: insecure, moved: func(a netip.AddrPort) netip.AddrPort {
		if slices.Contains(at.around.own, a.Addr()) {
			return a
		}
		return netip.AddrPortFrom(at.here(), uint16(cfg.Media.Port))
	}}
	invitation := func(room string) string { return "" }
	if cfg.Access.Server == protocol.AccessInvite || cfg.Access.Room == protocol.AccessInvite {
		if _, err := s.Invite(cfg, newRoom()); err != nil {
			return nil, err
		}
		invitation = func(room string) string {
			token, _ := s.Invite(cfg, room) // which has just worked
			return token
		}
	}
	v.join = func(room string) protocol.Join {
		join := protocol.Join{Room: room, Password: cfg.Access.RoomPassword}
		if cfg.Access.Room == protocol.AccessInvite {
			join.Invite = invitation(room)
		}
		return join
	}
	login := client.Login{
		URL: base, Password: cfg.Access.Password, TLS: insecure,
		NetDial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(host, port))
		},
	}
	if cfg.Access.Server == protocol.AccessInvite {
		room := newRoom()
		login.Next = web.InvitePath(room, invitation(room))
	}
	return v, v.logIn(ctx, login)
}

// judgeLocal judges a call on the machine of the server itself, where nothing but the server can be in the way.
func judgeLocal(o outcome) Finding {
	about := aboutCalls + " by " + o.path.name
	switch {
	case o.err == nil:
		return ok(about, "sound and picture both ways")
	case errors.Is(o.err, errNotOffered):
		return ok(about, "left out: the configuration has no such path")
	case errors.Is(o.err, errRelayOnly):
		return ok(about, "left out: ice_transport_policy is relay")
	case errors.Is(o.err, client.ErrRefused):
		return warning(about, "try again when fewer people are there", "not tried: %v", o.err)
	}
	return failed(about, "look whether a firewall drops it on this machine (nft list ruleset), and into the log with "+
		"log_level debug", "%s does not work on this machine itself: %s", strings.Join(o.offered, ", "), saidOf(o.err))
}

// examineExternal asks each external TURN server for a relay.
func (s Server) examineExternal(ctx context.Context, report *Report) {
	if len(s.Config.TURN.ExternalURLs) == 0 {
		return
	}
	credentials := s.ExternalTURN(s.Config)
	for _, url := range s.Config.TURN.ExternalURLs {
		for _, p := range paths() {
			address, serves := p.serves(url)
			if !serves {
				continue
			}
			d, err := newDialer(ctx, p, netip.Addr{}, nil)
			if err == nil {
				err = d.allocate(address, credentials)
			}
			report.Add(judgeExternal(url, p, address, err))
		}
	}
}

// judgeExternal is told what came of asking an external TURN server for a relay.
func judgeExternal(url string, p path, address string, err error) Finding {
	const about = "external TURN"
	_, port, _ := net.SplitHostPort(address)
	switch {
	case err == nil:
		return ok(about, "%s gives relays", url)
	case turnCode(err) == http.StatusUnauthorized:
		return failed(about, "set turn_external_secret to its static-auth-secret, and look at the clocks of both machines",
			"%s refuses the credentials (401): the secret is another", url)
	case turnCode(err) != 0:
		return failed(about, "look into its log", "%s %s", url, saidOf(err))
	}
	do := fmt.Sprintf("start it, and open %s/%s in its firewall", port, p.network)
	return failed(about, do, "%s %s", url, saidOf(err))
}
