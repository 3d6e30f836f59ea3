package signaling

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"parley/auth"
	"parley/signaling/protocol"
)

func TestJoinsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		c := f.open("ann")
		for range joinsAllowed {
			c.join("red")
			time.Sleep(10 * time.Millisecond) // fewer frames than are a flood
		}
		peers := f.media.count()
		for range 50 {
			c.refused(`"blue"`, protocol.ErrorFull, "too many joins")
		}
		if n := f.media.count(); n != peers {
			t.Errorf("%d peers were made for refused joins", n-peers)
		}
		counts := f.hub.Counters().Read()
		if counts.Limits[limitJoins] != 50 || counts.FailedJoins[protocol.ErrorFull] != 50 {
			t.Errorf("counted %v and %v", counts.Limits, counts.FailedJoins)
		}
		time.Sleep(joinsSpan)
		c.join("blue")
	})
}

func TestAppsHaveQuotas(t *testing.T) {
	for _, test := range []struct {
		message string
		allowed int
	}{
		{`{"floor":{"type":"raise","raised":false}}`, 30},
		{`{"rtc":{"type":"signal","recipient":"sfu","signal":{"candidate":null}}}`, 150},
		{`{"rtc":{"type":"view","tiles":[]}}`, viewsAllowed},
	} {
		synctest.Test(t, func(t *testing.T) {
			f, stop := newBubble(t, Config{})
			defer stop()
			c := f.open("ann")
			c.join("red")
			for range 3 {
				for range test.allowed {
					c.send(test.message)
				}
				c.nothing()
				for range 10 {
					c.send(test.message)
					if got := c.errorType(); got != protocol.ErrorTooFast {
						t.Fatalf("%s: told %s", test.message, got)
					}
				}
				time.Sleep(quotaSpan)
			}
			key, _, _ := strings.Cut(test.message[2:], `"`)
			if n := f.hub.Counters().Read().Limits[key]; n != 30 {
				t.Errorf("%s was counted %d times", key, n)
			}
		})
	}
}

func TestMessagesOfAppsAreBounded(t *testing.T) {
	f := newFixture(t, Config{})
	c := f.open("ann")
	c.join("red")
	c.send(`{"floor":{"type":"hand","up":true,"x":"` + strings.Repeat("a", 4<<10) + `"}}`)
	if got := c.errorType(); got != protocol.ErrorBadMessage {
		t.Errorf("told %s", got)
	}
}

func TestRoomsAreLimited(t *testing.T) {
	f := newFixture(t, Config{MaxRooms: 2})
	ann, bob, cid := f.open("ann"), f.open("bob"), f.open("cid")
	ann.join("red")
	bob.join("blue")
	cid.refused(`"green"`, protocol.ErrorFull, "as many rooms")
	cid.join("red")
	ann.html()
	ann.rtc(protocol.TypeOther, nil)
	bob.send(`{"hangup":true}`)
	eventually(t, "a room is free", func() bool { return f.hub.find("blue") == nil })
	bob.join("green")
	if n := f.hub.Counters().Read().Limits[limitRooms]; n != 1 {
		t.Errorf("counted %d", n)
	}
}

// TestSocketsOfAnAddress has sockets of the address that the bubble's pipes seem to come from.
func TestSocketsOfAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		f.hub.deps.Visitors = auth.NewVisitors(auth.Allowance{Present: 3, Visits: 6, Within: time.Minute})
		refused := func(who string) {
			t.Helper()
			conn, resp, err := f.dialer.Dial(f.base+"/ws/lobby/", header(who))
			if err == nil {
				_ = conn.Close()
				t.Fatal("let in")
			}
			after, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
			if resp.StatusCode != http.StatusTooManyRequests || after < 1 || after > 10 {
				t.Errorf("answered %d, %q", resp.StatusCode, resp.Header.Get("Retry-After"))
			}
		}
		clients := []*testClient{f.open("a"), f.open("b"), f.open("c")}
		refused("d")
		clients[0].drop()
		synctest.Wait()
		f.open("d").drop()
		synctest.Wait()
		f.open("e").drop()
		synctest.Wait()
		f.open("f").drop()
		synctest.Wait()
		refused("g") // too many in a row
		time.Sleep(10 * time.Second)
		f.open("g")
		if n := f.hub.Counters().Read().Limits[limitSockets]; n != 2 {
			t.Errorf("counted %d", n)
		}
	})
}

// TestSlowReadersCostLittle has a hundred people take nothing of what a room is told, and measures the memory.
func TestSlowReadersCostLittle(t *testing.T) {
	const readers, ceiling, size = 50, 1 << 20, 100 << 10
	f := newFixture(t, Config{QueuedBytes: ceiling})
	f.dialer.NetDialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if tcp, ok := conn.(*net.TCPConn); ok { // else the kernels keep megabytes for each
			err = errors.Join(err, tcp.SetReadBuffer(4096))
		}
		return conn, err
	}
	for i := range readers {
		conn, _, err := f.dialer.Dial(f.base+"/ws/lobby/", header(fmt.Sprint("slow", i)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"join":"red"}`)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all are there", func() bool { return f.media.count() == readers })
	f.allAnnounced()
	before, most, said := heap(), uint64(0), 0
	for f.hub.Counters().Read().Sockets > 0 {
		if said++; said > 1000 {
			t.Fatalf("%d are there still", f.hub.Counters().Read().Sockets)
		}
		if room := f.hub.find("red"); room != nil {
			room.tell([]byte(strings.Repeat("x", size)))
		}
		most = max(most, heap())
		runtime.Gosched()
	}
	t.Logf("%d messages of %d kB to %d; heap %d kB before, %d kB at most, %d kB after", said, size>>10, readers,
		before>>10, most>>10, heap()>>10)
	if most > before+8<<20 {
		t.Errorf("those who did not read cost %d kB", (most-before)>>10)
	}
	if after := heap(); after > before+2<<20 {
		t.Errorf("%d kB are left of them", (after-before)>>10)
	}
	if n := f.hub.Counters().Read().Limits[limitSlowReader]; n != readers {
		t.Errorf("counted %d", n)
	}
}

// heap is how much is in use.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
