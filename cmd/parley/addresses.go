package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"

	"parley/configs"
	"parley/sfu/address"
)

// askFunc asks a STUN server for the address of the socket that it asks from, as egress.Conn does.
type askFunc = func(ctx context.Context, server netip.AddrPort) (netip.AddrPort, error)

// newWatcher makes what finds the addresses of the media port and watches them.
func newWatcher(cfg configs.Config, ask askFunc, log *slog.Logger) *address.Watcher {
	listen, _ := netip.ParseAddr(cfg.Media.Listen) // validated; empty stands for all
	return address.New(address.Config{
		Port:     uint16(cfg.Media.Port), // validated
		Fixed:    cfg.Media.Announce,
		STUN:     cfg.Media.STUNDiscover,
		Listen:   listen,
		Loopback: onThisMachine(cfg.HTTP.Listen),
	}, address.Sources{Ask: ask}, log)
}

// onThisMachine tells whether only browsers on this machine get at the pages.
func onThisMachine(listen string) bool {
	host, _, _ := net.SplitHostPort(listen)
	pages, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && pages.IsLoopback()
}

// mediaHost is what the media socket listens on: what is configured, else the only announced address if it is the
// machine's own, so that packets leave from no other. Empty stands for all addresses: one that may change is none to
// listen on.
func mediaHost(cfg configs.Config) string {
	if cfg.Media.Listen != "" || len(cfg.Media.Announce) != 1 || cfg.Media.STUNDiscover != "" {
		return cfg.Media.Listen
	}
	machine, err := address.Machine()
	if err != nil {
		return ""
	}
	only := cfg.Media.Announce[0].Addr()
	for _, own := range machine {
		if own.Addr == only {
			return only.String()
		}
	}
	return ""
}

// watchAddresses has changes of address noticed by all who tell clients of addresses.
func (a *app) watchAddresses(ctx context.Context) error {
	a.addresses.Start(func(now address.Addresses) {
		if err := a.moved(ctx, now); err != nil {
			a.log.Warn("not everything follows a change of address", "error", err)
		}
	})
	a.onStop(func() error {
		a.addresses.Close()
		return nil
	})
	return nil
}

// moved has everybody follow a change of address. Calls that exist go on as they are, as long as packets arrive.
func (a *app) moved(ctx context.Context, now address.Addresses) error {
	err := a.mux.Announce(now.Announced)
	a.ice.announce(now.Announced)
	if a.turn == nil {
		return err
	}
	return errors.Join(err, a.turn.Announce(now.Announced), a.turn.Rebind(ctx, now.Machine))
}
