package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/configs"
	"parley/signaling/client"
	"parley/signaling/protocol"
)

// person is somebody with a socket to the server, in no room yet.
func person(t *testing.T, url, name string) *client.Client {
	t.Helper()
	account, err := client.LogIn(t.Context(), url, name, name+" Smith")
	if err != nil {
		t.Fatal(err)
	}
	c, err := account.Dial(t.Context(), "lobby", client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// enter wants a join to be answered with that refusal, or to succeed if there is none.
func enter(t *testing.T, c *client.Client, join protocol.Join, refusal string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := c.EnterAndWait(ctx, join)
	if refusal == "" && err != nil || refusal != "" &&
		(!errors.Is(err, client.ErrRefused) || !strings.HasSuffix(err.Error(), ": "+refusal)) {
		t.Fatalf("join as %+v: got %v, want %q", join, err, refusal)
	}
}

func TestRoomPassword(t *testing.T) {
	url := startServer(t, func(cfg *configs.Config) {
		cfg.Access.Room, cfg.Access.RoomPassword = protocol.AccessPassword, "sesame"
		cfg.Limits.MaxRoomPeople = 1
	})
	anna, ben := person(t, url, "Anna"), person(t, url, "Ben")
	enter(t, anna, protocol.Join{Room: "standup"}, protocol.ErrorPassword)
	enter(t, anna, protocol.Join{Room: "standup", Password: "barley"}, protocol.ErrorPassword)
	enter(t, anna, protocol.Join{Room: "standup", Password: "sesame"}, "")
	enter(t, ben, protocol.Join{Room: "standup", Password: "sesame"}, protocol.ErrorFull)
	enter(t, ben, protocol.Join{Room: "other", Password: "sesame"}, "")
}

// The command invites to a room of a server that runs.
func TestRoomInvitation(t *testing.T) {
	var dir string
	url := startServer(t, func(cfg *configs.Config) {
		cfg.Access.Room = protocol.AccessInvite
		dir = cfg.Store.DataDir
	})
	printed, _, err := invite(t, "standup", "--data-dir", dir)
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(strings.TrimSpace(printed), "?invite=")
	anna := person(t, url, "Anna")
	enter(t, anna, protocol.Join{Room: "standup"}, protocol.ErrorInvite)
	enter(t, anna, protocol.Join{Room: "other", Invite: token}, protocol.ErrorInvite)
	enter(t, anna, protocol.Join{Room: "standup", Invite: token}, "")
}

func TestMostPeople(t *testing.T) {
	var metrics string
	url := startServer(t, func(cfg *configs.Config) {
		cfg.Limits.MaxPeople = 1
		cfg.HTTP.MetricsListen = fmt.Sprintf("127.0.0.1:%d", freePort(t))
		metrics = "http://" + cfg.HTTP.MetricsListen + "/metrics"
	})
	gauges := func(wanted ...string) {
		t.Helper()
		body := get(t, metrics)
		for _, want := range wanted {
			if !strings.Contains(body, "\n"+want) {
				t.Errorf("no %q in %s", want, body)
			}
		}
	}
	gauges("parley_headroom_people 1\n", "parley_squeeze 0\n", "parley_load_cpu ", "parley_load_egress 0\n")
	anna, ben := person(t, url, "Anna"), person(t, url, "Ben")
	enter(t, anna, protocol.Join{Room: "standup"}, "")
	enter(t, ben, protocol.Join{Room: "other"}, protocol.ErrorFull)
	gauges("parley_headroom_people 0\n", "parley_participants 1\n")
}

func TestServerAccess(t *testing.T) {
	for access, want := range map[string]string{
		protocol.AccessOpen:     "Two names, and no password.",
		protocol.AccessPassword: "Password of this server",
		protocol.AccessInvite:   "By invitation only",
	} {
		url := startServer(t, func(cfg *configs.Config) {
			cfg.Access.Server = access
			if access == protocol.AccessPassword {
				cfg.Access.Password = "sesame"
			}
		})
		if page := get(t, url+"login/"); !strings.Contains(page, want) {
			t.Errorf("%s: %s", access, page)
		}
		_, err := client.LogIn(t.Context(), url, "Anna", "Anna Smith")
		if (err == nil) != (access == protocol.AccessOpen) {
			t.Errorf("%s: logging in: %v", access, err)
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	w, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Body.Close() }()
	content, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
