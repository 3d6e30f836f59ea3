package e2e

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"parley/signaling/client"
)

// A machine with Docker gets another address while it serves: who comes is told of that one, and TURN answers there.
func TestInterfacesChange(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	ip(t, "link set lo up", "link add eth0 type veth peer name far", "link set eth0 up", "link set far up",
		"link add docker0 type veth peer name container", "link set docker0 up", "link set container up",
		"addr add 203.0.113.7/32 dev eth0", "addr add 172.17.0.1/16 dev docker0")
	s := launch(t, "--media-port", "7000", "--turn-port", "3478")
	var clients []*client.Client
	enter := func(name string, relayed bool, address, former string) {
		t.Helper()
		var seen told
		options := everything()
		options.OnEvent = seen.note
		if relayed {
			options.RelayOnly, options.ICEServer = true, func(url string) bool {
				return strings.Contains(url, "//"+address) || strings.Contains(url, ":"+address+":")
			}
		}
		c := s.guest(name, options)
		join(t, c, "lobby")
		clients = append(clients, c)
		allFlow(t, clients, "audio", "video")
		for _, part := range []string{address + " 7000 typ host", "turn:" + address + ":3478?transport=udp"} {
			if !seen.of(part) {
				t.Errorf("%s is not told of %q", name, part)
			}
		}
		for _, part := range []string{"172.17.0.1", former} {
			if seen.of(part) {
				t.Errorf("%s is told of %q", name, part)
			}
		}
	}
	enter("early", false, "203.0.113.7", "203.0.113.8")
	clients[0].Hangup() // whose way is about to end
	clients = nil
	ip(t, "addr add 203.0.113.8/32 dev eth0", "addr del 203.0.113.7/32 dev eth0")
	for deadline := time.Now().Add(patience); !strings.Contains(s.out.String(), "turn socket opened"); {
		if time.Now().After(deadline) {
			t.Fatal("a change goes unnoticed")
		}
		time.Sleep(50 * time.Millisecond)
	}
	enter("late", false, "203.0.113.8", "203.0.113.7")
	enter("relayed", true, "203.0.113.8", "203.0.113.7")
	for _, address := range []string{"203.0.113.8:3478", "172.17.0.1:3478"} {
		bindingAnswered(t, address)
	}
}

// bindingAnswered asks a STUN server, whose answer has to come from where it was asked.
func bindingAnswered(t *testing.T, address string) {
	t.Helper()
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := conn.Read(make([]byte, 1500)); err != nil {
		t.Errorf("%s: %v", address, err)
	}
}

// ip configures the test's own network.
func ip(t *testing.T, commands ...string) {
	t.Helper()
	for _, command := range commands {
		if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", command, err, out)
		}
	}
}

// inOwnNetwork runs the test a second time, as a process with a network of its own that reaches nobody, and reports
// whether this is that process.
func inOwnNetwork(t *testing.T) bool {
	t.Helper()
	const mark = "E2E_TEST_OWN_NETWORK"
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
	out, err := again.CombinedOutput()
	if again.Process == nil {
		t.Skip("this system gives nobody a network of their own: ", err)
	}
	t.Log(string(out))
	if err != nil {
		t.Fatal(err)
	}
	return false
}
