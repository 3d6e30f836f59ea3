//nolint:gosec // what the kernel is given is made of pointers
package egress

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	sendMany    = 32    // messages per call of sendmmsg
	maxSegments = 32    // packets per message: in long bursts 16 cost a quarter more CPU, 48 save nothing more
	maxMessage  = 65000 // bytes per message: what fits in one IP packet, with its headers
	maxFull     = 3     // messages that found the send buffer full, in a row, until the rest of the batch is dropped
)

// batchSender sends with sendmmsg, and leaves it to the kernel or the network card to cut long messages into packets
// of equal size (UDP_SEGMENT, see udp(7)).
type batchSender struct {
	socket *batchSocket     // static
	run    func(fd uintptr) // static
	batch  *Batch           // while run is running
	n      int              // messages that wait
	iov    int              // iovecs that they use
	full   int              // messages in a row that found the send buffer full
	info   [sendMany]about  // of messages
	one    message          // to send a packet by itself
	oneIov unix.Iovec       // of one

	messages [sendMany]message
	controls [sendMany]control
	iovecs   [sendMany * maxSegments]unix.Iovec
}

// about is what we know of a message.
type about struct {
	to      *Destination
	segment int // bytes of each packet; the last may be shorter
	packets int
	bytes   int
}

// control is the control message that asks for segments of a size.
type control struct {
	unix.Cmsghdr
	size uint16
	_    [6]byte // CMSG_SPACE
}

func (s *batchSocket) sender() sender {
	x := &batchSender{socket: s}
	x.run = x.sendAll
	for i := range x.controls {
		c := &x.controls[i]
		c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		c.SetLen(unix.CmsgLen(2))
	}
	x.one.Iov = &x.oneIov
	x.one.SetIovlen(1)
	return x
}

func (x *batchSender) add(b *Batch, g *group) {
	most := 1
	switch x.socket.path.method() {
	case Single:
		b.each(g, func(data []byte) { b.judge(data, x.socket.write(data, g.to.addr)) })
		return
	case GSO:
		if !g.to.noGSO.Load() {
			most = maxSegments
		}
	}
	for at := g.first; at >= 0; {
		if x.n == sendMany {
			x.send(b)
		}
		at = x.message(b, g.to, at, most)
	}
}

// message makes a message out of a packet and those that follow it to the same destination, as far as they fit, and
// returns the next one. Packets that follow each other in memory share an iovec.
func (x *batchSender) message(b *Batch, to *Destination, at int32, most int) int32 {
	m, start := &x.messages[x.n], x.iov
	segment := len(b.queued[at].data)
	info := about{to: to, segment: segment}
	for last := segment; at >= 0 && info.packets < most && last == segment; {
		data := b.queued[at].data
		last = len(data)
		if last > segment || info.bytes+last > maxMessage || last == 0 && info.packets > 0 {
			break
		}
		if !x.extend(start, data) {
			iovec := &x.iovecs[x.iov]
			iovec.Base = unsafe.SliceData(data)
			iovec.SetLen(last)
			x.iov++
		}
		info.packets++
		info.bytes += last
		at = b.queued[at].next
	}
	*m = message{}
	m.Iov = &x.iovecs[start]
	m.SetIovlen(x.iov - start)
	if info.packets > 1 {
		x.controls[x.n].size = uint16(segment)
		m.Control = (*byte)(unsafe.Pointer(&x.controls[x.n]))
		m.SetControllen(unix.CmsgSpace(2))
	}
	if !x.socket.name(m, to) {
		b.tally.failed += uint64(info.packets)
		x.iov = start
		return at
	}
	x.info[x.n] = info
	x.n++
	return at
}

// extend makes the last iovec of a message longer, if data lies where it ends.
func (x *batchSender) extend(start int, data []byte) bool {
	if x.iov == start {
		return false
	}
	last := &x.iovecs[x.iov-1]
	if uintptr(unsafe.Pointer(last.Base))+uintptr(last.Len) != uintptr(unsafe.Pointer(unsafe.SliceData(data))) {
		return false
	}
	last.SetLen(int(last.Len) + len(data))
	return true
}

func (x *batchSender) flush(b *Batch) {
	x.send(b)
	x.full = 0
}

// send sends the messages that wait.
func (x *batchSender) send(b *Batch) {
	if x.n == 0 {
		return
	}
	x.batch = b
	if err := x.socket.raw.Control(x.run); err != nil { // closed
		for i := range x.n {
			b.tally.failed += uint64(x.info[i].packets)
		}
	}
	clear(x.messages[:x.n])
	clear(x.info[:x.n])
	x.batch, x.n, x.iov = nil, 0, 0
}

// sendAll tries each message once, and once more in another way where that may help.
func (x *batchSender) sendAll(fd uintptr) {
	tally := &x.batch.tally
	for at := 0; at < x.n; {
		if x.full >= maxFull {
			tally.full += uint64(x.info[at].packets)
			at++
			continue
		}
		n, errno := x.socket.kernel.sendmmsg(fd, x.messages[at:x.n])
		tally.sends++
		if errno != 0 {
			x.refused(fd, at, errno)
			at++
			continue
		}
		x.full = 0
		for range max(n, 1) { // never 0 without an error
			tally.sent(&x.info[at])
			at++
		}
	}
}

func (t *tally) sent(info *about) {
	t.messages++
	t.packets += uint64(info.packets)
	t.bytes += uint64(info.bytes)
	if info.packets > 1 {
		t.segments += uint64(info.packets)
	}
}

// refused deals with a message that the kernel did not take.
func (x *batchSender) refused(fd uintptr, at int, errno syscall.Errno) {
	info, tally, path := &x.info[at], &x.batch.tally, x.socket.path
	switch {
	case errno == unix.EAGAIN || errno == unix.ENOBUFS:
		x.full++
		tally.full += uint64(info.packets)
	case info.packets > 1 && (errno == unix.EINVAL || errno == unix.EMSGSIZE): // longer than its path takes
		info.to.noGSO.Store(true)
		tally.refused++
		x.singly(fd, at)
	case info.packets > 1 && errno == unix.EIO: // no checksums by the network card
		path.lower(Messages, errno)
		tally.refused++
		x.singly(fd, at)
	case errno == unix.ENOSYS:
		path.lower(Single, errno)
		x.singly(fd, at)
	case errno == unix.EPERM: // by a sandbox that does not know sendmmsg, or a firewall that forbids the destination
		if x.singly(fd, at) {
			path.lower(Single, errno)
		}
	default:
		tally.failed += uint64(info.packets)
	}
}

// singly sends the packets of a message one by one, and reports whether one of them went.
func (x *batchSender) singly(fd uintptr, at int) (some bool) {
	m, info := &x.messages[at], &x.info[at]
	x.one.Name, x.one.Namelen = m.Name, m.Namelen
	for _, iovec := range unsafe.Slice(m.Iov, int(m.Iovlen)) {
		data := unsafe.Slice(iovec.Base, int(iovec.Len))
		for {
			packet := data[:min(info.segment, len(data))]
			data = data[len(packet):]
			x.oneIov.Base = unsafe.SliceData(packet)
			x.oneIov.SetLen(len(packet))
			errno := x.socket.kernel.sendmsg(fd, &x.one)
			x.batch.judge(packet, judged(errno))
			some = some || errno == 0
			if len(data) == 0 {
				break
			}
		}
	}
	x.one.Name, x.oneIov.Base = nil, nil
	return some
}

// judged is an errno as an error.
func judged(errno syscall.Errno) error {
	switch errno {
	case 0:
		return nil
	case unix.EAGAIN, unix.ENOBUFS:
		return errFull
	default:
		return errno
	}
}
