package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"

	"parley/signaling/protocol"
)

const allocateWait = 4 * time.Second

// allocate asks a TURN server for a relay and gives it back. A refusal is a *stun.TurnError.
func (d *dialer) allocate(address string, credentials protocol.ICEServer) error {
	config := &turn.ClientConfig{
		Username: credentials.Username, Password: credentials.Credential, Net: d,
		LoggerFactory: &logging.DefaultLoggerFactory{Writer: io.Discard},
	}
	if d.path.network == "udp" {
		at, err := d.ResolveUDPAddr(d.network(), address)
		if err != nil {
			return err
		}
		network, local := "udp4", "0.0.0.0:0"
		if at.IP.To4() == nil {
			network, local = "udp6", "[::]:0"
		}
		config.TURNServerAddr = at.String()
		if config.Conn, err = d.ListenPacket(network, local); err != nil {
			return err
		}
	} else {
		conn, err := d.Dial(d.network(), address)
		if err != nil {
			return err
		}
		config.Conn, config.RequestedAddressFamily = turn.NewSTUNConn(conn), turn.RequestedAddressFamilyIPv4
	}
	defer func() { _ = config.Conn.Close() }()
	client, err := turn.NewClient(config)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Listen(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(d.ctx, allocateWait)
	defer cancel()
	relay, err := client.AllocateWithContext(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = os.ErrDeadlineExceeded
		}
		return fmt.Errorf("allocate: %w", err)
	}
	return relay.Close()
}

// turnCode is the error code with which a TURN server refuses, 0 if that is not what went wrong.
func turnCode(err error) stun.ErrorCode {
	var refused *stun.TurnError
	if errors.As(err, &refused) {
		return refused.ErrorCodeAttr.Code
	}
	return 0
}

// saidOf puts into words how a connection did not come about, as the end of a sentence that names where to.
func saidOf(err error) string {
	var dns *net.DNSError
	var invalid *x509.CertificateInvalidError
	var invalidValue x509.CertificateInvalidError
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var timeout net.Error
	switch {
	case err == nil:
		return "answers"
	case errors.Is(err, errNoMedia):
		return "connects, but no media comes of it"
	case errors.Is(err, errOtherPath):
		return "is not what connects: " + err.Error()
	case turnCode(err) == stun.CodeUnauthorized:
		return "refuses the credentials (401)"
	case turnCode(err) == stun.CodeAllocQuotaReached:
		return "has no relay left for this user (486)"
	case turnCode(err) != 0:
		return fmt.Sprintf("refuses (%d)", turnCode(err))
	case errors.As(err, &invalid), errors.As(err, &invalidValue):
		return "shows a certificate that is not valid now"
	case errors.As(err, &name):
		return "shows a certificate for another name"
	case errors.As(err, &authority):
		return "shows a certificate from somebody unknown"
	case errors.As(err, &dns):
		return "has no address"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refuses connections: nothing listens there, or a firewall says so"
	case errors.Is(err, syscall.EPERM):
		return "must not be sent to, says the firewall of this machine"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "cannot be reached: there is no route"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return "does not answer"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "ends the connection: something else than Parley is there, or in between"
	}
	return fmt.Sprintf("fails: %v", err)
}
