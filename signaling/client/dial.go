package client

import (
	"fmt"
	"net"
	"time"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
)

// dialWait is how long a TURN server may take to accept a TCP connection. Where a firewall drops without a word the
// system would try for two minutes, and pion does not close a connection before.
const dialWait = 4 * time.Second

// network is the system's, but for the time that it takes to dial.
type network struct{ *stdnet.Net }

func newNetwork() (network, error) {
	system, err := stdnet.NewNet()
	if err != nil {
		return network{}, fmt.Errorf("network: %w", err)
	}
	return network{system}, nil
}

// Interfaces are those of now: connections made later must not gather addresses that are gone.
func (network) Interfaces() ([]*transport.Interface, error) {
	now, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	return now.Interfaces()
}

// DialTCP is what pion dials TURN servers with.
func (network) DialTCP(name string, local, remote *net.TCPAddr) (transport.TCPConn, error) {
	dialer := net.Dialer{Timeout: dialWait}
	if local != nil {
		dialer.LocalAddr = local
	}
	conn, err := dialer.Dial(name, remote.String())
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}
