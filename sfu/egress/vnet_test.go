package egress

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v5/vnet"
)

// The same over vnet, in virtual time.
func TestVirtualNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		router, err := vnet.NewRouter(&vnet.RouterConfig{
			CIDR: "10.0.0.0/24", LoggerFactory: logging.NewDefaultLoggerFactory(), MinDelay: 20 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		var hosts []net.PacketConn
		for _, ip := range []string{"10.0.0.1", "10.0.0.2"} {
			host, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
			if err != nil {
				t.Fatal(err)
			}
			if err := router.AddNet(host); err != nil {
				t.Fatal(err)
			}
			conn, err := host.ListenPacket("udp4", ip+":7000")
			if err != nil {
				t.Fatal(err)
			}
			hosts = append(hosts, conn)
		}
		if err := router.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = router.Stop() }()
		c := NewConn(hosts[0])
		defer func() { _ = c.Close() }()
		defer func() { _ = hosts[1].Close() }()

		got := make(chan received, 10)
		go func() {
			for {
				b := make([]byte, 100)
				n, from, err := c.ReadFromAddrPort(b)
				got <- received{string(b[:n]), from, err}
				if err != nil {
					return
				}
			}
		}()
		synctest.Wait()
		if _, err := hosts[1].WriteTo([]byte("network"), hosts[0].LocalAddr()); err != nil {
			t.Fatal(err)
		}
		c.Inject(relayAddr, []byte("relay"))
		for _, want := range []received{{"relay", relayAddr, nil}, {"network", localAddr(hosts[1]), nil}} {
			if r := <-got; r != want {
				t.Fatalf("%+v, want %+v", r, want)
			}
		}
		if _, err := c.WriteToAddrPort([]byte("back"), localAddr(hosts[1])); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 10)
		if n, _, err := hosts[1].ReadFrom(b); err != nil || string(b[:n]) != "back" {
			t.Fatal(string(b[:n]), err)
		}
		_ = c.Close()
		if r := <-got; !errors.Is(r.err, net.ErrClosed) {
			t.Fatalf("%+v", r)
		}
	})
}
