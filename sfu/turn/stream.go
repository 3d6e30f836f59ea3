package turn

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// sendBuffer bounds how much a TCP connection holds back in the kernel, which for media is only old: half a second at
// 2 Mbit/s. Left alone it grows to megabytes.
const sendBuffer = 128 << 10

// stream is a TCP connection as a socket that sends and receives messages. Pion has one of its own, which takes a frame
// of a length near 65535 for one of length 0, for ever.
type stream struct {
	// Static after construction.
	net.Conn
	counters *counters
	patience time.Duration // for a client that does not read

	reader  *bufio.Reader // owned by the reader
	writing sync.Mutex    // held while a message is written, so that the deadline is that message's
	close   func() error
}

func newStream(conn net.Conn, c *counters, patience time.Duration) *stream {
	if tcp, ok := conn.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = tcp.SetWriteBuffer(sendBuffer)
	}
	return &stream{
		Conn: conn, counters: c, patience: patience,
		reader: bufio.NewReaderSize(conn, 4096),
		close:  sync.OnceValue(conn.Close),
	}
}

// ReadFrom returns the next message. One that is longer than a datagram may be is dropped; what is no message at all
// ends the stream, for nobody knows where the next one begins.
func (s *stream) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		size, padding, err := s.next()
		if err != nil {
			if errors.Is(err, errNoMessage) {
				s.counters.garbage.Add(1)
			}
			return 0, nil, err
		}
		if size < min(mtu, len(p)) {
			if _, err := io.ReadFull(s.reader, p[:size]); err != nil {
				return 0, nil, err
			}
			if _, err := s.reader.Discard(padding); err != nil {
				return 0, nil, err
			}
			return size, s.RemoteAddr(), nil
		}
		s.counters.oversized.Add(1)
		if _, err := s.reader.Discard(size + padding); err != nil {
			return 0, nil, err
		}
	}
}

// next reads as much of the next message as tells its length.
func (s *stream) next() (size, padding int, err error) {
	for more := 4; ; {
		head, err := s.reader.Peek(more)
		if err != nil {
			return 0, 0, err
		}
		if size, padding, more, err = frameSize(head); more == 0 {
			return size, padding, err
		}
	}
}

// WriteTo sends a message, and cuts the connection if the client does not accept it in time: half a message cannot be
// taken back.
func (s *stream) WriteTo(p []byte, _ net.Addr) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
		return 0, err
	}
	n, err := s.Write(p)
	if err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			s.counters.stalled.Add(1)
		}
		_ = s.close()
	}
	return n, err
}

// Close ends the stream; the reader notices.
func (s *stream) Close() error { return s.close() }
