package turn

import (
	"net/netip"
	"sync"
	"time"
)

// Relayed addresses have ports that no client's socket has by chance: a client on our own host or network may share
// the announced IP address, and systems take ports from 32768 or 49152 on by themselves.
const (
	firstPort = 1024
	lastPort  = 32767
)

// table holds who has allocated what, on all sockets of a server.
type table struct {
	// Static after construction.
	perUser, all int
	bandwidth    int // of each user, bits per second; 0: no limit

	handlers sync.WaitGroup // pion's goroutines that read from relays

	mu       sync.Mutex
	reserved map[uint16]bool             // ports that are not handed out; guarded by mu
	next     map[netip.Addr]uint16       // where to look for a free port; guarded by mu
	relays   map[netip.AddrPort]struct{} // guarded by mu
	users    map[string]*account         // guarded by mu
	left     []*account                  // without an allocation, the longest first; guarded by mu
	closed   bool                        // guarded by mu
}

func newTable(limits Limits) *table {
	return &table{
		perUser: limits.PerUser, all: limits.Allocations, bandwidth: limits.UserBandwidth,
		next: make(map[netip.Addr]uint16), relays: make(map[netip.AddrPort]struct{}), users: make(map[string]*account),
	}
}

// reserve replaces the ports that no relay gets from now on.
func (t *table) reserve(ports map[uint16]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reserved = ports
}

// take reserves a relayed address at ip for a user, on the user's account. Who gets a reason gets neither.
func (t *table) take(user string, ip netip.Addr) (netip.AddrPort, *account, reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(time.Now())
	mine := t.users[user]
	switch {
	case t.closed, len(t.relays) >= t.all:
		return netip.AddrPort{}, nil, capacity
	case mine != nil && mine.allocations >= t.perUser:
		return netip.AddrPort{}, nil, quota
	}
	// A port rests for as long as possible: the SFU may still know who had it.
	port := t.next[ip]
	for range lastPort - firstPort + 1 {
		if port < firstPort || port > lastPort {
			port = firstPort
		}
		addr := netip.AddrPortFrom(ip, port)
		port++
		if _, used := t.relays[addr]; used || t.reserved[addr.Port()] {
			continue
		}
		t.next[ip] = port
		t.relays[addr] = struct{}{}
		if mine == nil {
			mine = newAccount(user, t.bandwidth)
			t.users[user] = mine
		}
		mine.allocations++
		t.handlers.Add(1)
		return addr, mine, none
	}
	return netip.AddrPort{}, nil, capacity
}

// release gives a relay's address back.
func (t *table) release(r *relay) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.relays, r.addr)
	mine := r.account
	if mine.allocations--; mine.allocations == 0 {
		mine.left = time.Now()
		t.left = append(t.left, mine)
	}
}

// forget closes the accounts of those who left long enough ago: who comes back at once has used what they have used.
// The caller holds mu.
func (t *table) forget(now time.Time) {
	for len(t.left) > 0 && now.Sub(t.left[0].left) >= keptFor {
		if gone := t.left[0]; gone.allocations == 0 && t.users[gone.user] == gone {
			delete(t.users, gone.user)
		}
		t.left = t.left[1:]
	}
}

// ended tells that nobody reads from a relay any more.
func (t *table) ended() { t.handlers.Done() }

func (t *table) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.relays)
}

// close refuses further allocations.
func (t *table) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
}
