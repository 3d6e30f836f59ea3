package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"parley/auth"
	"parley/configs"
	"parley/sfu/capacity"
	"parley/signaling"
	"parley/web"
)

const (
	socketsWithin = time.Minute      // after which an address may open as many again
	loginsWithin  = 10 * time.Minute // likewise for logins

	// perSocket is how many connections there are for a websocket: browsers load a page over six.
	perSocket = 7
)

// newSocketVisitors counts the websockets of each address, or its lobbies that are kept up to date: so many at once,
// and in a row, since each that is opened costs more than one that is there.
func newSocketVisitors(limits configs.Limits) *auth.Visitors {
	return auth.NewVisitors(auth.Allowance{
		Present: limits.MaxAddressSockets, Visits: limits.MaxAddressSockets, Within: socketsWithin,
	})
}

func newLoginVisitors(limits configs.Limits) *auth.Visitors {
	return auth.NewVisitors(auth.Allowance{Visits: limits.MaxAddressLogins, Within: loginsWithin})
}

// newAdmission counts the connections of each address. Trusted proxies have any number: they speak for all.
func newAdmission(cfg configs.Config, counters *signaling.Counters) func(net.Addr) (gone func(), ok bool) {
	visitors := auth.NewVisitors(auth.Allowance{Present: perSocket * cfg.Limits.MaxAddressSockets})
	return func(remote net.Addr) (gone func(), ok bool) {
		address := remote.String()
		if isProxy(cfg.HTTP.TrustedProxies, address) {
			return func() {}, true
		}
		if _, ok := visitors.Come(address, time.Now()); !ok {
			counters.Limit(signaling.LimitConnections)
			return nil, false
		}
		return func() { visitors.Go(address, time.Now()) }, true
	}
}

func isProxy(proxies []netip.Prefix, address string) bool {
	from, err := netip.ParseAddrPort(address)
	return err == nil && slices.ContainsFunc(proxies, func(network netip.Prefix) bool {
		return network.Contains(from.Addr().Unmap().WithZone(""))
	})
}

// countRefused counts what the pages refused.
func (a *app) countRefused(what web.Refused) {
	switch what {
	case web.RefusedLogin:
		a.hub.Counters().Limit(signaling.LimitLogins)
	case web.RefusedLobby:
		a.hub.Counters().Limit(signaling.LimitLobbies)
	}
}

// What /readyz says is wrong.
var (
	errNotWritable = errors.New("cannot be written")
	errClosed      = errors.New("closed")
	errDraining    = errors.New("about to stop, no new rooms")
)

// newHealth lists what has to be so for the server to take people.
func (a *app) newHealth() *health {
	return &health{checks: []check{
		{"store", func(ctx context.Context) error {
			if err := a.store.Writable(ctx); err != nil {
				a.log.Error("the store cannot be written", "error", err)
				return errNotWritable
			}
			return nil
		}},
		{"media", func(context.Context) error {
			if !a.mux.Conn().Open() {
				return errClosed
			}
			return nil
		}},
		{"rooms", func(context.Context) error {
			if a.hub.Draining() {
				return errDraining
			}
			return nil
		}},
		{"people", func(context.Context) error { return fits(a.capacity.Headroom()) }},
	}}
}

// fits tells why nobody else fits, nil if somebody does.
func fits(headroom capacity.Headroom) error {
	if !headroom.Known || headroom.People > 0 {
		return nil
	}
	switch headroom.Limit {
	case capacity.LimitPeople:
		return errors.New("no more fit: max_people")
	case capacity.LimitEgress:
		return errors.New("no more fit for now: egress_limit")
	default:
		return errors.New("no more fit for now: cpu_limit")
	}
}
