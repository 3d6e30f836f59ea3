package main

import (
	"context"

	"parley/auth"
	"parley/signaling"
	"parley/signaling/store"
	"parley/web"
)

// startPages makes the pages, the operator's among them, and what answers whether the server is well.
func (a *app) startPages(sessions *auth.Sessions, invites *auth.Invites) error {
	operator, err := newOperator(a.cfg, a.store)
	if err != nil {
		return err
	}
	sent := watchTraffic(a.mux.Conn().Stats)
	a.onStop(func() error {
		sent.close()
		return nil
	})
	a.site, err = web.New(web.Config{
		Secure:  a.cfg.HTTP.Secure(),
		Proxies: a.cfg.HTTP.TrustedProxies,
		Codecs:  a.cfg.Media.Codecs,
	}, web.Deps{
		Door: newDoor(a.cfg.Access, invites), Logins: auth.NewLogins(a.store), Sessions: sessions, Rooms: a.store,
		Socket: a.hub, Operator: operator,
		Admin:   &admin{hub: a.hub, sfu: a.sfu, capacity: a.capacity, traffic: sent, started: a.started},
		Logging: newLoginVisitors(a.cfg.Limits), Waiting: newSocketVisitors(a.cfg.Limits), Refused: a.countRefused,
	}, a.log)
	a.health = a.newHealth()
	return err
}

// logOuts remembers sessions that were logged out, and closes their sockets.
type logOuts struct {
	*store.Store
	hub *signaling.Hub
}

// Revoke ends a session for good.
func (l *logOuts) Revoke(ctx context.Context, sessionID string) error {
	if err := l.Store.Revoke(ctx, sessionID); err != nil {
		return err
	}
	l.hub.EndSession(sessionID)
	return nil
}
