package doctor

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const listening = "0A" // TCP_LISTEN, in /proc/net/tcp

// holder finds who has the port of a socket open, by way of /proc. What belongs to other users only root can see.
func holder(s socket) process {
	_, port, _ := net.SplitHostPort(s.address)
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return process{}
	}
	var sockets []string // as /proc/PID/fd links to them
	for _, table := range []string{s.network, s.network + "6"} {
		content, err := os.ReadFile("/proc/net/" + table)
		if err != nil {
			continue
		}
		for _, inode := range inodes(string(content), uint16(number), s.network == "tcp") {
			sockets = append(sockets, "socket:["+inode+"]")
		}
	}
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is well-formed
	for _, file := range files {
		target, err := os.Readlink(file)
		if err != nil || !slices.Contains(sockets, target) {
			continue
		}
		dir := filepath.Dir(filepath.Dir(file))
		pid, _ := strconv.Atoi(filepath.Base(dir))
		name, _ := os.ReadFile(dir + "/comm")
		return process{pid: pid, name: strings.TrimSpace(string(name))}
	}
	return process{}
}

// inodes returns those of the sockets at a port, of a table such as /proc/net/tcp.
func inodes(table string, port uint16, tcp bool) []string {
	var found []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line) // sl local_address rem_address st ... inode
		if len(fields) < 10 {
			continue
		}
		_, local, _ := strings.Cut(fields[1], ":")
		number, err := strconv.ParseUint(local, 16, 16)
		if err == nil && uint16(number) == port && (!tcp || fields[3] == listening) {
			found = append(found, fields[9])
		}
	}
	return found
}
