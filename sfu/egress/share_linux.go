package egress

import (
	"context"
	"net"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// mostShards is how many sockets there are at most, unless more are asked for.
const mostShards = 8

// defaultShards is one socket for each CPU that we may use.
func defaultShards() int { return min(runtime.GOMAXPROCS(0), mostShards) }

// share opens more sockets at the port of the first, among which the kernel divides the sources (SO_REUSEPORT, see
// socket(7)). The first was bound without the option, so that it failed if the port belonged to another: with it, the
// kernel would have let two servers of one user share.
func share(ctx context.Context, first *net.UDPConn, more int) (conns []*net.UDPConn, err error) {
	if more == 0 {
		return nil, nil
	}
	defer func() {
		if err != nil {
			for _, c := range conns {
				_ = c.Close()
			}
			conns = nil
		}
	}()
	raw, err := first.SyscallConn()
	if err != nil {
		return nil, err
	}
	if err := reusePort("", "", raw); err != nil {
		return nil, err
	}
	network := "udp" // both families, where the first has both
	if first.LocalAddr().(*net.UDPAddr).IP.To4() != nil {
		network = "udp4"
	}
	config := net.ListenConfig{Control: reusePort}
	for range more {
		c, err := config.ListenPacket(ctx, network, first.LocalAddr().String())
		if err != nil {
			return conns, err
		}
		conns = append(conns, c.(*net.UDPConn))
	}
	return conns, nil
}

func reusePort(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
	})
	if err != nil {
		return err
	}
	return failed
}
