//go:build !linux

package load

import "sync"

const datagramSize = 1600

// batches are the buffers of packets that wait for pion.
type batches struct{ buffers sync.Pool }

func newBatches() *batches {
	return &batches{sync.Pool{New: func() any { return new([datagramSize]byte) }}}
}

// buffer returns an empty buffer for one packet.
func (b *batches) buffer() []byte { return b.buffers.Get().(*[datagramSize]byte)[:0] }

// release gives back what buffer returned.
func (b *batches) release(data []byte) {
	if cap(data) == datagramSize {
		b.buffers.Put((*[datagramSize]byte)(data[:datagramSize]))
	}
}

func (t *tap) prepare() { _ = t.SetReadBuffer(socketBuffer) }

// read is for systems that read in batches.
func (t *tap) read(uintptr) bool { return true }

// wait takes in one packet.
func (t *tap) wait() error {
	b := t.batches.buffer()[:datagramSize]
	defer t.batches.release(b)
	n, from, err := t.ReadFromUDPAddrPort(b)
	if err != nil {
		return err
	}
	t.mu.Lock()
	if t.take(b[:n], t.clock.now()) {
		t.pass(b[:n], from)
	}
	t.mu.Unlock()
	t.urge()
	return nil
}
