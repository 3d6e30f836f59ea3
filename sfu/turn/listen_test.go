package turn

import (
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// TestAnswersFromTheAddressThatWasAsked asks each address of the machine from each other one of its family.
func TestAnswersFromTheAddressThatWasAsked(t *testing.T) {
	conns, listener, err := Listen(t.Context(), ":0")
	if err != nil {
		t.Fatal(err)
	}
	server, err := New(Config{
		PacketConns: conns, Listeners: []net.Listener{listener}, Realm: realm,
		Announced: []netip.AddrPort{netip.MustParseAddrPort("203.0.113.7:7000")},
		Media:     newFakeMedia(), Verify: verify,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, from := range conns {
		for _, to := range conns {
			source, target := from.LocalAddr().(*net.UDPAddr), to.LocalAddr().(*net.UDPAddr)
			if (source.IP.To4() == nil) != (target.IP.To4() == nil) || source.IP.IsLoopback() && !target.IP.IsLoopback() {
				continue
			}
			ask(t, source.IP, target)
		}
	}
}

func ask(t *testing.T, from net.IP, to *net.UDPAddr) {
	t.Helper()
	client, err := net.ListenUDP("udp", &net.UDPAddr{IP: from})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	request := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	if _, err := client.WriteToUDP(request.Raw, to); err != nil {
		t.Fatalf("%s to %s: %v", from, to, err)
	}
	_ = client.SetReadDeadline(time.Now().Add(5 * time.Second))
	packet := make([]byte, 1500)
	_, answerer, err := client.ReadFromUDP(packet)
	if err != nil {
		t.Fatalf("%s to %s: %v", from, to, err)
	}
	if !answerer.IP.Equal(to.IP) || answerer.Port != to.Port {
		t.Errorf("%s asked %s and was answered from %s", from, to, answerer)
	}
}
