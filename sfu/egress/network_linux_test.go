package egress

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A destination on our own network whose link address nobody tells fills the send buffer until the kernel gives up on
// it, seconds later. All others share that buffer.
func TestDeadNeighboursDoNotStopOthers(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	ip(t, "link set lo up", "link add name near type veth peer name far", "addr add 192.0.2.1/24 dev near",
		"link set near up", "link set far up")
	var dead []netip.AddrPort
	for _, host := range []byte{2, 3, 4, 5} {
		dead = append(dead, netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, host}), 9))
	}
	conn, err := Listen(t.Context(), "0.0.0.0:0", Options{}, discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	peer := client(t, "udp4", "127.0.0.1:0")
	packet := make([]byte, 1200)
	alive := func(conn *Conn, what string) {
		t.Helper()
		if _, err := conn.WriteToAddrPort([]byte(what), localAddr(peer)); err != nil {
			t.Fatal(err)
		}
		_ = peer.SetReadDeadline(time.Now().Add(5 * time.Second))
		b := make([]byte, 10)
		if n, err := peer.Read(b); err != nil || string(b[:n]) != what {
			t.Fatalf("%q %v", b[:n], err)
		}
	}
	start := time.Now()
	for range 500 {
		for _, to := range dead {
			if _, err := conn.WriteToAddrPort(packet, to); err != nil {
				t.Fatal(err)
			}
		}
	}
	alive(conn, "alive")
	took := time.Since(start)
	t.Logf("%d packets to dead neighbours and one to a live peer: %v, %+v", 500*len(dead), took, conn.Stats())
	if took > time.Second {
		t.Errorf("writing took %v: it waited for a neighbour", took)
	}

	// Batches in which the dead and the living are mixed.
	live := NewDestination(localAddr(peer))
	var all []*Destination
	for _, to := range dead {
		all = append(all, NewDestination(to))
	}
	start = time.Now()
	for range 100 {
		b := conn.Batch()
		for range 8 {
			for _, to := range all {
				send(b, to, packet)
			}
		}
		send(b, live, media("x"))
		b.Done()
		_ = peer.SetReadDeadline(time.Now().Add(5 * time.Second))
		if n, err := peer.Read(make([]byte, 10)); err != nil || n != 2 {
			t.Fatalf("%d bytes, %v: %+v", n, err, conn.Stats())
		}
		alive(conn, "stun")
	}
	t.Logf("100 batches, 32 packets to dead neighbours in each: %v, %+v", time.Since(start), conn.Stats())
	if took := time.Since(start); took > time.Second {
		t.Errorf("batches took %v: they waited for a neighbour", took)
	}

	// Without the big buffer packets are dropped, those to the living too, but still nobody waits.
	small := open(t, "0.0.0.0:0")
	_ = small.sockets[0].(*batchSocket).SetWriteBuffer(4096)
	start = time.Now()
	for range 500 {
		if _, err := small.WriteToAddrPort(packet, dead[0]); err != nil {
			t.Fatal(err)
		}
	}
	drops := small.Stats().WriteDrops
	for range 100 {
		b := small.Batch()
		for range 8 {
			for _, to := range all {
				send(b, to, packet)
			}
		}
		b.Done()
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("writing with a full buffer took %v", took)
	}
	s := small.Stats()
	if drops == 0 || s.WriteDrops-drops < 3000 {
		t.Errorf("the buffer was never full: %d, then %+v", drops, s)
	}

	// What pion sends finds its way while one socket of several is full.
	two, err := Listen(t.Context(), "0.0.0.0:0", Options{Shards: 2}, discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = two.Close() }()
	_ = two.sockets[0].(*batchSocket).SetWriteBuffer(4096)
	for range 10 {
		_ = two.sockets[0].write(packet, dead[0])
	}
	if err := two.sockets[0].write([]byte("x"), localAddr(peer)); !errors.Is(err, errFull) {
		t.Error("the socket is not full:", err)
	}
	alive(two, "dtls")
}

// The kernel cuts no messages into packets that are longer than the path takes; one by one it sends them in fragments.
func TestSegmentsLongerThanMTU(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	ip(t, "link set lo up mtu 1000")
	conn, err := Listen(t.Context(), "0.0.0.0:0", Options{}, discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	peer := client(t, "udp4", "127.0.0.1:0")
	to := NewDestination(localAddr(peer))
	for round := range 2 {
		sendSizes(conn, times(10, 1200), to)
		for i := range 10 {
			_ = peer.SetReadDeadline(time.Now().Add(5 * time.Second))
			if n, err := peer.Read(make([]byte, 2000)); n != 1200 || err != nil {
				t.Fatalf("round %d, packet %d: %d bytes, %v, %+v", round, i, n, err, conn.Stats())
			}
		}
	}
	if s := conn.Stats(); s.GSORefusals != 1 || s.PacketsOut != 20 || s.WriteFaults != 0 || s.Method != "gso" {
		t.Errorf("%+v", s)
	}
}

// ip configures the test's own network.
func ip(t *testing.T, commands ...string) {
	t.Helper()
	for _, command := range commands {
		if out, err := exec.CommandContext(t.Context(), "ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			t.Skipf("ip %s: %v: %s", command, err, out)
		}
	}
}

// inOwnNetwork runs the test a second time, as a process with a network of its own that reaches nobody, and reports
// whether this is that process.
func inOwnNetwork(t *testing.T) bool {
	t.Helper()
	const mark = "EGRESS_TEST_OWN_NETWORK"
	if os.Getenv(mark) != "" {
		return true
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), mark+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	var out strings.Builder
	again.Stdout, again.Stderr = &out, &out
	if err := again.Start(); err != nil {
		t.Skip("no network of its own: ", err)
	}
	err := again.Wait()
	t.Log(out.String())
	switch {
	case err != nil:
		t.Fatal(err)
	case strings.Contains(out.String(), "--- SKIP"):
		t.Skip("no network of its own")
	}
	return false
}
