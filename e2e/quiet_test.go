package e2e

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

// TestLogNamesNobody has a call at the default level, with names, a chat and a wrong login, and looks for what a log
// must not keep.
func TestLogNamesNobody(t *testing.T) {
	s := start(t, "--room-access", "password", "--room-password", "opensesame77")
	ann, bob := s.guest("Annabel", client.Options{}), s.guest("Bartholomew", client.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, c := range []*client.Client{ann, bob} {
		if err := c.EnterAndWait(ctx, protocol.Join{Room: "standup", Password: "opensesame77"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []*client.Client{ann, bob} {
		await(t, c, "a call", func(s client.Snapshot) bool { return s.Connection == "connected" && len(s.People) == 1 })
	}
	ann.Send("chat", map[string]string{"type": "say", "text": "a word nobody else may read"})
	if err := ann.EnterAndWait(ctx, protocol.Join{Room: "other", Password: "guessed88"}); err == nil {
		t.Error("a wrong password opens a room")
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"screen_name": {"Cassandra"}, "name": {"Bartholomew"}}
	resp, err := (&http.Client{Jar: jar}).PostForm(s.url+"/login/", form)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	log := s.out.String()
	for _, said := range []string{"entered", "room=standup", "peer="} {
		if !strings.Contains(log, said) {
			t.Errorf("the log does not say %q", said)
		}
	}
	for _, secret := range []string{
		"Annabel", "Bartholomew", "Cassandra", "opensesame77", "guessed88", "nobody else", "parley_session", "v=0",
		"a=ice", "ice-pwd", "fingerprint", "candidate", "credential",
	} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log:\n%s", secret, log)
		}
	}
}
