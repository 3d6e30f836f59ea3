package signaling

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// lifeInput is something that happens at a time, in seconds: the socket brings something, or the media changes.
type lifeInput struct {
	at   float64
	what string // "heard", "flows", "silent", "lost", "resumed" (the socket is), "stall" (the process sleeps until then)
}

// liveUntil runs the rule as a session's loop does, and writes down the second of every ping and change.
func liveUntil(end float64, inRoom bool, inputs []lifeInput) string {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	var l liveness
	if inRoom {
		l.enter()
	}
	var got []string
	now, heard := start, start
	for !now.After(at(end)) {
		v := l.check(now, heard)
		note := func(what string) { got = append(got, fmt.Sprintf("%s@%v", what, now.Sub(start).Seconds())) }
		if v.ping {
			note("ping")
		}
		if v.away != l.away {
			l.away = v.away
			note(map[bool]string{true: "away", false: "back"}[v.away])
		}
		if v.gone {
			note("gone")
			break
		}
		if !v.next.After(now) {
			return "busy loop at " + now.Sub(start).String()
		}
		now = v.next
		if len(inputs) > 0 && (inputs[0].what == "stall" || !at(inputs[0].at).After(now)) {
			now = at(inputs[0].at)
			switch inputs[0].what {
			case "heard":
				heard = now
			case "lost":
				l.lose(now)
			case "resumed":
				heard = now
				l.resume()
			case "flows", "silent":
				l.media(inputs[0].what == "silent", now)
			}
			inputs = inputs[1:]
		}
	}
	return strings.Join(got, " ")
}

func TestLiveness(t *testing.T) {
	for _, tt := range []struct {
		name   string
		end    float64
		inRoom bool
		inputs []lifeInput
		want   string
		pings  bool // want has the pings too
	}{
		{
			name: "answers to pings", end: 3, inRoom: true, pings: true,
			inputs: []lifeInput{{1.1, "heard"}, {2.2, "heard"}},
			want:   "ping@1 ping@2.1",
		},
		{
			name: "speaks by itself", end: 3, inRoom: true, pings: true,
			inputs: []lifeInput{{0.5, "heard"}, {1, "heard"}, {1.5, "heard"}, {2, "heard"}, {2.5, "heard"}},
			want:   "",
		},
		{
			name: "silent", end: 20, inRoom: true, pings: true,
			want: "ping@1 ping@2 ping@3 away@3 ping@4 ping@5 ping@6 ping@7 ping@8 ping@9 ping@10 ping@11 ping@12 ping@13 " +
				"ping@14 ping@15 gone@15",
		},
		{
			name: "back, and away again", end: 30, inRoom: true,
			inputs: []lifeInput{{14.5, "heard"}},
			want:   "away@3 back@14.5 away@17.5 gone@29.5",
		},
		{
			name: "media flows", end: 30, inRoom: true,
			inputs: []lifeInput{{0, "flows"}},
			want:   "",
		},
		{
			name: "media flows later", end: 30, inRoom: true,
			inputs: []lifeInput{{5, "flows"}},
			want:   "away@3 back@5",
		},
		{
			name: "media stops: 3 s of it have passed when that is told", end: 60, inRoom: true,
			inputs: []lifeInput{{0, "flows"}, {20.5, "silent"}},
			want:   "away@20.5 gone@32.5",
		},
		{
			name: "media stops, told twice, and comes back", end: 40, inRoom: true,
			inputs: []lifeInput{{0, "flows"}, {20.5, "silent"}, {21.5, "silent"}, {30.5, "flows"}},
			want:   "away@20.5 back@30.5",
		},
		{
			name: "media stops while the socket lives", end: 30, inRoom: true,
			inputs: []lifeInput{{0, "flows"}, {9.5, "heard"}, {10, "silent"}, {11.5, "heard"}},
			want:   "away@14.5 gone@26.5",
		},
		{
			name: "a socket without life for long is lost, whatever the media does", end: 60, inRoom: true,
			inputs: []lifeInput{{0, "flows"}},
			want:   "gone@45",
		},
		{
			name: "the socket is lost, and media too", end: 60, inRoom: true,
			inputs: []lifeInput{{0, "flows"}, {10, "heard"}, {10, "lost"}, {13.5, "silent"}},
			want:   "away@13.5 gone@15.5",
		},
		{
			name: "the socket is lost before there is media", end: 60, inRoom: true, pings: true,
			inputs: []lifeInput{{0.5, "lost"}},
			want:   "away@3 gone@5",
		},
		{
			name: "the socket is lost, media goes on", end: 60, inRoom: true,
			inputs: []lifeInput{{0, "flows"}, {10, "lost"}},
			want:   "gone@40",
		},
		{
			name: "the socket is lost and resumed", end: 60, inRoom: true,
			inputs: []lifeInput{{0, "flows"}, {10, "lost"}, {35, "resumed"}},
			want:   "",
		},
		{
			name: "away without a socket, resumed, and silent again", end: 60, inRoom: true,
			inputs: []lifeInput{{0, "lost"}, {4.5, "resumed"}},
			want:   "away@3 back@4.5 away@7.5 gone@19.5",
		},
		{
			name: "outside a room", end: 60, pings: true,
			inputs: []lifeInput{{15.5, "heard"}},
			want:   "ping@15 ping@30.5 ping@45.5",
		},
		{
			name: "outside a room, lost", end: 60, pings: true,
			want: "ping@15 ping@30 ping@45 gone@45",
		},
		{
			name: "our own stall is nobody's silence", end: 70, inRoom: true,
			inputs: []lifeInput{{60, "stall"}},
			want:   "away@63",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := liveUntil(tt.end, tt.inRoom, tt.inputs)
			if !tt.pings {
				got = strings.Join(slices.DeleteFunc(strings.Fields(got), func(s string) bool {
					return strings.HasPrefix(s, "ping")
				}), " ")
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
