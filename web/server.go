package web

import (
	"log/slog"
	"net/http"
	"time"
)

// Limits of the HTTP server. A request has to come, and its response to be taken, in some time, so that nobody holds a
// connection by being slow. Sockets, which take over theirs, and the lobby's streams set deadlines of their own.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 2 * time.Minute // the largest asset, at 64 kbit/s
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
)

// NewServer makes the HTTP server for handler, with limits that fit it. The caller listens, serves and shuts down.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
