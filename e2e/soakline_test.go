package e2e

import (
	"context"
	"errors"
	"net"
	"sync"

	"parley/signaling/client"
)

var errUnreachable = errors.New("unreachable")

// line is a network whose websocket can also be reset and refused.
type line struct {
	network

	mu      sync.Mutex
	refuses bool     // guarded by mu: no other socket can be opened
	socket  net.Conn // guarded by mu: the latest
}

func (l *line) options() client.Options {
	options := l.network.options()
	dial := options.NetDial
	options.NetDial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if l.isRefusing() {
			return nil, errUnreachable
		}
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.socket = conn
		return conn, nil
	}
	options.Small, options.Screen, options.ComesBack = true, true, true
	return options
}

func (l *line) isRefusing() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refuses
}

func (l *line) refuse(refuses bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuses = refuses
}

// reset ends the websocket without a close frame.
func (l *line) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.socket != nil {
		_ = l.socket.Close()
	}
}

// restore ends all that was lost.
func (l *line) restore() {
	l.refuse(false)
	l.loseSocket(false)
	l.loseMedia(false)
}
