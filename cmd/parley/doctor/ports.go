package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/gofrs/flock"

	"parley/configs"
)

const aboutPorts = "ports"

// socket is one that the server opens.
type socket struct {
	key     string // of the configuration
	network string // "udp" or "tcp"
	address string // host:port, the host empty for all addresses
}

func (s socket) String() string {
	_, port, _ := net.SplitHostPort(s.address)
	return port + "/" + s.network
}

// sockets are all that the server opens with media at mediaHost.
func sockets(cfg configs.Config, mediaHost string) []socket {
	media := net.JoinHostPort(mediaHost, strconv.Itoa(cfg.Media.Port))
	all := []socket{{"listen", "tcp", cfg.HTTP.Listen}, {"media_port", "udp", media}, {"media_port", "tcp", media}}
	if cfg.TURN.Port != 0 {
		turn := net.JoinHostPort(cfg.Media.Listen, strconv.Itoa(cfg.TURN.Port))
		all = append(all, socket{"turn_port", "udp", turn}, socket{"turn_port", "tcp", turn})
	}
	if cfg.HTTP.MetricsListen != "" {
		all = append(all, socket{"metrics_listen", "tcp", cfg.HTTP.MetricsListen})
	}
	return all
}

// open tries whether a socket can be opened, and closes it.
func (s socket) open(ctx context.Context) error {
	var config net.ListenConfig
	if s.network == "udp" {
		conn, err := config.ListenPacket(ctx, "udp", s.address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	listener, err := config.Listen(ctx, "tcp", s.address)
	if err != nil {
		return err
	}
	return listener.Close()
}

// process is one of this machine; pid is 0 if it is not known.
type process struct {
	pid  int
	name string
}

func (p process) String() string {
	if p.pid == 0 {
		return "a process that only root can name"
	}
	return fmt.Sprintf("%s (process %d)", p.name, p.pid)
}

// examinePorts tries each socket, and says who has it.
func examinePorts(ctx context.Context, wanted []socket, running process) []Finding {
	var found []Finding
	for _, s := range wanted {
		err := s.open(ctx)
		var by process
		if errors.Is(err, syscall.EADDRINUSE) {
			by = holder(s)
		}
		found = append(found, judgePort(s, err, by, running))
	}
	return merge(found)
}

// judgePort is told what came of opening a socket, who has it if somebody has, and the Parley that runs on the data
// directory, if one does.
func judgePort(s socket, err error, by, running process) Finding {
	switch {
	case err == nil && running.pid != 0:
		return failed(aboutPorts, "restart it, or give this command the configuration that it runs with",
			"%s (%s) is free, though Parley runs (process %d): it was started with another configuration", s, s.key, running.pid)
	case err == nil:
		return ok(aboutPorts, "%s is free", s)
	case errors.Is(err, syscall.EADDRINUSE) && running.pid != 0 && (by.pid == running.pid || by.pid == 0):
		return ok(aboutPorts, "%s is held by Parley", s)
	case errors.Is(err, syscall.EADDRINUSE):
		return failed(aboutPorts, "stop it, or set "+s.key+" to another port", "%s (%s) is taken by %s", s, s.key, by)
	case errors.Is(err, syscall.EACCES):
		return failed(aboutPorts, "AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or setcap "+
			"cap_net_bind_service=+ep on the binary", "%s (%s) needs the right to open ports below 1024", s, s.key)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		host, _, _ := net.SplitHostPort(s.address)
		return failed(aboutPorts, "set it to an address of an interface (ip address), or to none for all",
			"%s (%s): %s is no address of this machine", s, s.key, host)
	}
	return failed(aboutPorts, "see the error", "%s (%s): %v", s, s.key, err)
}

// merge makes one finding of all that are well.
func merge(found []Finding) []Finding {
	var well []string
	var merged []Finding
	for _, f := range found {
		if f.Level == OK {
			well = append(well, f.Seen)
		} else {
			merged = append(merged, f)
		}
	}
	if len(well) > 0 {
		merged = append([]Finding{ok(aboutPorts, "%s", strings.Join(well, ", "))}, merged...)
	}
	return merged
}

// findRunning returns the Parley that holds the lock of the data directory. Its pid is 0 if none does.
func findRunning(dataDir string) (process, error) {
	file := filepath.Join(dataDir, "lock")
	content, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return process{}, nil
	}
	if err != nil {
		return process{}, err
	}
	lock := flock.New(file, flock.SetFlag(os.O_RDONLY)) // shared, and gone at once
	free, err := lock.TryRLock()
	if err != nil {
		return process{}, err
	}
	if free {
		return process{}, lock.Close()
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || pid <= 0 {
		return process{}, fmt.Errorf("%s names no process", file)
	}
	return process{pid: pid, name: "parley"}, nil
}
