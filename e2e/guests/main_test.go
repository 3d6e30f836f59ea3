package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

func TestParse(t *testing.T) {
	o, url, count, err := parse([]string{
		"-small", "-talking", "3", "-turn", "1s", "-slots", "6", "-only", "-password", "sesame", "http://a", "red", "30",
	})
	if err != nil || url != "http://a" || count != 30 || o.talking != 3 || o.turn != time.Second ||
		o.join != (protocol.Join{Room: "red", Password: "sesame"}) {
		t.Errorf("%+v, %s, %d, %v", o, url, count, err)
	}
	if c := o.client; !c.Audio || !c.Video || !c.Small || !c.Only || c.Slots != 6 || c.Quiet != client.Silence {
		t.Errorf("client %+v", c)
	}
	if o, _, _, err = parse([]string{"http://a", "red", "2"}); err != nil || o.client.Quiet != client.Never ||
		o.talking >= 0 || !o.client.Video {
		t.Errorf("as ever: %+v, %v", o, err)
	}
	if o, _, _, err = parse([]string{"-as", "viewer", "a", "b", "1"}); err != nil || o.client.Audio || o.client.Video ||
		o.join.As != protocol.AsViewer {
		t.Errorf("a viewer: %+v, %v", o, err)
	}
	for _, args := range []string{"", "a b", "a b c", "a b 0", "-talking 3 a b 2", "-turn 0s a b 2", "a b 1 d"} {
		if _, _, _, err := parse(strings.Fields(args)); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestObey(t *testing.T) {
	clients := []*client.Client{{}, {}}
	if err := obey(clients, strings.NewReader("talk 2\nhush\ntalk 1\n")); err != nil {
		t.Error(err)
	}
	for _, line := range []string{"talk", "talk 3", "talk 0", "sing 1", ""} {
		if err := obey(clients, strings.NewReader(line+"\n")); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", line, err)
		}
	}
}
