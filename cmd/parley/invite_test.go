package main

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/auth"
)

// invite runs the command and returns what it printed.
func invite(t *testing.T, args ...string) (printed, said string, err error) {
	t.Helper()
	var out, errors bytes.Buffer
	root := newRoot(fakeRun("fail"))
	root.SetOut(&out)
	root.SetErr(&errors)
	root.SetArgs(append([]string{"invite"}, args...))
	err = root.Execute()
	return out.String(), errors.String(), err
}

func TestInvite(t *testing.T) {
	dir := t.TempDir()
	invites, err := auth.NewInvites(filepath.Join(dir, "invite.key"), time.Hour) // as a running server does
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "parley.yaml")
	if err := os.WriteFile(file, []byte("listen: ':1'\ndata_dir: "+dir+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, args := range map[string][]string{
		"/r/J%C3%BCrgen/?invite=":              {"Ju\u0308rgen", "--data-dir", dir},
		"https://a.example/r/x-1/?invite=":     {"x-1", "--config", file, "--public-url", "https://a.example/"},
		"http://[::1]:8000/r/standup/?invite=": {"standup", "--data-dir=" + dir, "--public-url=http://[::1]:8000"},
	} {
		printed, said, err := invite(t, args...)
		if err != nil || !strings.HasPrefix(printed, link) || strings.Count(printed, "\n") != 1 {
			t.Errorf("%v: printed %q, %v", args, printed, err)
			continue
		}
		if !strings.HasPrefix(said, "good until 2") {
			t.Errorf("%v: said %q", args, said)
		}
		parsed, err := url.Parse(strings.TrimSpace(printed))
		if err != nil {
			t.Fatal(err)
		}
		room := strings.Trim(strings.TrimPrefix(parsed.Path, "/r"), "/")
		if !invites.Valid(parsed.Query().Get("invite"), room) {
			t.Errorf("%v: the server does not take %s", args, printed)
		}
	}
}

func TestInviteLifetime(t *testing.T) {
	dir := t.TempDir()
	_, said, err := invite(t, "standup", "--data-dir", dir, "--invite-lifetime=1h")
	if err != nil {
		t.Fatal(err)
	}
	said = strings.TrimSpace(strings.TrimPrefix(said, "good until "))
	until, err := time.ParseInLocation(time.DateTime, said, time.Local)
	if left := time.Until(until); err != nil || left < 59*time.Minute || left > time.Hour {
		t.Errorf("said %q: %s, %v", said, left, err)
	}
}

func TestInviteRefused(t *testing.T) {
	dir := t.TempDir()
	for about, test := range map[string]struct {
		args []string
		want string
	}{
		"no room":        {[]string{"--data-dir", dir}, "accepts 1 arg(s), received 0"},
		"bad room":       {[]string{"team meeting", "--data-dir", dir}, "invite: a room name has 1 to 64 letters"},
		"no directory":   {[]string{"standup", "--data-dir", dir + "/none"}, "invite: invitation key: create key: open"},
		"bad lifetime":   {[]string{"standup", "--data-dir", dir, "--invite-lifetime=1s"}, "invite_lifetime (flag"},
		"no URL":         {[]string{"standup", "--data-dir", dir, "--public-url", "a.example"}, "invite: --public-url: "},
		"URL with path":  {[]string{"standup", "--data-dir", dir, "--public-url", "https://a/b"}, "invite: --public-url: "},
		"another scheme": {[]string{"standup", "--data-dir", dir, "--public-url", "ftp://a"}, "invite: --public-url: "},
		"another flag":   {[]string{"standup", "--listen", ":80"}, "unknown flag: --listen"},
	} {
		printed, _, err := invite(t, test.args...)
		if err == nil || printed != "" || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: printed %q, %v", about, printed, err)
		}
	}
}
