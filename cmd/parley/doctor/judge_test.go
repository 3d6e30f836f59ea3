package doctor

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"go.uber.org/goleak"

	"parley/configs"
	"parley/signaling/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// expect wants one finding of that level, whose text, what to do included, contains all of words.
func expect(t *testing.T, about string, got []Finding, level Level, words ...string) {
	t.Helper()
	if len(got) != 1 || got[0].Level != level {
		t.Errorf("%s: got %+v, want one that is %s", about, got, level)
		return
	}
	for _, word := range words {
		if !strings.Contains(got[0].Seen+"\n"+got[0].Do, word) {
			t.Errorf("%s: no %q in %q, %q", about, word, got[0].Seen, got[0].Do)
		}
	}
	if (level != OK) != (got[0].Do != "") {
		t.Errorf("%s: %s, and what to do is %q", about, level, got[0].Do)
	}
}

func TestText(t *testing.T) {
	report := &Report{}
	var text bytes.Buffer
	report.Each = func(f Finding) { _ = f.WriteText(&text) }
	report.Add(ok("clock", "right"), failed("disk", "make room\nsoon", "full"))
	report.Add(warning("DNS", "wait", "slow"))
	const want = "ok       clock: right\nfailed   disk: full\n         do: make room\n             soon\n" +
		"warning  DNS: slow\n         do: wait\n"
	if text.String() != want || report.Count(Failed) != 1 || report.Count(OK) != 1 {
		t.Errorf("%s", &text)
	}
	text.Reset()
	if err := report.WriteJSON(&text); err != nil ||
		!strings.Contains(text.String(), `"level": "warning",`) || strings.Contains(text.String(), `"do": ""`) {
		t.Errorf("%v, %s", err, &text)
	}
}

func TestSystem(t *testing.T) {
	one := func(f Finding) []Finding { return []Finding{f} }
	expect(t, "Debian's", one(judgeBuffers(212992, 212992)), Warning, "208 KiB in and 208 KiB out",
		"sysctl -w net.core.rmem_max=4194304 net.core.wmem_max=4194304", "/etc/sysctl.d/60-parley.conf")
	expect(t, "receiving", one(judgeBuffers(212992, 4<<20)), Warning, "sysctl -w net.core.rmem_max=4194304\n")
	expect(t, "enough", one(judgeBuffers(4<<20, 8<<20)), OK, "4096 KiB in and 8192 KiB out")
	expect(t, "in a container", one(judgeBuffers(0, 0)), OK, "does not tell")
	expect(t, "old kernels", one(judgeQueue(128)), Warning, "net.core.somaxconn=1024")
	expect(t, "queue", one(judgeQueue(4096)), OK)
	expect(t, "few files", one(judgeFiles(1024)), Warning, "LimitNOFILE=")
	expect(t, "files", one(judgeFiles(1<<20)), OK)
	expect(t, "full", one(judgeFree("it is there", 1<<20)), Failed, "1 MiB")
	expect(t, "nearly full", one(judgeFree("it is there", 500<<20)), Warning, "500 MiB")
	expect(t, "clock", one(judgeClock("ntp", -300*time.Millisecond, nil)), OK, "less than 1s")
	expect(t, "clock off", one(judgeClock("ntp", -20*time.Second, nil)), Warning, "20s off", "timedatectl")
	expect(t, "clock wrong", one(judgeClock("ntp", time.Hour, nil)), Failed, "1h0m0s off")
	expect(t, "no NTP", one(judgeClock("ntp", 0, errNTP)), OK, "not compared")
}

func TestNTP(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	answer := func(stratum byte) {
		request := make([]byte, 100)
		_, from, err := server.ReadFrom(request)
		if err != nil || request[0] != 0x23 {
			t.Errorf("request %x, %v", request[0], err)
			return
		}
		response := make([]byte, 48)
		response[0], response[1] = 0x24, stratum
		late := time.Now().Add(90 * time.Second)
		for _, at := range []int{32, 40} {
			binary.BigEndian.PutUint32(response[at:], uint32(late.Unix()+ntpEpoch))
			binary.BigEndian.PutUint32(response[at+4:], uint32(int64(late.Nanosecond())<<32/int64(time.Second)))
		}
		_, _ = server.WriteTo(response, from)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		answer(2)
		answer(0)
	}()
	at := server.LocalAddr().String()
	expect(t, "behind", []Finding{examineClock(t.Context(), at)}, Warning, "1m30s off")
	expect(t, "kiss of death", []Finding{examineClock(t.Context(), at)}, OK, "not compared")
	<-done
}

func TestDisk(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, "there", examineDisk(dir), OK, "can be written to")
	expect(t, "not there yet", examineDisk(filepath.Join(dir, "a", "b")), OK, "will be made")
	expect(t, "a file", examineDisk(file), Failed, "is none")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if found := examineDisk(dir); len(found) != 2 || found[0].Level != Warning || found[0].Do != "chmod 700 "+dir {
		t.Errorf("open to all: %+v", found)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestPorts(t *testing.T) {
	s := socket{"media_port", "udp", ":7000"}
	in := func(err error) error { return &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", err)} }
	parley, caddy := process{7, "parley"}, process{8, "caddy"}
	for about, test := range map[string]struct {
		err         error
		by, running process
		level       Level
		words       string
	}{
		"free":                     {level: OK, words: "7000/udp is free"},
		"free, though it runs":     {running: parley, level: Failed, words: "another configuration"},
		"its own":                  {err: in(syscall.EADDRINUSE), by: parley, running: parley, words: "held by Parley"},
		"its own, we are not root": {err: in(syscall.EADDRINUSE), running: parley, level: OK, words: "held by Parley"},
		"somebody else's":          {err: in(syscall.EADDRINUSE), by: caddy, level: Failed, words: "caddy (process 8)"},
		"taken before it started":  {err: in(syscall.EADDRINUSE), by: caddy, running: parley, level: Failed, words: "caddy"},
		"a stranger's":             {err: in(syscall.EADDRINUSE), level: Failed, words: "only root can name"},
		"privileged":               {err: in(syscall.EACCES), level: Failed, words: "CAP_NET_BIND_SERVICE"},
		"nowhere":                  {err: in(syscall.EADDRNOTAVAIL), level: Failed, words: "no address of this machine"},
	} {
		expect(t, about, []Finding{judgePort(s, test.err, test.by, test.running)}, test.level, test.words)
	}
}

func TestNames(t *testing.T) {
	here, old := netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("2001:db8::9")
	expect(t, "none", judgeName("", nil, nil, nil), OK, "not set")
	expect(t, "unknown", judgeName("call.test", nil, errors.New("no such host"), nil), Failed, "A record")
	expect(t, "here", judgeName("call.test", []netip.Addr{here}, nil, []netip.Addr{here}), OK, "call.test is 203.0.113.5")
	expect(t, "half", judgeName("call.test", []netip.Addr{here, old}, nil, []netip.Addr{here}), Warning,
		"of which 2001:db8::9 is neither")
	expect(t, "elsewhere", judgeName("call.test", []netip.Addr{old}, nil, []netip.Addr{here}), Warning, "is neither")
}

func TestAddresses(t *testing.T) {
	own, mine := netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("203.0.113.5")
	at := netip.AddrPortFrom(mine, 7000)
	timeout := context.DeadlineExceeded
	for about, test := range map[string]struct {
		at     netip.AddrPort
		around surroundings
		calls  error
		level  Level
		words  string
	}{
		"an interface's": {at: netip.AddrPortFrom(own, 7000), level: OK, words: "of this machine"},
		"wrong":          {at: at, calls: timeout, level: Failed, words: "no address of this machine"},
		"hairpin":        {at: at, level: OK, words: "gets through"},
		"STUN agrees":    {at: at, around: surroundings{mapped: mine}, calls: timeout, level: Warning, words: "from-outside"},
		"STUN sees another": {at: at, around: surroundings{mapped: netip.MustParseAddr("203.0.113.99")}, level: Failed,
			words: "set announce to 203.0.113.99"},
		"STUN of IPv6": {at: at, around: surroundings{mapped: netip.MustParseAddr("2001:db8::1")}, level: OK,
			words: "gets through"},
		"the name says so too": {at: at, around: surroundings{named: []netip.Addr{mine}}, calls: timeout, level: Warning,
			words: "from-outside"},
	} {
		test.around.own = []netip.Addr{own}
		expect(t, about, []Finding{judgeAddress(test.at, test.around, test.calls)}, test.level, test.words)
	}
	expect(t, "STUN silent", judgeSTUN(surroundings{server: "stun.test:3478", stunErr: timeout}), Failed,
		"stun.test:3478 (stun_discover) does not answer")
	private := []netip.AddrPort{netip.AddrPortFrom(own, 7000), netip.MustParseAddrPort("100.64.0.1:7000")}
	expect(t, "private", judgeReach(private, []netip.Addr{mine}, false), Warning, "while the name is 203.0.113.5")
	if found := append(judgeReach(append(private, at), nil, false), judgeReach(private, nil, true)...); len(found) > 0 {
		t.Errorf("well announced, and for this machine only: %+v", found)
	}
}

func TestGuestWords(t *testing.T) {
	refused := func(status int) error {
		return fmt.Errorf("dial: %w: %d %s", client.ErrRefused, status, http.StatusText(status))
	}
	one := func(f Finding) []Finding { return []Finding{f} }
	expect(t, "open", one(judgeSocket(nil, time.Second)), OK, "1000 ms")
	expect(t, "no upgrade", one(judgeSocket(refused(400), 0)), Failed, "does not pass websockets on",
		"Upgrade $http_upgrade")
	expect(t, "no Host", one(judgeSocket(refused(403), 0)), Failed, "proxy_set_header Host")
	expect(t, "password", one(judgeLogin(refused(200))), Failed, "--password")
	expect(t, "invitation", one(judgeLogin(refused(403))), Failed, "--invite")
	expect(t, "page", one(judgePage(200, `<input name="screen_name">`)), OK)
	expect(t, "closed page", one(judgePage(403, "Parley")), OK, "invitation")
	expect(t, "gateway", one(judgePage(502, "")), Failed, "a proxy that does not reach Parley (502)")
	expect(t, "another", one(judgePage(200, "Welcome to nginx!")), Failed, "something else than Parley")
	expect(t, "TCP", one(judgeTCP(netip.MustParseAddr("203.0.113.5"), "443", syscall.ECONNREFUSED)), Warning,
		"443/tcp at 203.0.113.5 refuses connections", "open 443/tcp")
	expect(t, "no IPv6", one(judgeTCP(netip.MustParseAddr("2001:db8::1"), "443", syscall.ENETUNREACH)), OK, "no IPv6")
}

func TestRemoteCalls(t *testing.T) {
	host := []netip.Addr{netip.MustParseAddr("203.0.113.5")}
	all := paths()
	udp, tcp, relay := all[0], all[1], all[2]
	timeout := fmt.Errorf("join: %w", context.DeadlineExceeded)
	blocked := outcome{path: udp, err: timeout, offered: []string{"203.0.113.5:7000"}}
	one := func(f Finding) []Finding { return []Finding{f} }
	expect(t, "UDP blocked", one(judgeRemote(blocked, nil, host, true)), Warning,
		"7000/udp at 203.0.113.5 does not answer", "calls are worse",
		"open 7000/udp in the server's firewall, and forward it")
	expect(t, "all blocked", one(judgeRemote(blocked, nil, host, false)), Failed, "7000/udp")
	wrong := outcome{path: udp, err: timeout, offered: []string{"192.0.2.1:7000", "[fd00::1]:7000"}}
	expect(t, "wrong address", one(judgeRemote(wrong, nil, host, true)), Warning,
		"set announce to 203.0.113.5", "it announces 192.0.2.1, which is not where its pages are")
	other := outcome{path: udp, err: timeout, offered: []string{"[2001:db8::5]:7000"}}
	if do := judgeRemote(other, nil, host, true).Do; strings.Contains(do, "set announce") {
		t.Errorf("pages over IPv4 alone: %s", do)
	}
	closed := outcome{path: tcp, err: timeout, offered: []string{"203.0.113.5:7000", "203.0.113.5:443"}}
	why := map[string]error{"203.0.113.5:7000": syscall.ECONNREFUSED, "203.0.113.5:443": nil}
	expect(t, "TCP closed", one(judgeRemote(closed, why, host, true)), Warning,
		"7000/tcp at 203.0.113.5 refuses connections", "443/tcp at 203.0.113.5 answers, but no media comes of it",
		"open 7000/tcp, 443/tcp")
	denied := outcome{path: relay, err: timeout, offered: []string{"call.test:3478"}}
	why = map[string]error{"call.test:3478": &stun.TurnError{ErrorCodeAttr: stun.ErrorCodeAttribute{Code: 401}}}
	expect(t, "TURN denies", one(judgeRemote(denied, why, host, true)), Warning,
		"3478/udp at call.test refuses the credentials")
	mute := outcome{path: udp, err: fmt.Errorf("%w: %w", errNoMedia, timeout), offered: []string{"203.0.113.5:7000"}}
	expect(t, "no media", one(judgeRemote(mute, nil, host, true)), Warning, "connects, but no media comes of it")
	expect(t, "not there", one(judgeRemote(outcome{path: tcp, err: errNotOffered}, nil, host, true)), OK, "left out")
	full := outcome{path: udp, err: fmt.Errorf("join: %w: full", client.ErrRefused)}
	expect(t, "full", one(judgeRemote(full, nil, host, false)), Failed, "not let in")
}

func TestPaths(t *testing.T) {
	if n := len(paths(4, 6)); n != 10 || len(paths(6)) != 5 {
		t.Errorf("%d paths", n)
	}
	for url, want := range map[string]string{
		"turn:call.test:3478?transport=udp": "TURN/UDP call.test:3478",
		"turn:call.test":                    "TURN/UDP call.test:3478",
		"turn:[2001:db8::1]?transport=tcp":  "TURN/TCP [2001:db8::1]:3478",
		"turns:call.test:443?transport=tcp": "TURN/TLS call.test:443",
		"stun:call.test":                    "",
	} {
		got := ""
		for _, p := range paths() {
			if address, serves := p.serves(url); serves {
				got += p.name + " " + address
			}
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
	if _, serves := paths(4, 6)[4].serves("turn:[2001:db8::1]"); serves {
		t.Error("an IPv6 server on a path of IPv4")
	}
	c, valid := parseCandidate("candidate:1 1 tcp 2105458943 203.0.113.5 443 typ host tcptype passive")
	moved := c.at(netip.MustParseAddrPort("127.0.0.1:7000"))
	if !valid || c.network != "tcp" || c.address.String() != "203.0.113.5:443" ||
		moved != "candidate:1 1 tcp 2105458943 127.0.0.1 7000 typ host tcptype passive" {
		t.Errorf("%+v, %v, %q", c, valid, moved)
	}
	if _, valid := parseCandidate("candidate:1 1 udp 1 x.local 443 typ host"); valid {
		t.Error("a name was taken for an address")
	}
}

func TestFamilies(t *testing.T) {
	four, six := netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("2001:db8::5")
	all := guestPaths([]netip.Addr{netip.MustParseAddr("::1")}, []netip.Addr{four})
	if len(all) != 5 || all[0].family != 0 {
		t.Errorf("without IPv6: %+v", all)
	}
	all = guestPaths([]netip.Addr{six}, []netip.Addr{four})
	if len(all) != 10 || all[4].literal || !all[5].literal {
		t.Errorf("with both: %+v", all)
	}
	for url, want := range map[string]bool{"turn:call.test": false, "turn:[2001:db8::1]": true} {
		if _, serves := all[5].serves(url); serves != want {
			t.Errorf("%s over IPv6: %v", url, serves)
		}
	}
	outcomes := []outcome{
		{path: all[0]}, {path: all[1], err: context.DeadlineExceeded},
		{path: all[2]}, {path: all[3], err: errNotOffered},
		{path: all[4], err: errNotOffered}, {path: all[5], err: errNotOffered},
	}
	var names []string
	for _, o := range tidy(outcomes) {
		names = append(names, o.path.name)
	}
	if got := strings.Join(names, ", "); got != "UDP over IPv4, UDP over IPv6, ICE-TCP, TURN/UDP" {
		t.Errorf("left are %s", got)
	}
}

func TestPlainAndACME(t *testing.T) {
	now := time.Now()
	expect(t, "behind a proxy", examineCertificate(configs.HTTP{Listen: "127.0.0.1:8000"}, "", now), OK)
	expect(t, "in the open", examineCertificate(configs.HTTP{Listen: ":8000"}, "", now), Warning, "camera")
	acme := configs.HTTP{Listen: ":443", PublicHost: "call.test", ACME: true}
	dir := t.TempDir()
	expect(t, "before the start", examineCertificate(acme, dir, now), OK, "none yet")
	acme.Listen = ":8443"
	if found := examineCertificate(acme, dir, now); len(found) != 2 || found[0].Level != Failed {
		t.Errorf("another port: %+v", found)
	}
	acme.PublicPort = 443
	expect(t, "forwarded", examineCertificate(acme, dir, now), OK, "none yet")
	files := acme
	if err := selfSigned(&files, dir, now); err != nil {
		t.Fatal(err)
	}
	expect(t, "self-signed", examineCertificate(files, "", now), Warning, "signed by itself")
	if err := os.Rename(files.TLSCertFile, filepath.Join(dir, "call.test")); err != nil {
		t.Fatal(err)
	}
	expect(t, "what ACME brought", examineCertificate(acme, dir, now), Warning, "signed by itself")
}
