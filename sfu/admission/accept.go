package admission

import (
	"errors"
	"net"
	"time"
)

// maxPause bounds the pause after an Accept that failed.
const maxPause = time.Second

// Accept gives serve each connection that comes to the listener, until that is closed.
func Accept(l net.Listener, serve func(net.Conn)) {
	for pause := time.Millisecond; ; {
		conn, err := l.Accept()
		switch {
		case err == nil:
			pause = time.Millisecond
			serve(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default: // no file descriptors left, or the client has gone already
			time.Sleep(pause)
			pause = min(2*pause, maxPause)
		}
	}
}
