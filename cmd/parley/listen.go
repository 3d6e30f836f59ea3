package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"parley/web"
)

// drainWithin is how long requests that are under way may take when the server stops.
const drainWithin = time.Second

// listen opens the door of the pages and the websocket.
func (a *app) listen(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.HTTP.Listen)
	if err != nil {
		return err
	}
	if a.cfg.HTTP.TLSCertFile != "" {
		certificate, err := tls.LoadX509KeyPair(a.cfg.HTTP.TLSCertFile, a.cfg.HTTP.TLSKeyFile)
		if err != nil {
			return errors.Join(fmt.Errorf("certificate: %w", err), listener.Close())
		}
		// HTTP/1.1 only: browsers open websockets over it, and pages are few.
		listener = tls.NewListener(listener, &tls.Config{
			Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		})
	}
	a.serve(listener, a.site)
	a.onStop(func() error {
		a.site.Close()
		return nil
	})
	return nil
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
	scheme := "http"
	if a.cfg.HTTP.TLSCertFile != "" {
		scheme = "https"
	}
	address := a.listeners[0].Addr().(*net.TCPAddr) // listen opened TCP
	host := address.IP.String()
	switch {
	case a.cfg.HTTP.PublicHost != "":
		host = a.cfg.HTTP.PublicHost
	case address.IP.IsUnspecified():
		host = "localhost"
	}
	return fmt.Sprintf("%s://%s/", scheme, net.JoinHostPort(host, fmt.Sprint(address.Port)))
}
