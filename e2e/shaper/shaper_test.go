package shaper

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// echo is a server that sends everything back, and tells each whom it has seen as.
func echo(t *testing.T) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buffer := make([]byte, maxDatagram)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			_, _ = conn.WriteToUDPAddrPort(fmt.Appendf(buffer[:n], " %v", from), from)
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-ended
	})
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func open(t *testing.T) *Shaper {
	t.Helper()
	server := echo(t)
	s, err := Listen(server.Addr(), server, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// dial is a client of the shaper.
func dial(t *testing.T, s *Shaper) (conn *net.UDPConn, port int) {
	t.Helper()
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(s.Address()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, conn.LocalAddr().(*net.UDPAddr).Port
}

// ask sends a packet and returns what comes back, and how long that took.
func ask(t *testing.T, conn *net.UDPConn, question string) (string, time.Duration) {
	t.Helper()
	began := time.Now()
	if _, err := conn.Write([]byte(question)); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(began.Add(patience))
	buffer := make([]byte, maxDatagram)
	n, err := conn.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:n]), time.Since(began)
}

func TestEachClientHasAPathOfItsOwn(t *testing.T) {
	s := open(t)
	a, portA := dial(t, s)
	b, portB := dial(t, s)
	if err := s.Set(portA, Path{}); !errors.Is(err, ErrClient) {
		t.Errorf("a client that has sent nothing: %v", err)
	}
	fromA, _ := ask(t, a, "a")
	fromB, _ := ask(t, b, "b")
	seenA, foundA := strings.CutPrefix(fromA, "a ")
	seenB, foundB := strings.CutPrefix(fromB, "b ")
	if !foundA || !foundB || seenA == seenB {
		t.Errorf("answers %q and %q", fromA, fromB)
	}
	if err := s.Set(portA, Path{Up: Link{Delay: 60}, Down: Link{Delay: 90}}); err != nil {
		t.Fatal(err)
	}
	if _, took := ask(t, a, "a"); took < 150*time.Millisecond {
		t.Errorf("there and back within %v", took)
	}
	if _, took := ask(t, b, "b"); took > 100*time.Millisecond {
		t.Errorf("the other's path took %v", took)
	}
	clients := s.Clients(false)
	if len(clients) != 2 || clients[0].Port != portA || clients[1].Port != portB {
		t.Fatalf("clients %+v", clients)
	}
	c := clients[0]
	if _, seen, _ := strings.Cut(seenA, ":"); seen != strconv.Itoa(c.Seen) {
		t.Errorf("seen at %s, not at %d", seenA, c.Seen)
	}
	if same, err := s.Client(c.Seen); err != nil || same.Port != portA {
		t.Errorf("by the port that the server sees: %+v, %v", same, err)
	}
	if c.Up.Packets != 2 || c.Down.Packets != 2 || c.Up.Bytes != 2*(1+overhead) || c.Path.Down.Delay != 90 {
		t.Errorf("%+v", c)
	}
}

func TestRateOfARealSocket(t *testing.T) {
	s := open(t)
	s.SetDefault(Path{Up: Link{Rate: 8_000_000, Queue: 1 << 20}})
	conn, port := dial(t, s)
	const packets, size = 200, 1000 // 200 ms
	began := time.Now()
	for range packets {
		if _, err := conn.Write(make([]byte, size-overhead)); err != nil {
			t.Fatal(err)
		}
	}
	_ = conn.SetReadDeadline(began.Add(patience))
	buffer := make([]byte, maxDatagram)
	for range packets {
		if _, err := conn.Read(buffer); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 195*time.Millisecond {
		t.Errorf("%v is faster than the bottleneck", took)
	}
	c, err := s.Client(port)
	if err != nil || c.Up.Packets != packets || c.Up.Dropped != 0 || c.Up.QueueMax < 100 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestControl(t *testing.T) {
	s := open(t)
	control := httptest.NewServer(s.Control())
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	t.Cleanup(control.Close)
	conn, port := dial(t, s)
	ask(t, conn, "a")
	put := func(path, body string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, control.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	for _, test := range []struct {
		path, body string
		want       int
	}{
		{"/", `{"down":{"rate":500000}}`, http.StatusOK},
		{"/default", `{"up":{"loss":0.5}}`, http.StatusOK},
		{fmt.Sprintf("/clients/%d", port), `{"up":{"delay":1}}`, http.StatusOK},
		{"/clients/1", `{}`, http.StatusNotFound},
		{"/clients/one", `{}`, http.StatusNotFound},
		{"/", `{"rate":1}`, http.StatusBadRequest},
	} {
		if got := put(test.path, test.body); got != test.want {
			t.Errorf("PUT %s %s: %d", test.path, test.body, got)
		}
	}
	response, err := http.Get(control.URL + "/?reset")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var clients []Client
	if err := json.NewDecoder(response.Body).Decode(&clients); err != nil {
		t.Fatal(err)
	}
	path := Path{Up: Link{Delay: 1}}
	if len(clients) != 1 || clients[0].Port != port || clients[0].Path != path || clients[0].Up.Packets != 1 {
		t.Errorf("clients %+v", clients)
	}
}
