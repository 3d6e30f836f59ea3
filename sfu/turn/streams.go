package turn

import (
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

// accept takes TCP connections until the listener is closed.
func (s *Server) accept(l net.Listener) {
	for pause := time.Millisecond; ; {
		conn, err := l.Accept()
		switch {
		case err == nil:
			pause = time.Millisecond
			s.serve(conn)
		case s.closed.Load() || errors.Is(err, net.ErrClosed):
			return
		default: // no file descriptors left, or the client has gone already
			time.Sleep(pause)
			pause = min(2*pause, maxPause)
		}
	}
}

// serve starts to serve a TCP connection, if there is room for it.
func (s *Server) serve(conn net.Conn) {
	st := newStream(conn, &s.counters, s.cfg.Limits.Write)
	oldest, ok := s.streams.add(st, &s.readers)
	if !ok {
		s.counters.refused[crowded].Add(1)
		_ = st.Close()
		return
	}
	if oldest != nil {
		s.counters.refused[crowded].Add(1)
		_ = oldest.Close()
	}
	if err := s.newGate(st, st).start(); err != nil {
		s.log.Error("serve a turn connection", "error", err)
		s.streams.remove(st)
		s.readers.Done()
	}
}

// streams are the TCP connections of a server. One without an allocation has little time to get one, whatever it sends;
// one with an allocation may be silent, since its allocation ends without a refresh.
type streams struct {
	// Static after construction.
	most, mostPending int
	pendingFor        time.Duration

	mu      sync.Mutex
	all     map[*stream]struct{} // guarded by mu
	waiting []*stream            // those without an allocation, the longest first; guarded by mu
	closed  bool                 // guarded by mu
}

func newStreams(limits Limits) *streams {
	return &streams{
		most: limits.Connections, mostPending: limits.Pending, pendingFor: limits.PendingFor,
		all: make(map[*stream]struct{}),
	}
}

// add takes a new connection in, counting its reader. It returns the connection that has to go in its stead, if any,
// and false if there is no room at all. Letting the oldest go means that whoever fills all places must do so again and
// again, while an honest client needs its place for a moment.
func (s *streams) add(st *stream, readers *sync.WaitGroup) (oldest *stream, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.all) >= s.most {
		return nil, false
	}
	if len(s.waiting) >= s.mostPending {
		oldest = s.waiting[0]
		s.waiting = s.waiting[1:]
	}
	readers.Add(1)
	s.all[st] = struct{}{}
	s.wait(st)
	return oldest, true
}

// wait gives a connection its time. The caller holds mu.
func (s *streams) wait(st *stream) {
	s.waiting = append(s.waiting, st)
	_ = st.SetReadDeadline(time.Now().Add(s.pendingFor))
}

// settled tells that the connection has an allocation.
func (s *streams) settled(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unwait(st)
	_ = st.SetReadDeadline(time.Time{})
}

// pending tells that the connection's allocation has ended.
func (s *streams) pending(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, here := s.all[st]; here && !slices.Contains(s.waiting, st) {
		s.wait(st)
	}
}

// remove closes a connection and forgets it.
func (s *streams) remove(st *stream) {
	s.mu.Lock()
	delete(s.all, st)
	s.unwait(st)
	s.mu.Unlock()
	_ = st.Close()
}

func (s *streams) unwait(st *stream) {
	s.waiting = slices.DeleteFunc(s.waiting, func(other *stream) bool { return other == st })
}

// close closes all connections and refuses new ones.
func (s *streams) close() {
	s.mu.Lock()
	s.closed = true
	all := s.all
	s.all, s.waiting = make(map[*stream]struct{}), nil
	s.mu.Unlock()
	for st := range all {
		_ = st.Close()
	}
}

func (s *streams) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}
