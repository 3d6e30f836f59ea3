package netns

import (
	"path/filepath"
	"syscall"
	"time"
)

// url is that of the pages in every lab.
const url = "https://" + hostname

// server is `parley serve` with its pages at port 443.
type server struct {
	*process
	cert certificate
}

// serve runs the server of the lab until the test ends; it must exit with status 0 then.
func (l *lab) serve(flags ...string) *server {
	l.t.Helper()
	dir := l.t.TempDir()
	cert := certify(l.t, dir, time.Now().Add(time.Hour))
	cmd := l.server.command(program(l.t, "parley"), append([]string{
		"serve", "--listen", ":443", "--public-host", hostname, "--data-dir", filepath.Join(dir, "data"),
		"--tls-cert-file", cert.file, "--tls-key-file", cert.keyFile, "--log-level", "debug",
	}, flags...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	s := &server{launch(l.t, cmd), cert}
	l.t.Cleanup(func() {
		s.stop(l.t, "the server", func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	})
	s.await(l.t, "parley serving")
	return s
}
