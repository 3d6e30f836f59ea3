package egress

import (
	"net"
	"net/netip"
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
	for i, waited := range ms(0, 790, 800, 801, 500, 101, 99, 500, 799, 900, 10) {
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

func TestStaleMediaIsDropped(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	from := netip.MustParseAddrPort("192.0.2.1:5000")
	var got []byte
	defer c.Route(from, receiverFunc(func(packet []byte, _ time.Time, _ *Batch) { got = append(got, packet[1]) }))()
	b := c.Batch()
	defer b.Done()
	var shed shedder
	var packets []incoming
	for i, waited := range []int{0, 900, 850, 810, 20, 0, 900, 10} {
		packets = append(packets, incoming{
			data: []byte{0x80, byte(i)}, from: from, waited: time.Duration(waited) * time.Millisecond,
		})
	}
	before := b.Sheds()
	c.take(packets, time.Now(), b, &shed)
	if want := []byte{0, 4, 5, 7}; !slices.Equal(got, want) {
		t.Errorf("took %v, want %v", got, want)
	}
	if sheds, stale := b.Sheds()-before, c.Stats().Stale; sheds != 2 || stale != 4 {
		t.Errorf("%d packets dropped in %d times, want 4 in 2", stale, sheds)
	}
}
