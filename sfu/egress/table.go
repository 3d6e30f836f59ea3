package egress

import (
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"
)

// table is a map by address that is read for each packet and seldom changed: a change makes a copy. The zero table is
// empty.
type table[V any] struct {
	current  atomic.Pointer[map[netip.AddrPort]V] // nil when empty: a lookup costs one load
	changing sync.Mutex                           // held to change
}

func (t *table[V]) get(at netip.AddrPort) (v V, ok bool) {
	current := t.current.Load()
	if current == nil {
		return v, false
	}
	v, ok = (*current)[at]
	return v, ok
}

// change replaces the table by what f makes of a copy of it, unless f fails.
func (t *table[V]) change(f func(copied map[netip.AddrPort]V) error) error {
	t.changing.Lock()
	defer t.changing.Unlock()
	copied := make(map[netip.AddrPort]V)
	if current := t.current.Load(); current != nil {
		copied = maps.Clone(*current)
	}
	if err := f(copied); err != nil {
		return err
	}
	if len(copied) == 0 {
		t.current.Store(nil)
		return nil
	}
	t.current.Store(&copied)
	return nil
}
