package turn

import (
	"net/netip"
	"sync"
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

	handlers sync.WaitGroup // pion's goroutines that read from relays

	mu       sync.Mutex
	reserved map[uint16]bool             // ports that are not handed out; guarded by mu
	next     map[netip.Addr]uint16       // where to look for a free port; guarded by mu
	relays   map[netip.AddrPort]struct{} // guarded by mu
	users    map[string]int              // live allocations of each; guarded by mu
	closed   bool                        // guarded by mu
}

func newTable(limits Limits) *table {
	return &table{
		perUser: limits.PerUser, all: limits.Allocations,
		next: make(map[netip.Addr]uint16), relays: make(map[netip.AddrPort]struct{}), users: make(map[string]int),
	}
}

// reserve replaces the ports that no relay gets from now on.
func (t *table) reserve(ports map[uint16]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reserved = ports
}

// take reserves a relayed address at ip for a user. Who gets a reason gets no address.
func (t *table) take(user string, ip netip.Addr) (netip.AddrPort, reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed, len(t.relays) >= t.all:
		return netip.AddrPort{}, capacity
	case t.users[user] >= t.perUser:
		return netip.AddrPort{}, quota
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
		t.users[user]++
		t.handlers.Add(1)
		return addr, none
	}
	return netip.AddrPort{}, capacity
}

// release gives a relay's address back.
func (t *table) release(r *relay) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.relays, r.addr)
	if t.users[r.user]--; t.users[r.user] == 0 {
		delete(t.users, r.user)
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
