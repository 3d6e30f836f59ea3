package netns

import (
	"fmt"
	"os/exec"
	"testing"
	"time"
)

// fault is something that operators get wrong, or networks do, and what has to be said of it.
type fault struct {
	name    string
	place   place
	serving serving
	around  func(t *testing.T, l *lab) // what else has to be there, nil for nothing

	doctored string // script ahead of the doctor on the server's machine

	server  []finding // by `parley doctor` there
	outside []finding // by `parley doctor --from-outside` at the guest's
	page    string    // expression for the sentence of /diagnostics/ in the guest's browser, "" where that says nothing
	ways    []string  // rows of that page which have to be good all the same
}

// faults are those that are planted. The first is none.
func faults() []fault {
	external := []string{
		"--turn-port", "0", "--turn-external-secret", "left",
		"--turn-external-urls", "turn:198.51.100.2:3478?transport=udp,turn:198.51.100.2:3478?transport=tcp",
	}
	return []fault{
		{
			name:   "none",
			server: []finding{{"ok", `^call by UDP`, `both ways`}}, outside: []finding{{"ok", `^call by UDP`, `both ways`}},
		},
		{
			name: "media port closed", place: place{closed: string(noMedia)},
			outside: []finding{{"warning", `^call by UDP`, `7000/udp at 203\.0\.113\.10 does not answer.*open 7000/udp`}},
			page:    `^Calls work here by a detour: the server’s port 7000/udp does not answer`,
		},
		{
			name: "wrong public address", serving: serving{flags: []string{"--announce", "203.0.113.99"}},
			place:  place{nats: []nat{symmetric}}, // else the server would find the guest, and so be found
			server: []finding{{"failed", `^address`, `203\.0\.113\.99:7000 is announced, but it is no address of this machine`}},
			outside: []finding{{
				"warning", `^call by UDP`, `7000/udp at 203\.0\.113\.99 does not answer.*set announce to .*203\.0\.113\.10`,
			}},
			page: `^Calls work here by a detour: nothing answers at 203\.0\.113\.99`,
		},
		{
			name: "certificate expired", serving: serving{expired: true},
			server:  []finding{{"failed", `^certificate`, `expired on .*renew it`}},
			outside: []finding{{"failed", `^certificate`, `expired on .*renew it`}},
		},
		{
			name: "UDP blocked", place: place{nats: []nat{symmetric}, firewall: noUDP},
			outside: []finding{
				{"warning", `^call by UDP`, `does not answer.*this network blocks it`},
				{"warning", `^call by TURN/UDP`, `does not answer.*this network blocks it`},
				{"ok", `^call by TURN/TCP`, `both ways`},
			},
			page: `^Your network blocks UDP\.`, ways: []string{"socket", "tcp", "turn_tcp", "turn_tls"},
		},
		{
			name: "TURN secret wrong", serving: serving{flags: external}, around: runCoturn,
			server:  []finding{{"failed", `^external TURN`, `401.*turn_external_secret`}},
			outside: []finding{{"warning", `^call by TURN/UDP`, `refuses the credentials \(401\)`}},
			page:    `the relay refuses the credentials that this server gives`,
		},
		{
			name: "tiny buffers", doctored: tinyBuffers,
			server: []finding{{"warning", `^UDP buffers`, `sysctl -w net\.core\.rmem_max=\d+ net\.core\.wmem_max=\d+`}},
		},
	}
}

// TestPageNamesTheFault does the same with the page that looks for faults.
func TestPageNamesTheFault(t *testing.T) {
	for _, fault := range faults() {
		if fault.page == "" {
			continue
		}
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			l := build(t, fault.place)
			if fault.around != nil {
				fault.around(t, l)
			}
			l.diagnose(l.guest, l.serve(fault.serving)).check(t, fault.page, fault.ways...)
		})
	}
}

// tinyBuffers has the kernel seem to allow next to nothing: the real limits are those of the whole machine, which is
// not ours to change. `ip netns exec` gives every program mounts of its own.
const tinyBuffers = `
	echo 4096 >"$1/limit"
	mount --bind "$1/limit" /proc/sys/net/core/rmem_max
	mount --bind "$1/limit" /proc/sys/net/core/wmem_max`

// runCoturn runs a TURN server elsewhere, whose secret is "right".
func runCoturn(t *testing.T, l *lab) {
	t.Helper()
	if _, err := exec.LookPath("turnserver"); err != nil {
		t.Fatal("no coturn here (run make packages)")
	}
	cmd := l.other.command("turnserver", "-n", "--use-auth-secret", "--static-auth-secret=right", "--realm=parley",
		"--listening-ip=198.51.100.2", "--no-cli", "--no-tls", "--no-dtls", "--log-file=stdout",
		"--pidfile="+t.TempDir()+"/pid")
	p := launch(t, cmd)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.ended
	})
	l.other.sh(`timeout 20 sh -c 'until grep -q :0D96 /proc/net/udp; do sleep 0.05; done'`) // port 3478
}

// TestDoctorNamesTheFault plants each fault, and asks the doctor on both sides.
func TestDoctorNamesTheFault(t *testing.T) {
	for _, fault := range faults() {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			l := build(t, fault.place)
			if fault.around != nil {
				fault.around(t, l)
			}
			s := l.serve(fault.serving)
			began := time.Now()
			l.server.examine(s, fault.doctored, s.flags...).check(t, "on the server's machine", fault.server)
			l.guest.examine(s, "", "--from-outside", url).check(t, "at the guest's", fault.outside)
			t.Log(fmt.Sprint("examined for ", time.Since(began).Round(100*time.Millisecond)))
		})
	}
}
