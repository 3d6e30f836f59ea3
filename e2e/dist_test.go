package e2e

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"parley/signaling/client"
)

// nobody is the user of the image, by number: nothing has a name there.
const nobody = 65532

// static is the binary as it is handed out, for this machine.
const static = "../bin/parley"

// TestEmptyRoot runs what is handed out where nothing else is, as in the image, and has a call there.
func TestEmptyRoot(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the binaries are for Linux")
	}
	root, data := t.TempDir(), "/data"
	binary, err := os.ReadFile(static)
	if err != nil {
		t.Fatalf("%v (run make build)", err)
	}
	if err := os.WriteFile(filepath.Join(root, "parley"), binary, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, data), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/parley")
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Chroot: root}
	if os.Getuid() == 0 {
		if err := os.Chown(filepath.Join(root, data), nobody, nobody); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	} else { // who may change the root only as root of a namespace of their own
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getgid(), Size: 1}}
	}
	s := launchAs(t, cmd, "--data-dir", data, "--media-port", fmt.Sprint(freePort(t)), "--turn-port",
		fmt.Sprint(freePort(t)), "--announce", "127.0.0.1")
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(status), "CapEff:\t0000000000000000") {
		t.Errorf("it may do more than others:\n%s", status)
	}
	clients := []*client.Client{s.guest("ann", everything()), s.guest("bob", everything())}
	each(clients, func(_ int, c *client.Client) { join(t, c, "red") })
	allFlow(t, clients, "audio", "video")
}

// TestStatic wants nothing of the system that the binary runs on.
func TestStatic(t *testing.T) {
	file, err := elf.Open(static)
	if err != nil {
		t.Fatalf("%v (run make build)", err)
	}
	defer file.Close()
	libraries, err := file.ImportedLibraries()
	if err != nil || len(libraries) > 0 {
		t.Errorf("needs %v, %v", libraries, err)
	}
	for _, part := range file.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("has a loader")
		}
	}
}
