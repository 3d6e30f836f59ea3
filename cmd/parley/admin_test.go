package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/auth"
	"parley/sfu"
	"parley/sfu/egress"
	"parley/web"
)

// adminCommand runs the command and returns what it printed.
func adminCommand(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot(fakeRun("fail"))
	root.SetOut(&out)
	root.SetArgs(append([]string{"admin"}, args...))
	err := root.Execute()
	return out.String(), err
}

func TestAdminCommand(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "admin.token")
	const configured = "0123456789abcdef"
	for want, args := range map[string][]string{
		"http://127.0.0.1:8000/admin/\ntoken: in " + file + "\n": {},
		"http://localhost:9000/admin/\ntoken: in " + file + "\n": {"--listen=:9000"},
		"http://call.example.org:80/admin/\ntoken: admin_token of the configuration\n": {
			"--listen=[::]:9000", "--public-host=call.example.org", "--public-port=80", "--admin-token=" + configured,
		},
		configured + "\n": {"--token", "--admin-token=" + configured},
	} {
		if got, err := adminCommand(t, append(args, "--data-dir="+dir)...); got != want || err != nil {
			t.Errorf("%v: %q, %v", args, got, err)
		}
	}
	if got, err := adminCommand(t, "--token", "--data-dir="+dir); err == nil || !strings.Contains(err.Error(), "starts") {
		t.Errorf("before the first start: %q, %v", got, err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the command made a token")
	}
	token, err := auth.LoadOrCreateOperatorToken(file) // as a server does
	if err != nil {
		t.Fatal(err)
	}
	if got, err := adminCommand(t, "--token", "--data-dir="+dir); got != token+"\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAdminMedia(t *testing.T) {
	got := adminMedia(sfu.PeerSnapshot{
		Way: sfu.OverTCP, RTT: time.Second, LossUp: 0.1, LossDown: 0.2, Estimate: 3, Sent: 4, Received: 5, Sounds: 6,
		Tracks: []sfu.TrackSnapshot{
			{Kind: "video", Screen: true}, {Kind: "video", Codec: "vp8", Why: sfu.ForCPU, Layers: []sfu.LayerSnapshot{
				{RID: "q", Width: 1, Height: 2, FrameRate: 3, Bitrate: 4, Spatial: 5, Temporal: 6, Off: true},
			}}, {Kind: "audio", Barred: true, Receivers: 7},
		},
		Pictures: []sfu.Quality{
			{Publisher: "c"}, {Publisher: "b", Screen: true}, {Publisher: "b", Layer: 1, Layers: 2, Why: sfu.ForChoice},
		},
	}, map[string]string{"b": "Bob"})
	if got.Way != "tcp" || got.RTT != time.Second || got.LossUp != 0.1 ||
		got.LossDown != 0.2 || got.Estimate != 3 || got.Sent != 4 || got.Received != 5 || got.Sounds != 6 {
		t.Errorf("%+v", got)
	}
	audio, camera, screen := got.Tracks[0], got.Tracks[1], got.Tracks[2]
	if audio.Kind != "audio" || !audio.Barred || audio.Receivers != 7 || camera.Codec != "vp8" || camera.Why != "cpu" ||
		!screen.Screen {
		t.Errorf("tracks %+v", got.Tracks)
	}
	layer := web.AdminLayer{
		RID: "q", Width: 1, Height: 2, FrameRate: 3, Bitrate: 4, Spatial: 5, Temporal: 6, Off: true,
	}
	if len(camera.Layers) != 1 || camera.Layers[0] != layer {
		t.Errorf("layers %+v", camera.Layers)
	}
	pictures := []web.AdminPicture{
		{Publisher: "c", Name: "?"}, {Publisher: "b", Name: "Bob", Layer: 1, Layers: 2, Why: "choice"},
		{Publisher: "b", Name: "Bob", Screen: true},
	}
	for i, want := range pictures {
		if got.Pictures[i] != want {
			t.Errorf("picture %+v, not %+v", got.Pictures[i], want)
		}
	}
}

func TestTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		sent := watchTraffic(func() egress.Stats { // 100 packets of 972 bytes a second
			n := uint64(time.Since(began).Milliseconds() / 10)
			return egress.Stats{PacketsOut: n, BytesOut: 972 * n}
		})
		defer sent.close()
		if got := sent.latest(); got != (sending{}) {
			t.Errorf("at first %+v", got)
		}
		time.Sleep(5 * time.Second)
		if got, want := sent.latest(), (sending{bits: 800_000, packets: 100}); got != want {
			t.Errorf("%+v, not %+v", got, want)
		}
	})
}
