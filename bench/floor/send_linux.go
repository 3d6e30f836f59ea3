package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"parley/bench/pin"
)

const (
	arenaBytes   = 256 << 10 // sent at once: stays in a core's cache
	maxMessages  = 64        // of one sendmmsg
	feedPatience = 5 * time.Second
)

// outbox collects packets of one size for one sendmmsg.
type outbox struct {
	size     int // of a packet on the wire
	arena    []byte
	used     int
	iovs     []unix.Iovec
	messages []mmsghdr
	segments []byte // the control message that asks for segmentation
	sent     int    // packets, ever
	calls    int    // messages, ever
}

func newOutbox(packing, payload int) *outbox {
	size := payload + headerSize + tagSize
	count := max(1, min(maxMessages, arenaBytes/(size*packing)))
	o := &outbox{
		size: size, arena: make([]byte, max(count*packing, packing)*size), iovs: make([]unix.Iovec, maxMessages),
		messages: make([]mmsghdr, 0, maxMessages), segments: make([]byte, unix.CmsgSpace(2)),
	}
	setControl(o.segments, size)
	return o
}

// full says that another message with that many packets has to wait for a flush.
func (o *outbox) full(packets int) bool {
	return len(o.messages) == cap(o.messages) || o.used+packets*o.size > len(o.arena)
}

// room returns where the next packet goes.
func (o *outbox) room() []byte {
	packet := o.arena[o.used : o.used+o.size : o.used+o.size]
	o.used += o.size
	return packet
}

// queue makes one message of the last packets.
func (o *outbox) queue(to *unix.RawSockaddrInet4, packets int) {
	i := len(o.messages)
	o.messages = o.messages[:i+1]
	iov, m := &o.iovs[i], &o.messages[i]
	iov.Base = &o.arena[o.used-packets*o.size]
	iov.SetLen(packets * o.size)
	*m = mmsghdr{}
	m.Name = (*byte)(unsafe.Pointer(to)) //nolint:gosec // the kernel takes an address
	m.Namelen = unix.SizeofSockaddrInet4
	m.Iov = iov
	m.SetIovlen(1)
	if packets > 1 {
		m.Control = &o.segments[0]
		m.SetControllen(len(o.segments))
	}
	o.sent += packets
	o.calls++
}

func (o *outbox) flush(fd int) error {
	err := sendAll(fd, o.messages)
	o.messages, o.used = o.messages[:0], 0
	return err
}

// destination is one receiver with a key of its own.
type destination struct {
	*stream
	to *unix.RawSockaddrInet4
}

// forwarder is the floor itself.
type forwarder struct {
	Params
	fd           int
	in           *stream
	inbox        *inbox
	payloads     [][]byte
	destinations []destination
	out          *outbox
	cycles       int
	received     int // packets, ever
}

func newForwarder(p Params, fd int, ports []uint16) (*forwarder, error) {
	most := int(p.Packing) + 1
	key, salt := feedKey()
	in, err := newStream(key, salt, 1)
	if err != nil {
		return nil, err
	}
	f := &forwarder{Params: p, fd: fd, in: in, inbox: newInbox(most, 2048), out: newOutbox(most, p.Size)}
	for range most {
		f.payloads = append(f.payloads, make([]byte, p.Size))
	}
	for i, port := range ports {
		key[0], key[1], salt[0], salt[1] = byte(i), byte(i>>8), byte(i), byte(i>>8)
		s, err := newStream(key, salt, uint32(i+2))
		if err != nil {
			return nil, err
		}
		to := rawAddr(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port))
		f.destinations = append(f.destinations, destination{s, to})
	}
	return f, nil
}

// cycle forwards as many packets as make one message to each destination.
func (f *forwarder) cycle() error {
	n := f.packs(f.cycles)
	f.cycles++
	if f.Rate > 0 {
		if err := f.receive(n); err != nil {
			return err
		}
	}
	for i := range f.destinations {
		d := &f.destinations[i]
		if f.out.full(n) {
			if err := f.out.flush(f.fd); err != nil {
				return err
			}
		}
		for _, payload := range f.payloads[:n] {
			d.seal(f.out.room(), payload, uint32(f.cycles))
		}
		f.out.queue(d.to, n)
	}
	return f.out.flush(f.fd)
}

// receive takes n packets and decrypts them.
func (f *forwarder) receive(n int) error {
	for got := 0; got < n; {
		more, err := f.inbox.receive(f.fd, got, n, 0)
		if errors.Is(err, unix.EAGAIN) {
			return fmt.Errorf("no packet from the feeder for %v", feedPatience)
		}
		if err != nil {
			return fmt.Errorf("recvmmsg: %w", err)
		}
		for range more {
			payload, err := f.in.open(f.inbox.packet(got))
			if err != nil || len(payload) != f.Size {
				return fmt.Errorf("from the feeder: %d bytes: %w", len(payload), errors.Join(errPacket, err))
			}
			f.payloads[got] = payload
			got++
		}
	}
	f.received += n
	return nil
}

// usage is the CPU time of this process so far.
func usage() (user, system time.Duration, err error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano()), nil
}

// measure runs the floor against a sink of its own.
func measure(ctx context.Context, p Params) (Report, error) {
	if err := pin.Self(p.CPU); err != nil {
		return Report{}, err
	}
	fd, port, err := listen()
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = unix.Close(fd) }()
	patience := unix.NsecToTimeval(int64(feedPatience))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		return Report{}, fmt.Errorf("receive timeout: %w", err)
	}
	s, err := startSink(ctx, p, port)
	if err != nil {
		return Report{}, fmt.Errorf("sink: %w", err)
	}
	report, err := forward(ctx, p, fd, s)
	if stopped := s.stop(&report); err == nil && stopped != nil {
		err = fmt.Errorf("sink: %w", stopped)
	}
	return report, err
}

// forward measures the forwarding to a sink that listens.
func forward(ctx context.Context, p Params, fd int, s *sink) (Report, error) {
	runtime.LockOSThread() // one thread, which waits in the kernel
	defer runtime.UnlockOSThread()
	f, err := newForwarder(p, fd, s.ports)
	if err != nil {
		return Report{}, err
	}
	if err := s.begin(); err != nil {
		return Report{}, err
	}
	for began := time.Now(); time.Since(began) < p.Warmup; {
		if err := f.cycle(); err != nil {
			return Report{}, err
		}
	}
	sent, calls, received := f.out.sent, f.out.calls, f.received
	user, system, err := usage()
	if err != nil {
		return Report{}, err
	}
	began := time.Now()
	for ctx.Err() == nil {
		if p.Packets > 0 && f.out.sent-sent >= p.Packets || p.Packets == 0 && time.Since(began) >= p.Duration {
			break
		}
		if err := f.cycle(); err != nil {
			return Report{}, err
		}
	}
	seconds := time.Since(began).Seconds()
	userAfter, systemAfter, err := usage()
	if err != nil {
		return Report{}, err
	}
	r := Report{
		Destinations: p.Destinations, Size: p.Size, Packing: float64(f.out.sent-sent) / float64(f.out.calls-calls),
		Seconds: seconds, Sent: f.out.sent - sent, Messages: f.out.calls - calls, In: f.received - received,
		SentInAll: f.out.sent, User: (userAfter - user).Seconds(), System: (systemAfter - system).Seconds(),
	}
	r.PerPacket = (r.User + r.System) * 1e6 / float64(r.Sent)
	return r, ctx.Err()
}

// sink is the other process.
type sink struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	ports []uint16
}

func startSink(ctx context.Context, p Params, port uint16) (*sink, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	number := func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
	cmd := exec.CommandContext(ctx, self, //nolint:gosec // this very program
		"-sink", fmt.Sprintf("127.0.0.1:%d", port), "-destinations", strconv.Itoa(p.Destinations), "-size",
		strconv.Itoa(p.Size), "-packing", number(p.Packing), "-rate", number(p.Rate), "-sink-cpu", strconv.Itoa(p.SinkCPU))
	cmd.Stderr = os.Stderr
	s := &sink{cmd: cmd}
	if s.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var l listening
	if err := s.read(&l); err != nil {
		_ = s.in.Close()
		return nil, errors.Join(err, cmd.Wait())
	}
	s.ports = l.Ports
	return s, nil
}

func (s *sink) read(into any) error {
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, into)
}

func (s *sink) begin() error {
	_, err := s.in.Write([]byte("\n"))
	return err
}

// stop ends the other process and takes its count.
func (s *sink) stop(report *Report) error {
	var d drained
	_ = s.in.Close()
	err := s.read(&d)
	report.Drained = d.Packets
	return errors.Join(err, s.cmd.Wait())
}
