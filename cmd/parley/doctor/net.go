package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/transport/v5/stdnet"
)

const dialWait = 4 * time.Second

// dialer opens connections of one path to TURN servers. It is pion's proxy.Dialer, for TCP, and its Net, for UDP.
type dialer struct {
	*stdnet.Net

	ctx    context.Context //nolint:containedctx // pion's interfaces have none
	path   path
	here   netip.Addr  // where all servers are, whatever their name says; invalid: where it says
	secure *tls.Config // for TLS; its ServerName is that of the URL if empty
}

func newDialer(ctx context.Context, p path, here netip.Addr, secure *tls.Config) (*dialer, error) {
	system, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	return &dialer{Net: system, ctx: ctx, path: p, here: here, secure: secure}, nil
}

// Dial connects over TCP or, on a path of TLS, over TLS.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	if err := d.allowed(network); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(d.ctx, dialWait)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, d.moved(address))
	if err != nil || !d.path.tls {
		return conn, err
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if d.secure != nil {
		secure = d.secure.Clone()
	}
	if secure.ServerName == "" {
		secure.ServerName, _, _ = net.SplitHostPort(address)
	}
	client := tls.Client(conn, secure)
	if err := client.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return client, nil
}

// ResolveUDPAddr finds the server.
func (d *dialer) ResolveUDPAddr(network, address string) (*net.UDPAddr, error) {
	if err := d.allowed(network); err != nil {
		return nil, err
	}
	return net.ResolveUDPAddr(network, d.moved(address))
}

func (d *dialer) moved(address string) string {
	if _, port, err := net.SplitHostPort(address); err == nil && d.here.IsValid() {
		return net.JoinHostPort(d.here.String(), port)
	}
	return address
}

// allowed keeps to the family of the path.
func (d *dialer) allowed(network string) error {
	family := 0
	switch {
	case strings.HasSuffix(network, "4"):
		family = 4
	case strings.HasSuffix(network, "6"):
		family = 6
	}
	if family != 0 && d.path.family != 0 && family != d.path.family {
		return fmt.Errorf("%w: %s on a path of IPv%d", net.UnknownNetworkError(network), network, d.path.family)
	}
	return nil
}

// network is the path's network, such as "tcp6".
func (d *dialer) network() string {
	if d.path.family == 0 {
		return d.path.network
	}
	return fmt.Sprintf("%s%d", d.path.network, d.path.family)
}
