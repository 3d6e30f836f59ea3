package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"parley/bench/pin"
)

// The two processes talk in JSON lines: the sink says where it listens, the floor says when to begin and, by the end
// of its output, when to stop, and the sink says what arrived.
type (
	listening struct {
		Ports []uint16 `json:"ports"`
	}
	drained struct {
		Packets int `json:"packets"`
	}
)

const (
	pollEvery  = 100 * time.Millisecond // to look whether it is over
	inboxSize  = 64
	bufferSize = 1600
)

// serveSink opens the destinations, feeds the floor at address to and drains what it sends until in ends.
func serveSink(p Params, to string, in io.Reader, out io.Writer) error {
	if err := pin.Self(p.SinkCPU); err != nil {
		return err
	}
	floor, err := netip.ParseAddrPort(to)
	if err != nil {
		return err
	}
	d, err := newDrain(p.Destinations)
	if err != nil {
		return err
	}
	defer d.close()
	talk := json.NewEncoder(out)
	if err := talk.Encode(listening{d.ports}); err != nil {
		return err
	}
	var tasks sync.WaitGroup
	var over atomic.Bool
	var feedErr error
	if err := d.start(&over); err != nil {
		return err
	}
	var begin [1]byte
	if _, err := io.ReadFull(in, begin[:]); err == nil {
		if p.Rate > 0 {
			tasks.Go(func() { feedErr = feed(p, floor, &over) })
		}
		_, _ = io.Copy(io.Discard, in)
	}
	over.Store(true)
	tasks.Wait()
	d.running.Wait()
	if feedErr != nil {
		return feedErr
	}
	return talk.Encode(drained{int(d.packets.Load())})
}

// drain reads sockets as `parley load` does, for whose packets wake whom is a part of what sending costs: a goroutine
// each, Go's poller, recvmmsg, and arrival times from the kernel.
type drain struct {
	sockets []*net.UDPConn
	ports   []uint16
	packets atomic.Int64
	running sync.WaitGroup
}

func newDrain(sockets int) (*drain, error) {
	d := new(drain)
	for range sockets {
		socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			d.close()
			return nil, err
		}
		d.sockets = append(d.sockets, socket)
		d.ports = append(d.ports, uint16(socket.LocalAddr().(*net.UDPAddr).Port))
	}
	return d, nil
}

func (d *drain) close() {
	for _, socket := range d.sockets {
		_ = socket.Close()
	}
	d.running.Wait()
}

// start drains until nothing has come for a while after it is over.
func (d *drain) start(over *atomic.Bool) error {
	inboxes := sync.Pool{New: func() any { return newInbox(inboxSize, bufferSize) }}
	for _, socket := range d.sockets {
		raw, err := socket.SyscallConn()
		if err != nil {
			return err
		}
		if err := raw.Control(func(fd uintptr) {
			setBuffers(int(fd))
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
		}); err != nil {
			return err
		}
		d.running.Go(func() {
			for {
				_ = socket.SetReadDeadline(time.Now().Add(pollEvery))
				err := raw.Read(func(fd uintptr) bool { return d.empty(int(fd), &inboxes) })
				switch {
				case errors.Is(err, os.ErrDeadlineExceeded) && !over.Load():
				case err != nil:
					return
				}
			}
		})
	}
	return nil
}

// empty takes all that is there, and then wants to wait for more.
func (d *drain) empty(fd int, inboxes *sync.Pool) bool {
	inbox := inboxes.Get().(*inbox)
	defer inboxes.Put(inbox)
	for {
		n, err := inbox.receive(fd, 0, inboxSize, unix.MSG_DONTWAIT)
		d.packets.Add(int64(n))
		if err != nil || n < inboxSize {
			return false
		}
	}
}

// feed sends to the floor what it has to forward, as a publisher does: the packets of a message in one burst, without
// segmentation.
func feed(p Params, to netip.AddrPort, over *atomic.Bool) error {
	fd, _, err := listen()
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	key, salt := feedKey()
	s, err := newStream(key, salt, 1)
	if err != nil {
		return err
	}
	o := newOutbox(int(p.Packing)+1, p.Size)
	payload, raw := make([]byte, p.Size), rawAddr(to)
	perSecond := p.Rate / float64(p.Destinations)
	began, sent := time.Now(), 0
	for k := 0; !over.Load(); k++ {
		due := began.Add(time.Duration(float64(sent) / perSecond * float64(time.Second)))
		time.Sleep(time.Until(due))
		for range p.packs(k) {
			s.seal(o.room(), payload, uint32(k))
			o.queue(raw, 1)
			sent++
		}
		if err := o.flush(fd); err != nil {
			return err
		}
	}
	return nil
}
