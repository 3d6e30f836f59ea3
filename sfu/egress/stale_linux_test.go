package egress

import (
	"net"
	"slices"
	"testing"
	"time"
)

func TestShedder(t *testing.T) {
	ms := func(all ...int) (waits []time.Duration) {
		for _, n := range all {
			waits = append(waits, time.Duration(n)*time.Millisecond)
		}
		return waits
	}
	var shed shedder
	var dropped []int
	for i, waited := range ms(0, 290, 299, 301, 200, 51, 49, 200, 299, 400, 10) {
		if shed.drops(waited) {
			dropped = append(dropped, i)
		}
	}
	if want := []int{3, 4, 5, 9}; !slices.Equal(dropped, want) {
		t.Errorf("dropped %v, want %v: from one that is stale on, until one is fresh", dropped, want)
	}
}

func TestKernelTellsHowLongPacketsWaited(t *testing.T) {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	reader := newUDPSocket(socket, &path{}).reader(func() {})
	client, err := net.Dial("udp4", socket.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	begun := time.Now()
	if _, err := client.Write([]byte{0x80, 96}); err != nil {
		t.Fatal(err)
	}
	<-time.After(20 * time.Millisecond) // the packet waits meanwhile
	packets, err := reader.read()
	if err != nil || len(packets) != 1 {
		t.Fatalf("%d packets, %v", len(packets), err)
	}
	if waited := packets[0].waited; waited < 19*time.Millisecond || waited > time.Since(begun) {
		t.Errorf("it waited %v of %v", waited, time.Since(begun))
	}
}
