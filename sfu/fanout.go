package sfu

import (
	"slices"
	"sync"
	"sync/atomic"
)

// fanOut is who receives a track. Forwarding costs one atomic load per packet; changes copy the list.
type fanOut struct {
	list atomic.Pointer[[]*downTrack]
	mu   sync.Mutex // serialises changes
}

// load returns the receivers now. The slice must not be changed.
func (f *fanOut) load() []*downTrack {
	if list := f.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (f *fanOut) add(d *downTrack) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := append(slices.Clip(slices.Clone(f.load())), d)
	f.list.Store(&list)
}

// set replaces all receivers by list, which must not be changed afterwards.
func (f *fanOut) set(list []*downTrack) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list.Store(&list)
}

func (f *fanOut) remove(d *downTrack) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(f.load()), func(other *downTrack) bool { return other == d })
	f.list.Store(&list)
}

func (f *fanOut) len() int { return len(f.load()) }
