package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

const headerTimeout = 5 * time.Second

// Server answers commands.
type Server struct {
	// Static after construction.
	target Target
	quiet  func(ctx context.Context) error
	http   *http.Server
	served sync.WaitGroup

	mu         sync.Mutex
	successors []net.Conn // guarded by mu: of those who wait until this process is gone
}

// Listen answers at the socket of a data directory, which this process has to have locked: a socket that a killed one has
// left there is removed. Quiet waits until nobody is in a call.
func Listen(ctx context.Context, dir string, target Target, quiet func(ctx context.Context) error,
	log *slog.Logger,
) (*Server, error) {
	path, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("control socket: remove the old one: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), listener.Close())
	}
	s := &Server{target: target, quiet: quiet}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /status", s.status)
	routes.HandleFunc("GET /quiet", s.awaitQuiet)
	routes.HandleFunc("POST /drain", s.drain)
	routes.HandleFunc("DELETE /drain", s.undrain)
	routes.HandleFunc("POST /handover", s.handOver)
	s.http = &http.Server{
		Handler: routes, ReadHeaderTimeout: headerTimeout,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	s.served.Go(func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the control socket is out of order", "error", err)
		}
	})
	return s, nil
}

// Close removes the socket. Those who wait until the process is gone go on waiting.
func (s *Server) Close() error {
	err := s.http.Close()
	s.served.Wait()
	return err
}

// Release tells those who wait that all is closed.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.successors {
		_ = conn.Close()
	}
	s.successors = nil
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.target.Status()) // fails when the client has gone
}

func (s *Server) awaitQuiet(w http.ResponseWriter, r *http.Request) {
	if s.quiet(r.Context()) == nil {
		s.status(w, r)
	}
}

func (s *Server) drain(w http.ResponseWriter, r *http.Request) {
	var limit time.Duration
	if text := r.URL.Query().Get("limit"); text != "" {
		var err error
		if limit, err = time.ParseDuration(text); err != nil || limit <= 0 {
			http.Error(w, "limit must be a duration", http.StatusBadRequest)
			return
		}
	}
	s.answer(w, r, s.target.Drain(limit))
}

func (s *Server) undrain(w http.ResponseWriter, r *http.Request) { s.answer(w, r, s.target.Undrain()) }

func (s *Server) answer(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	s.status(w, r)
}

// handOver leaves the connection open: its end is the last that this process does.
func (s *Server) handOver(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	s.successors = append(s.successors, conn)
	s.mu.Unlock()
	_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")) // who has gone does not read it
	s.target.HandOver()
}
