package turn

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"
)

// One user's bandwidth is that of all their allocations together, each way by itself; others have their own.
func TestBandwidth(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			const packets = minBurst/1000 + 200
			w := start(t, func(cfg *Config) { cfg.Limits.UserBandwidth, cfg.Limits.Queue = 8, 10*packets })
			packet := strings.Repeat("x", 1000)
			var annas []*client
			var relays []netip.AddrPort
			for range 2 {
				c := dial(t, w, network, w.user("anna", time.Hour))
				relays = append(relays, c.allocate())
				want(t, "permission", c.do(stun.MethodCreatePermission, peerAddr(media)), 0)
				annas = append(annas, c)
			}
			for i := range packets {
				c := annas[i%2]
				c.write(sendTo(peerAddr(media), packet))
				if i%20 > 17 { // so that no socket's buffer drops any for us
					want(t, "binding", c.do(stun.MethodBinding), 0)
				}
			}
			for _, c := range annas {
				want(t, "binding", c.do(stun.MethodBinding), 0)
			}
			up := len(w.media.injected)
			if over := w.Stats().OverBandwidth; up != minBurst/1000 || over != uint64(packets-up) {
				t.Errorf("up: %d of %d packets passed, %d dropped", up, packets, over)
			}
			for i := range packets {
				w.media.send(relays[i%2], packet)
			}
			if over := w.Stats().OverBandwidth; over != uint64(2*(packets-up)) {
				t.Errorf("down: %d dropped in all", over)
			}
			bert := dial(t, w, network, w.user("bert", time.Hour))
			bert.allocate()
			want(t, "permission", bert.do(stun.MethodCreatePermission, peerAddr(media)), 0)
			bert.write(sendTo(peerAddr(media), "bert's own"))
			for range up {
				w.media.next(t)
			}
			if got := w.media.next(t); got.data != "bert's own" {
				t.Fatal(got)
			}
		})
	}
}

func TestAccountLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passed := func(a *account) (bytes int) {
			for range 20_000 {
				if within(a.up, 1000) {
					bytes += 1000
				}
			}
			return bytes
		}
		fast := newAccount("anna", 20_000_000)
		if n := passed(fast); n != 1_250_000 { // 500 ms
			t.Errorf("%d bytes at once", n)
		}
		time.Sleep(100 * time.Millisecond)
		if n := passed(fast); n != 250_000 {
			t.Errorf("%d bytes after 100 ms", n)
		}
		if !within(fast.down, 1000) {
			t.Error("the other way has none left")
		}
		if n := passed(newAccount("anna", 0)); n != 20_000_000 {
			t.Errorf("%d bytes without a limit", n)
		}
	})
}

// Who ends an allocation and makes another gets no more bandwidth by that, and nobody is remembered for long.
func TestAccountsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newTable(Limits{PerUser: 2, Allocations: 100, UserBandwidth: 20_000_000})
		take := func(user string) *relay {
			addr, on, why := table.take(user, media.Addr())
			if why != none {
				t.Fatal(why)
			}
			return &relay{addr: addr, account: on}
		}
		first := take("anna")
		for within(first.account.up, 1000) {
		}
		table.release(first)
		again := take("anna")
		if again.account != first.account {
			t.Error("a new account at once")
		}
		time.Sleep(keptFor)
		if table.release(take("bert")); table.users["anna"] != again.account {
			t.Error("the account of a live allocation is closed")
		}
		table.release(again)
		time.Sleep(keptFor)
		take("carl")
		if len(table.users) != 1 || len(table.left) != 0 {
			t.Errorf("%d accounts are kept, %d wait", len(table.users), len(table.left))
		}
	})
}
