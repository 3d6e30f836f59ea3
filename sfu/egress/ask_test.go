package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// stunServer says to each request what reply makes of it and of where it came from; nil says nothing.
func stunServer(t *testing.T, reply func(request *stun.Message, from netip.AddrPort) *stun.Message) netip.AddrPort {
	t.Helper()
	conn := client(t, "udp4", "127.0.0.1:0")
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	go func() {
		defer close(done)
		for b := make([]byte, 1500); ; {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			request := new(stun.Message)
			if _, err := request.Write(b[:n]); err != nil {
				t.Error(err)
			} else if answer := reply(request, from); answer != nil {
				_, _ = conn.WriteToUDPAddrPort(answer.Raw, from)
			}
		}
	}()
	return localAddr(conn)
}

func mappedTo(text string) *stun.XORMappedAddress {
	address := netip.MustParseAddrPort(text)
	return &stun.XORMappedAddress{IP: address.Addr().AsSlice(), Port: int(address.Port())}
}

// The question comes from the media port, whatever socket of it reads the answer, and pion sees nothing of it.
func TestAsk(t *testing.T) {
	conn, err := Listen(t.Context(), "127.0.0.1:0", Options{Shards: 4}, discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	seen := stunServer(t, func(request *stun.Message, from netip.AddrPort) *stun.Message {
		return stun.MustBuild(request, stun.BindingSuccess, mappedTo(from.String()))
	})
	for range 20 {
		if got, err := conn.Ask(t.Context(), seen); err != nil || got != localAddr(conn) {
			t.Fatalf("%v, %v, not from the media port %v", got, err, localAddr(conn))
		}
	}
	for _, want := range []string{"203.0.113.5:17000", "[2001:db8::5]:7000"} {
		server := stunServer(t, func(request *stun.Message, _ netip.AddrPort) *stun.Message {
			return stun.MustBuild(request, stun.BindingSuccess, mappedTo(want))
		})
		if got, err := conn.Ask(t.Context(), server); err != nil || got != netip.MustParseAddrPort(want) {
			t.Errorf("got %v, %v, want %s", got, err, want)
		}
	}
	select {
	case p := <-conn.inbox.packets:
		t.Errorf("pion gets %d bytes from %v", len(p.data), p.from)
	default:
	}
	if n := conn.questions.open.Load(); n != 0 || len(conn.questions.all) != 0 {
		t.Errorf("%d questions are open", n)
	}
}

// Only who was asked answers, and only what was asked; anything else is pion's.
func TestAskIgnoresStrangers(t *testing.T) {
	conn := open(t, "127.0.0.1:0")
	stranger := client(t, "udp4", "127.0.0.1:0")
	rounds := 0
	server := stunServer(t, func(request *stun.Message, from netip.AddrPort) *stun.Message {
		forged := stun.MustBuild(request, stun.BindingSuccess, mappedTo("203.0.113.66:1"))
		switch rounds++; rounds {
		case 1: // from elsewhere
			_, _ = stranger.WriteToUDPAddrPort(forged.Raw, from)
			return nil
		case 2: // to nothing that we asked
			return stun.MustBuild(stun.TransactionID, stun.BindingSuccess, mappedTo("203.0.113.66:2"))
		case 3: // a question back
			return stun.MustBuild(request, stun.BindingRequest)
		}
		return stun.MustBuild(request, stun.BindingSuccess, mappedTo("203.0.113.5:7000"))
	})
	if got, err := conn.Ask(t.Context(), server); err != nil || got != netip.MustParseAddrPort("203.0.113.5:7000") {
		t.Errorf("got %v, %v", got, err)
	}
	b := make([]byte, 1500)
	for i := range 3 {
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, _, err := conn.ReadFromAddrPort(b); err != nil {
			t.Fatalf("packet %d of a stranger: %v", i, err)
		}
	}
}

func TestAskGivesUp(t *testing.T) {
	conn := open(t, "127.0.0.1:0")
	for _, answer := range []func(*stun.Message) *stun.Message{
		func(request *stun.Message) *stun.Message {
			return stun.MustBuild(request, stun.BindingError, stun.CodeServerError)
		},
		func(request *stun.Message) *stun.Message { return stun.MustBuild(request, stun.BindingSuccess) },
		func(request *stun.Message) *stun.Message {
			return stun.MustBuild(request, stun.BindingSuccess, mappedTo("0.0.0.0:7000"))
		},
	} {
		server := stunServer(t, func(request *stun.Message, _ netip.AddrPort) *stun.Message { return answer(request) })
		if got, err := conn.Ask(t.Context(), server); !errors.Is(err, ErrAsk) {
			t.Errorf("got %v, %v", got, err)
		}
	}

	asked := make(chan struct{}, 16)
	silent := stunServer(t, func(*stun.Message, netip.AddrPort) *stun.Message {
		asked <- struct{}{}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 2)
	ask := func(ctx context.Context) {
		_, err := conn.Ask(ctx, silent)
		failed <- err
	}
	go ask(ctx)
	go ask(t.Context())
	for range 4 { // again, since the first might have been lost
		<-asked
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) || !errors.Is(err, ErrAsk) {
		t.Errorf("got %v", err)
	}
	_ = conn.Close()
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
