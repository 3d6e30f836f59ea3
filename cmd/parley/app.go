package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"parley/auth"
	"parley/cmd/parley/certs"
	"parley/cmd/parley/control"
	"parley/configs"
	"parley/sfu"
	"parley/sfu/address"
	"parley/sfu/capacity"
	"parley/sfu/egress"
	"parley/sfu/icetcp"
	"parley/sfu/turn"
	"parley/signaling"
	"parley/signaling/store"
	"parley/web"
)

const (
	// stopWithin is how long the websockets may take to say goodbye before they are cut off.
	stopWithin = 5 * time.Second
	// handOverWithin is the same where another process waits for this one, and with it everybody.
	handOverWithin = 100 * time.Millisecond
	// backAfter is when the first may come back. Who comes too early has to try again, later.
	backAfter = 500 * time.Millisecond
)

// app is the whole server: its parts in the order in which they start. They are stopped in the reverse order.
type app struct {
	cfg configs.Config
	log *slog.Logger

	store     *store.Store
	addresses *address.Watcher
	announced []netip.AddrPort // at the start
	mux       *egress.Mux
	sfu       *sfu.SFU
	capacity  *capacity.Meter
	hub       *signaling.Hub
	ice       *iceServers
	turn      *turn.Server // nil if switched off
	iceTCP    *icetcp.Server
	tcpPorts  []uint16 // where clients reach that
	site      *web.Site
	files     *certs.Files    // nil without a certificate in files
	control   *control.Server // nil if there cannot be one
	departure *departure
	restarts  bool // people are to come back, since it stops because it was told to
	health    *health
	servers   []*http.Server
	listeners []net.Listener

	started time.Time
	stops   []func() error // of what has started
}

// run serves until it is told to stop, see [runFunc].
func run(ctx context.Context, cfg configs.Config, o order, log *slog.Logger) error {
	a := &app{cfg: cfg, log: log, started: time.Now()}
	if err := a.prepare(); err != nil {
		return err
	}
	if o.replace {
		if err := takeOver(ctx, cfg.Store.DataDir, log); err != nil {
			return err
		}
	}
	if err := a.start(ctx); err != nil {
		return errors.Join(err, a.stop())
	}
	var serving sync.WaitGroup
	failed := make(chan error, len(a.servers))
	for i, server := range a.servers {
		serving.Go(func() {
			if err := server.Serve(a.listeners[i]); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve: %w", err)
			}
		})
	}
	a.tellManager(notifyReady)
	o.ready(a.url())
	err := a.untilDue(ctx, o.now, failed)
	log.Info("stopping")
	a.restarts = err == nil
	err = errors.Join(err, a.stop())
	serving.Wait()
	if a.control != nil {
		a.control.Release()
	}
	return err
}

// untilDue returns when the server has to go: when ctx has ended and calls have too, or have had their time; when now
// is closed; when it was told so by the control socket; or when it cannot serve, with an error.
func (a *app) untilDue(ctx context.Context, now <-chan struct{}, failed <-chan error) error {
	stop := ctx.Done()
	for {
		select {
		case err := <-failed:
			return err
		case <-a.departure.due:
			if stop != nil && !a.departure.wasReplaced() { // else it was told, or that one is the service
				a.tellManager(notifyStopping)
			}
			return nil
		case <-now:
			return nil
		case <-stop:
			stop = nil
			a.tellManager(notifyStopping)
			a.departure.stop(a.cfg.HTTP.DrainLimit)
		}
	}
}

// tellManager tells the service manager, which may not listen.
func (a *app) tellManager(state string) {
	if err := notify(state); err != nil {
		a.log.Warn("the service manager does not know how it stands", "error", err)
	}
}

// prepare does what needs neither the data directory nor ports.
func (a *app) prepare() (err error) {
	if a.cfg.HTTP.TLSCertFile != "" {
		a.files, err = certs.NewFiles(a.cfg.HTTP.TLSCertFile, a.cfg.HTTP.TLSKeyFile, a.log)
	}
	return err
}

// start opens everything but the doors.
func (a *app) start(ctx context.Context) error {
	for _, step := range []func(ctx context.Context) error{
		a.openStore, a.openMedia, a.openICETCP, a.startSFU, a.startCapacity, a.startSignaling, a.startTURN,
		a.watchAddresses, a.listen,
		a.listenMetrics, a.listenProfiles, a.listenControl,
	} {
		if err := step(ctx); err != nil {
			return err // which says what failed
		}
	}
	return nil
}

// stop ends what has started, the last first.
func (a *app) stop() error {
	var errs []error
	for i := len(a.stops) - 1; i >= 0; i-- {
		errs = append(errs, a.stops[i]())
	}
	a.stops = nil
	return errors.Join(errs...)
}

func (a *app) onStop(stop func() error) { a.stops = append(a.stops, stop) }

func (a *app) openStore(ctx context.Context) error {
	s, err := store.Open(ctx, store.Config{
		Dir: a.cfg.Store.DataDir, SessionLifetime: a.cfg.HTTP.SessionLifetime,
	}, a.log)
	if err != nil {
		return err
	}
	a.store = s
	a.onStop(s.Close)
	return nil
}

func (a *app) openMedia(ctx context.Context) error {
	conn, err := egress.Listen(ctx, net.JoinHostPort(mediaHost(a.cfg), strconv.Itoa(a.cfg.Media.Port)),
		egress.Options{Batching: batching(a.cfg.Media.Batching), Shards: a.cfg.Media.Sockets}, a.log)
	if err != nil {
		return err
	}
	a.addresses = newWatcher(a.cfg, conn.Ask, a.log)
	found, err := a.addresses.Find(ctx)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	a.log.Info("addresses", "announced", found.Announced)
	a.mux, err = egress.NewMux(conn, found.Announced)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	a.announced = found.Announced
	a.onStop(a.mux.Close)
	return nil
}

// openICETCP opens the media port for TCP as well, if it is free: calls work without, and there are systems that have
// something of their own there.
func (a *app) openICETCP(ctx context.Context) error {
	a.iceTCP = icetcp.New(a.mux.Conn(), icetcp.Limits{}, a.log)
	a.onStop(a.iceTCP.Close)
	a.tcpPorts = sharedPorts(a.cfg, a.announced)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp",
		net.JoinHostPort(mediaHost(a.cfg), strconv.Itoa(a.cfg.Media.Port)))
	if err != nil {
		a.log.Warn("no media over TCP at the media port", "error", err)
		return nil
	}
	a.tcpPorts = append([]uint16{sfu.MediaPort}, a.tcpPorts...)
	a.iceTCP.Accept(listener)
	return nil
}

// batching is the way of sending of that name, which the configuration has validated.
func batching(name string) egress.Batching {
	for _, b := range []egress.Batching{egress.GSO, egress.Messages} {
		if b.String() == name {
			return b
		}
	}
	return egress.Single
}

func (a *app) startSFU(context.Context) error {
	s, err := sfu.New(sfu.Config{
		Codecs: a.cfg.Media.Codecs, UDP: a.mux, TCPPorts: a.tcpPorts,
		CongestionControl: a.cfg.Media.CongestionControl,
	}, a.log)
	if err != nil {
		return fmt.Errorf("start the SFU: %w", err)
	}
	a.sfu = s
	a.onStop(s.Close)
	return nil
}

// startCapacity watches what people cost, and has the SFU send less when it is too much.
func (a *app) startCapacity(context.Context) error {
	a.capacity = capacity.Start(capacity.Limits{
		CPU: a.cfg.Limits.CPU, Egress: int(a.cfg.Limits.Egress), People: a.cfg.Limits.MaxPeople,
	}, capacity.Sources{
		Sent: func() uint64 { // with IP and UDP around it
			sent := a.mux.Conn().Stats()
			return sent.BytesOut + 28*sent.PacketsOut
		},
		Busy:    a.mux.Conn().Busy,
		People:  a.sfu.People,
		Squeeze: a.sfu.Squeeze,
	})
	a.onStop(func() error {
		a.capacity.Close()
		return nil
	})
	return nil
}

// startSignaling makes the hub and the pages, which need each other's parts: logging out ends sockets.
func (a *app) startSignaling(context.Context) error {
	logOuts := &logOuts{Store: a.store}
	sessions, err := auth.NewSessions(auth.SessionConfig{
		KeyFile:  filepath.Join(a.cfg.Store.DataDir, "session.key"),
		Lifetime: a.cfg.HTTP.SessionLifetime,
	}, logOuts)
	if err != nil {
		return err
	}
	invites, err := newInvites(a.cfg)
	if err != nil {
		return err
	}
	if a.ice, err = newICEServers(a.cfg, a.announced); err != nil {
		return err
	}
	fragments := web.NewFragments()
	a.hub = signaling.New(signaling.Config{
		RoomAccess:    a.cfg.Access.Room,
		RoomPassword:  a.cfg.Access.RoomPassword,
		MaxRoomPeople: a.cfg.Limits.MaxRoomPeople,
		MaxRooms:      a.cfg.Limits.MaxRooms,
	}, signaling.Deps{
		Sessions:      sessions,
		OriginAllowed: auth.OriginAllowed,
		Media:         media{a.sfu},
		Presence:      a.store,
		Memory:        a.store,
		Renderer:      fragments,
		RTCConfigs:    a.ice,
		Capacity:      a.capacity,
		Invites:       invites,
		Guesses:       auth.NewGuesses(),
		Visitors:      newSocketVisitors(a.cfg.Limits),
	}, a.log)
	a.hub.Register(signaling.NewChat(fragments))
	a.hub.Register(signaling.NewEcho())
	logOuts.hub = a.hub
	a.onStop(func() error {
		if err := a.closeSockets(); err != nil {
			a.log.Warn("sockets were cut off", "error", err) // by clients that did not take their leave
		}
		return nil
	})
	a.departure = newDeparture(a.hub, a.log)
	a.onStop(a.departure.close)
	return a.startPages(sessions, invites)
}

// closeSockets ends all sessions.
func (a *app) closeSockets() error {
	within := stopWithin
	if a.departure.wasReplaced() {
		within = handOverWithin
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if a.restarts {
		return a.hub.Restart(ctx, backAfter)
	}
	return a.hub.Close(ctx)
}

// listenControl lets commands on this machine talk to the server. It serves without, too.
func (a *app) listenControl(ctx context.Context) error {
	server, err := control.Listen(ctx, a.cfg.Store.DataDir, a.departure, a.hub.AwaitNoCalls, a.log)
	if err != nil {
		a.log.Warn("parley drain and serve --replace will not reach this server", "error", err)
		return nil
	}
	a.control = server
	a.onStop(server.Close)
	return nil
}

func (a *app) startTURN(ctx context.Context) error {
	if a.cfg.TURN.Port == 0 {
		return nil
	}
	secret, err := turnSecret(a.cfg)
	if err != nil {
		return err
	}
	packets, streams, err := turn.Listen(ctx, net.JoinHostPort(a.cfg.Media.Listen, strconv.Itoa(a.cfg.TURN.Port)))
	if err != nil {
		return err
	}
	a.turn, err = turn.New(turn.Config{
		PacketConns: packets,
		Listeners:   []net.Listener{streams},
		Realm:       realm,
		Announced:   a.announced,
		Media:       a.mux.Conn(),
		Verify:      auth.NewTURN(secret, a.cfg.TURN.CredentialLifetime).Verify,
		InCall:      a.hub.InCall,
		Limits:      turn.Limits{UserBandwidth: int(a.cfg.TURN.UserBandwidth)},
	}, a.log)
	if err != nil {
		return err
	}
	a.onStop(a.turn.Close)
	return nil
}

// media is the SFU as signalling sees it.
type media struct{ *sfu.SFU }

// Join makes a peer.
func (m media) Join(room, id string, barred sfu.Barred, deliver func(sfu.Event)) (signaling.Peer, error) {
	peer, err := m.SFU.Join(room, id, barred, deliver)
	if err != nil {
		return nil, err // not a nil *Peer, which as a Peer would not be nil
	}
	return peer, nil
}
