package turn

import "net"

// Serve takes over a TCP connection, or one of TLS, if there is room for it, and returns at once.
func (s *Server) Serve(conn net.Conn) {
	st := newStream(conn, &s.counters, s.cfg.Limits.Write)
	evicted, ok := s.streams.Add(st, func() { s.readers.Add(1) })
	if !ok || evicted {
		s.counters.refused[crowded].Add(1)
	}
	if !ok {
		_ = st.Close()
		return
	}
	if err := s.newGate(st, st).start(); err != nil {
		s.log.Error("serve a turn connection", "error", err)
		s.streams.Remove(st)
		s.readers.Done()
	}
}
