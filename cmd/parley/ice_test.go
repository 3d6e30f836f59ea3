package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// answer is a STUN server that says to each request what reply makes of it; nil says nothing.
func answer(t *testing.T, reply func(ask *stun.Message) *stun.Message) (address string) {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	go func() {
		defer close(done)
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			ask := new(stun.Message)
			if _, err := ask.Write(buffer[:n]); err != nil {
				t.Error(err)
			} else if message := reply(ask); message != nil {
				_, _ = conn.WriteToUDPAddrPort(message.Raw, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

func TestDiscover(t *testing.T) {
	for _, want := range []string{"203.0.113.5", "2001:db8::5"} {
		server := answer(t, func(ask *stun.Message) *stun.Message {
			mapped := &stun.XORMappedAddress{IP: net.ParseIP(want), Port: 4711}
			return stun.MustBuild(ask, stun.BindingSuccess, mapped)
		})
		got, err := discover(t.Context(), server)
		if err != nil || got != netip.MustParseAddr(want) {
			t.Errorf("got %v, %v, want %s", got, err, want)
		}
	}
}

func TestDiscoverGivesUp(t *testing.T) {
	refusing := answer(t, func(ask *stun.Message) *stun.Message {
		return stun.MustBuild(ask, stun.BindingError, stun.CodeServerError)
	})
	if got, err := discover(t.Context(), refusing); err == nil {
		t.Errorf("an error response gave %v", got)
	}

	asked := make(chan struct{}, 16)
	silent := answer(t, func(*stun.Message) *stun.Message {
		asked <- struct{}{}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := discover(ctx, silent)
		failed <- err
	}()
	<-asked
	<-asked // again, since the first might have been lost
	cancel()
	select {
	case err := <-failed:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	case <-time.After(discoverTimeout / 2):
		t.Error("it goes on after the context has ended")
	}
}

func TestDiscoverIgnoresStrangers(t *testing.T) {
	first := true
	server := answer(t, func(ask *stun.Message) *stun.Message {
		mapped := &stun.XORMappedAddress{IP: net.IPv4(203, 0, 113, 5), Port: 4711}
		if first {
			first = false
			return stun.MustBuild(stun.TransactionID, stun.BindingSuccess, mapped)
		}
		mapped.IP = net.IPv4(203, 0, 113, 6)
		return stun.MustBuild(ask, stun.BindingSuccess, mapped)
	})
	if got, err := discover(t.Context(), server); err != nil || got != netip.MustParseAddr("203.0.113.6") {
		t.Errorf("got %v, %v", got, err)
	}
}
