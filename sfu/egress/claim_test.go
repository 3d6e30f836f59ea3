package egress

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

// TestAddressOfAnother has somebody come from the address that an agent has which was not given up yet.
func TestAddressOfAnother(t *testing.T) {
	conn := open(t, "127.0.0.1:0")
	port := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	m, err := NewMux(conn, []netip.AddrPort{port})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()

	agents := make(map[string]net.PacketConn)
	for _, ufrag := range []string{"former", "later"} {
		agent, err := m.GetConn(ufrag, net.UDPAddrFromAddrPort(port))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = agent.Close() }()
		agents[ufrag] = agent
	}
	ask := func(ufrag string) {
		t.Helper()
		request := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername(ufrag+":client"))
		if _, err := client.Write(request.Raw); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, agents[ufrag]); string(got) != string(request.Raw) {
			t.Fatalf("%s: got %v", ufrag, got)
		}
		if _, err := agents[ufrag].(ice.AddrPortReaderWriter).WriteToAddrPort([]byte("answer"),
			client.LocalAddr().(*net.UDPAddr).AddrPort()); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 100)
		_ = client.SetReadDeadline(time.Now().Add(5 * time.Second))
		if n, err := client.Read(answer); err != nil || string(answer[:n]) != "answer" {
			t.Fatalf("%s: %q, %v", ufrag, answer[:n], err)
		}
	}
	ask("former")
	ask("later")
	// What names nobody is for whom the address is.
	if _, err := client.Write([]byte{20, 1, 2, 3}); err != nil { // DTLS (RFC 7983)
		t.Fatal(err)
	}
	if got := receive(t, agents["later"]); got[0] != 20 {
		t.Errorf("got %v", got)
	}
}

// receive takes the next packet of an agent.
func receive(t *testing.T, agent net.PacketConn) []byte {
	t.Helper()
	type packet struct {
		data []byte
		err  error
	}
	got := make(chan packet, 1)
	go func() {
		data := make([]byte, 1500)
		n, _, err := agent.ReadFrom(data)
		got <- packet{data[:n], err}
	}()
	select {
	case p := <-got:
		if p.err != nil {
			t.Fatal(p.err)
		}
		return p.data
	case <-time.After(5 * time.Second):
		t.Fatal("nothing came")
		return nil
	}
}

func TestUfragOfARequest(t *testing.T) {
	build := func(setters ...stun.Setter) []byte { return stun.MustBuild(append(setters, stun.TransactionID)...).Raw }
	for name, test := range map[string]struct {
		packet []byte
		want   string
	}{
		"request":       {build(stun.BindingRequest, stun.NewUsername("here:there")), "here"},
		"response":      {build(stun.BindingSuccess, stun.NewUsername("here:there")), ""},
		"nobody's":      {build(stun.BindingRequest), ""},
		"half a name":   {build(stun.BindingRequest, stun.NewUsername("here")), ""},
		"cut":           {build(stun.BindingRequest, stun.NewUsername("here:there"))[:24], ""},
		"nothing":       {nil, ""},
		"no STUN":       {make([]byte, 40), ""},
		"not a request": {build(stun.NewType(stun.MethodAllocate, stun.ClassRequest), stun.NewUsername("a:b")), ""},
	} {
		if got, ok := ufragOf(test.packet); ok != (test.want != "") || ok && got != test.want {
			t.Errorf("%s: %q, %t", name, got, ok)
		}
	}
}
