package doctor

import (
	"net"
	"os"
	"strconv"
	"testing"
)

func TestHolder(t *testing.T) {
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = packets.Close() }()
	streams, err := net.Listen("tcp", "[::]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = streams.Close() }()
	for _, address := range []net.Addr{packets.LocalAddr(), streams.Addr()} {
		got := holder(socket{network: address.Network(), address: address.String()})
		if got.pid != os.Getpid() || got.name == "" {
			t.Errorf("%v is held by %v", address, got)
		}
	}
	_, port, _ := net.SplitHostPort(packets.LocalAddr().String())
	number, _ := strconv.Atoi(port)
	if got := holder(socket{network: "udp", address: net.JoinHostPort("", strconv.Itoa(number))}); got.pid != os.Getpid() {
		t.Errorf("everywhere: %v", got)
	}
	_ = packets.Close()
	if got := holder(socket{network: "udp", address: packets.LocalAddr().String()}); got.pid != 0 {
		t.Errorf("closed, and held by %v", got)
	}
}
