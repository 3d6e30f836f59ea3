package web

import (
	"log/slog"
	"net/http"
	"time"
)

// Limits of the HTTP server. There is no limit on a whole request or response: sockets and the lobby's streams live
// long, and set deadlines of their own.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
)

// NewServer makes the HTTP server for handler, with limits that fit it. The caller listens, serves and shuts down.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
