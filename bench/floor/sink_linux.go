package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
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
	pollEvery = 100 * time.Millisecond // to look whether it is over
	inboxSize = 64
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
	var drainErr, feedErr error
	tasks.Go(func() { drainErr = d.run(&over) })
	var begin [1]byte
	if _, err := io.ReadFull(in, begin[:]); err == nil {
		if p.Rate > 0 {
			tasks.Go(func() { feedErr = feed(p, floor, &over) })
		}
		_, _ = io.Copy(io.Discard, in)
	}
	over.Store(true)
	tasks.Wait()
	if err := errors.Join(drainErr, feedErr); err != nil {
		return err
	}
	return talk.Encode(drained{d.packets})
}

// drain reads sockets as fast as it can and counts.
type drain struct {
	epoll   int
	sockets []int
	ports   []uint16
	inbox   *inbox
	packets int
}

func newDrain(sockets int) (*drain, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	d := &drain{epoll: epoll, inbox: newInbox(inboxSize, 16)} // the rest of a packet is cut off
	for range sockets {
		fd, port, err := listen()
		if err != nil {
			d.close()
			return nil, err
		}
		d.sockets, d.ports = append(d.sockets, fd), append(d.ports, port)
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
		if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
			d.close()
			return nil, fmt.Errorf("epoll_ctl: %w", err)
		}
	}
	return d, nil
}

func (d *drain) close() {
	for _, fd := range d.sockets {
		_ = unix.Close(fd)
	}
	_ = unix.Close(d.epoll)
}

// run drains until it is over and nothing has come for a while.
func (d *drain) run(over *atomic.Bool) error {
	events := make([]unix.EpollEvent, 64)
	for {
		n, err := unix.EpollWait(d.epoll, events, int(pollEvery/time.Millisecond))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("epoll_wait: %w", err)
		case n == 0 && over.Load():
			return nil
		}
		for _, event := range events[:n] {
			got, err := d.inbox.receive(int(event.Fd), 0, inboxSize, unix.MSG_DONTWAIT)
			if err != nil && !errors.Is(err, unix.EAGAIN) {
				return fmt.Errorf("recvmmsg: %w", err)
			}
			d.packets += got
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
