package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	"parley/cmd/parley/certs"
	"parley/cmd/parley/front"
	"parley/configs"
	"parley/web"
)

// drainWithin is how long requests that are under way may take when the server stops.
const drainWithin = time.Second

// listen opens the door of the pages and the websocket, by which TURN and ICE over TCP come as well.
func (a *app) listen(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.HTTP.Listen)
	if err != nil {
		return err
	}
	to := front.Config{ICE: a.iceTCP.Serve}
	if a.turn != nil {
		to.TURN = a.turn.Serve
	}
	if to.TLS, err = a.tls(); err != nil {
		return errors.Join(err, listener.Close())
	}
	a.serve(front.New(listener, to, a.log), a.site)
	a.onStop(func() error {
		a.site.Close()
		return nil
	})
	return nil
}

// tls says how to end TLS here, nil if it is not.
func (a *app) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	switch {
	case a.files != nil:
		config.GetCertificate = a.files.GetCertificate
	case a.cfg.HTTP.ACME:
		authority, err := certs.NewACME(certs.ACMEConfig{
			Host: a.cfg.HTTP.PublicHost, Email: a.cfg.HTTP.ACMEEmail, Directory: a.cfg.HTTP.ACMEDirectory,
			CAFile: a.cfg.HTTP.ACMECAFile, Dir: filepath.Join(a.cfg.Store.DataDir, "acme"),
		}, a.log)
		if err != nil {
			return nil, err
		}
		config.GetCertificate = authority.GetCertificate
		config.NextProtos = append(config.NextProtos, certs.ChallengeProtocol)
		authority.Start() // it needs the port, which is open, and is served in a moment
		a.onStop(func() error {
			authority.Close()
			return nil
		})
	default:
		return nil, nil
	}
	return config, nil
}

// serve has a server for the listener started with the others.
func (a *app) serve(listener net.Listener, handler http.Handler) {
	server := web.NewServer(handler, a.log)
	a.listeners = append(a.listeners, listener)
	a.servers = append(a.servers, server)
	a.onStop(func() error {
		// A browser's spare connection, or a client that stalls, counts as busy. It has no claim to a slow end.
		ctx, cancel := context.WithTimeout(context.Background(), drainWithin)
		defer cancel()
		err := server.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close()
		}
		return errors.Join(err, ignoreClosed(listener.Close()))
	})
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// url is what to open in a browser.
func (a *app) url() string {
	address := a.listeners[0].Addr().(*net.TCPAddr) // listen opened TCP
	return siteURL(a.cfg, address.IP.String(), address.Port)
}

// siteURL is what to open in a browser where the server listens at that host and port.
func siteURL(cfg configs.Config, host string, port int) string {
	scheme := "http"
	if cfg.HTTP.Secure() {
		scheme = "https"
	}
	ip := net.ParseIP(host)
	switch {
	case cfg.HTTP.PublicHost != "":
		host = cfg.HTTP.PublicHost
	case host == "" || ip != nil && ip.IsUnspecified():
		host = "localhost"
	}
	return fmt.Sprintf("%s://%s/", scheme, net.JoinHostPort(host, strconv.Itoa(cmp.Or(cfg.HTTP.PublicPort, port))))
}
