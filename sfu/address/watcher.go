// Package address finds the addresses that clients are told to send media to, and notices when they change: an
// interface got another, or a NAT. They come from the configuration, from a STUN server, which sees the media port from
// outside, and from the machine's interfaces.
package address

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	lookEvery = 5 * time.Second
	// askEvery also keeps the way through a NAT open: none may close it within 2 minutes (RFC 4787, section 4.3), and
	// those that do take 30 s.
	askEvery  = 25 * time.Second
	askWithin = 3 * time.Second
)

// Config says where addresses come from.
type Config struct {
	Port  uint16           // of media
	Fixed []netip.AddrPort // announced instead of the machine's own; port 0 stands for Port
	STUN  string           // HOST:PORT of a server that is asked for the public address; none if empty

	// Listen is the one address that the media port has, or 0.0.0.0 for all of IPv4. Invalid or :: stands for all.
	Listen netip.Addr
	// Loopback announces loopback too, for browsers on this machine.
	Loopback bool
}

// Sources are what the addresses are asked from.
type Sources struct {
	// Ask asks a STUN server for the address of the media port, until ctx ends.
	Ask func(ctx context.Context, server netip.AddrPort) (netip.AddrPort, error)
	// Resolve returns the addresses of a host; the resolver of the system if nil.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Machine lists the addresses of this machine; [Machine] if nil.
	Machine func() ([]Own, error)
}

// Addresses are what holds at one moment.
type Addresses struct {
	Announced []netip.AddrPort // for candidates, the best first, each once
	Machine   []netip.Addr     // that sockets can be bound to, in order, each once
}

func (a Addresses) equal(b Addresses) bool {
	return slices.Equal(a.Announced, b.Announced) && slices.Equal(a.Machine, b.Machine)
}

// Watcher finds the addresses and watches them. Its state belongs to who calls Find, and from Start on to its one
// goroutine.
type Watcher struct {
	// Static after construction.
	cfg     Config
	sources Sources
	log     *slog.Logger
	cancel  context.CancelFunc // nil before Start
	running sync.WaitGroup

	own     []netip.Addr     // to announce
	machine []netip.Addr     // to bind to
	blind   bool             // the interfaces could not be listed the last time
	servers []netip.AddrPort // of the STUN server, one of each family; none before it was resolved
	public  []netip.AddrPort // what these said, in their order; invalid: nothing yet
	failed  bool             // one of them did not answer the last time
	silent  bool             // none of them did
	told    Addresses        // last
}

// New makes a watcher that has not found anything yet.
func New(cfg Config, sources Sources, log *slog.Logger) *Watcher {
	if sources.Resolve == nil {
		sources.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if sources.Machine == nil {
		sources.Machine = Machine
	}
	return &Watcher{cfg: cfg, sources: sources, log: log}
}

// Find finds the addresses, within seconds. It fails if there is none. A STUN server that does not answer is no error:
// it may answer later.
func (w *Watcher) Find(ctx context.Context) (Addresses, error) {
	if _, err := w.look(); err != nil {
		return Addresses{}, err
	}
	w.ask(ctx)
	if err := ctx.Err(); err != nil {
		return Addresses{}, fmt.Errorf("find addresses: %w", err)
	}
	w.told = w.known()
	if len(w.told.Announced) == 0 {
		return Addresses{}, fmt.Errorf("this machine has no address to announce")
	}
	return w.told, nil
}

// Start watches the addresses until Close, and calls changed with what holds after each change since Find, on its own
// goroutine.
func (w *Watcher) Start(changed func(Addresses)) {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	w.running.Go(func() { w.watch(ctx, changed) })
}

// Close ends watching. When it returns, changed is not called any more.
func (w *Watcher) Close() {
	if w.cancel != nil {
		w.cancel()
	}
	w.running.Wait()
}

func (w *Watcher) watch(ctx context.Context, changed func(Addresses)) {
	looks, asks := time.NewTicker(lookEvery), time.NewTicker(askEvery)
	defer looks.Stop()
	defer asks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-looks.C:
			if moved := w.lookAgain(); moved { // so the way out may be another
				w.ask(ctx)
				asks.Reset(askEvery)
			}
		case <-asks.C:
			w.ask(ctx)
		}
		now := w.known()
		if ctx.Err() != nil || len(now.Announced) == 0 || now.equal(w.told) {
			continue
		}
		w.log.Info("addresses changed", "announced", now.Announced, "before", w.told.Announced)
		w.told = now
		changed(now)
	}
}

// lookAgain looks whether the machine has other addresses than before. Where that cannot be seen it goes on with those.
func (w *Watcher) lookAgain() (moved bool) {
	moved, err := w.look()
	if err != nil && !w.blind {
		w.log.Warn("a change of address would go unnoticed", "error", err)
	}
	w.blind = err != nil
	return moved
}

func (w *Watcher) look() (moved bool, err error) {
	if w.cfg.Listen.IsValid() && !w.cfg.Listen.IsUnspecified() {
		w.own, w.machine = []netip.Addr{w.cfg.Listen.Unmap()}, []netip.Addr{w.cfg.Listen.Unmap()}
		return false, nil
	}
	all, err := w.sources.Machine()
	if err != nil {
		return false, err
	}
	if w.cfg.Listen.Is4() {
		all = slices.DeleteFunc(slices.Clone(all), func(own Own) bool { return !own.Addr.Is4() })
	}
	own, machine := Useful(all), Bindable(all)
	if len(own) == 0 || w.cfg.Loopback {
		for _, addr := range machine {
			if addr.IsLoopback() && addr.Is4() {
				own = append(own, addr)
			}
		}
	}
	slices.SortFunc(machine, netip.Addr.Compare)
	machine = slices.Compact(machine)
	moved = !slices.Equal(own, w.own) || !slices.Equal(machine, w.machine)
	w.own, w.machine = own, machine
	return moved, nil
}

// ask asks the STUN server. What it said before holds until it says something else: without an answer there is no
// telling whether it is the server that is gone, and behind a NAT the address is needed.
func (w *Watcher) ask(ctx context.Context) {
	if w.cfg.STUN == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var err error
	if w.failed || len(w.servers) == 0 {
		err = w.resolve(ctx)
	}
	answers, errs := make([]netip.AddrPort, len(w.servers)), make([]error, len(w.servers))
	var asking sync.WaitGroup
	for i, server := range w.servers {
		asking.Go(func() { answers[i], errs[i] = w.sources.Ask(ctx, server) })
	}
	asking.Wait()
	answered := false
	w.failed = false
	for i, answer := range answers {
		if errs[i] != nil {
			w.failed, err = true, errs[i]
			continue
		}
		answered = true
		if w.public[i] != answer || w.silent {
			w.log.Info("public address found", "address", answer, "stun_server", w.servers[i])
			w.public[i] = answer
		}
	}
	if !answered && !w.silent {
		w.log.Warn("public address not found", "stun_server", w.cfg.STUN, "error", err)
	}
	w.silent = !answered
}

// resolve finds one address of the STUN server for each family, of which each tells ours of that family. It stays with
// those it has as long as the name has them: each knows a NAT's port for us that is kept open.
func (w *Watcher) resolve(ctx context.Context) error {
	host, service, err := net.SplitHostPort(w.cfg.STUN)
	if err != nil {
		return err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return err
	}
	addrs, err := w.sources.Resolve(ctx, host)
	if err != nil {
		return err
	}
	var servers, public []netip.AddrPort
	for _, is4 := range []bool{true, false} {
		same := func(a netip.AddrPort) bool { return a.Addr().Is4() == is4 }
		i := slices.IndexFunc(addrs, func(a netip.Addr) bool { return a.Unmap().Is4() == is4 })
		if i < 0 {
			continue
		}
		server, said := netip.AddrPortFrom(addrs[i].Unmap(), uint16(port)), netip.AddrPort{}
		if had := slices.IndexFunc(w.servers, same); had >= 0 {
			said = w.public[had]
			if slices.Contains(addrs, w.servers[had].Addr()) {
				server = w.servers[had]
			}
		}
		servers, public = append(servers, server), append(public, said)
	}
	w.servers, w.public = servers, public
	return nil
}

// known is what follows from what was found.
func (w *Watcher) known() Addresses {
	known := Addresses{Machine: w.machine}
	add := func(addr netip.Addr, port uint16) {
		if a := netip.AddrPortFrom(addr, port); !slices.Contains(known.Announced, a) {
			known.Announced = append(known.Announced, a)
		}
	}
	for _, fixed := range w.cfg.Fixed {
		port := fixed.Port()
		if port == 0 {
			port = w.cfg.Port
		}
		add(fixed.Addr().Unmap(), port)
	}
	for _, public := range w.public {
		if public.IsValid() {
			add(public.Addr(), public.Port())
			// Many a NAT lets packets to the port itself in, while what leaves from there gets another.
			add(public.Addr(), w.cfg.Port)
		}
	}
	if len(w.cfg.Fixed) == 0 {
		for _, own := range w.own {
			add(own, w.cfg.Port)
		}
	}
	return known
}
