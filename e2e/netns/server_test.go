package netns

import (
	"path/filepath"
	"syscall"
	"time"
)

// url is that of the pages in every lab.
const url = "https://" + hostname

// serving is how the server is run.
type serving struct {
	flags   []string // besides those of all
	expired bool     // its certificate
}

// server is `parley serve` with its pages at port 443.
type server struct {
	*process
	cert  certificate
	flags []string
}

// serve runs the server of the lab until the test ends; it must exit with status 0 then.
func (l *lab) serve(how serving) *server {
	l.t.Helper()
	dir := l.t.TempDir()
	until := time.Now().Add(30 * 24 * time.Hour)
	if how.expired {
		until = time.Now().Add(-time.Hour)
	}
	s := &server{cert: certify(l.t, dir, until)}
	s.flags = append([]string{
		"--listen", ":443", "--public-host", hostname, "--data-dir", filepath.Join(dir, "data"),
		"--tls-cert-file", s.cert.file, "--tls-key-file", s.cert.keyFile, "--log-level", "debug",
	}, how.flags...)
	cmd := l.server.command(program(l.t, "parley"), append([]string{"serve"}, s.flags...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	s.process = launch(l.t, cmd)
	l.t.Cleanup(func() {
		s.stop(l.t, "the server", func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	})
	s.await(l.t, "parley serving")
	return s
}
