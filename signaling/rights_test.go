package signaling

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/sfu"
	"parley/signaling/protocol"
)

// scene is a room with ann, its host, bob, a participant, and vic, a viewer with a raised hand.
type scene struct {
	f     *fixture
	names *strings.Replacer // $ann, $bob and $vic are their channel names
	all   map[string]*testClient
}

func newScene(t *testing.T) (s *scene, stop func()) {
	f, stop := newBubble(t, Config{})
	return sceneIn(f), stop
}

func sceneIn(f *fixture) *scene {
	s := &scene{f: f, all: make(map[string]*testClient)}
	var names []string
	for _, name := range []string{"ann", "bob", "vic"} {
		s.all[name] = f.open(name)
		names = append(names, "$"+name, s.all[name].id())
		s.all[name].send(`{"join":{"room":"red","as":"` + map[bool]string{
			true: protocol.AsViewer, false: protocol.AsParticipant,
		}[name == "vic"] + `"}}`)
		s.all[name].told() // in this order
	}
	s.names = strings.NewReplacer(names...)
	s.all["vic"].send(`{"floor":{"type":"hand","up":true}}`)
	s.settle()
	return s
}

// settle waits for what is told later, and returns what everybody was told.
func (s *scene) settle() map[string][]string {
	time.Sleep(2 * time.Second)
	told := make(map[string][]string)
	for name, c := range s.all {
		told[name] = c.told()
	}
	return told
}

// bars are the calls of somebody's peer.
func (s *scene) bars(name string) string {
	return strings.Join(s.f.media.last(s.all[name].id()).log(), " ")
}

func panelOf(name string) string {
	return `{"html":"<div id=\"$short-div\">` + name + `</div>"}`
}

// rights is every row of the contract's table that is for hosts, about bob or vic.
func rights() []struct {
	name, request  string
	ann, bob, vic  []string // what each is told, in the end; what all are told is in all
	all            []string
	bobBar, vicBar string // what their peers are called
} {
	const (
		handsDown = `{"html":"<div id=\"hands\"></div>"}`
		hands     = `{"floor":{"type":"hands","hands":[]}}`
		you       = `{"floor":{"type":"you","host":%t,"on_stage":%t,"muted":%t,"camera_off":%t,"screen_off":%t,"hand":%t}}`
		limits    = `{"floor":{"type":"restricted","channel_name":"$bob","muted":%t,"camera_off":%t,"screen_off":%t}}`
		state     = `{"floor":{"type":"state","hosts":[%s],"locked":%t,"by_invitation":%t,"access":%q}}`
		gone      = `{"rtc":{"type":"disconnected","channel_name":"$bob"}}`
		ann       = `"$ann"`
	)
	other := []string{
		panelOf("vic"), `{"rtc":{"type":"other","channel_name":"$vic","user_name":"vic","short_name":"$short"}}`,
		handsDown, hands,
	}
	return []struct {
		name, request  string
		ann, bob, vic  []string
		all            []string
		bobBar, vicBar string
	}{
		{
			name: "hand", request: `{"type":"hand","channel_name":"$vic","up":false}`,
			vic: []string{fmt.Sprintf(you, false, false, false, false, false, false)}, all: []string{handsDown, hands},
		},
		{
			name: "on stage", request: `{"type":"stage","channel_name":"$vic","on":true}`,
			ann: other, bob: other,
			vic:    []string{fmt.Sprintf(you, false, true, false, false, false, false), handsDown, hands},
			vicBar: "bar:{Viewer:false Microphone:false Camera:false Screen:false}",
		},
		{
			name: "off the stage", request: `{"type":"stage","channel_name":"$bob","on":false}`,
			ann: []string{gone}, vic: []string{gone},
			bob:    []string{fmt.Sprintf(you, false, false, false, false, false, false)},
			bobBar: "bar:{Viewer:true Microphone:false Camera:false Screen:false}",
		},
		{
			name: "mute", request: `{"type":"mute","channel_name":"$bob","on":true}`,
			bob:    []string{fmt.Sprintf(you, false, true, true, false, false, false)},
			all:    []string{fmt.Sprintf(limits, true, false, false)},
			bobBar: "bar:{Viewer:false Microphone:true Camera:false Screen:false}",
		},
		{
			name: "camera", request: `{"type":"camera","channel_name":"$bob","off":true}`,
			bob:    []string{fmt.Sprintf(you, false, true, false, true, false, false)},
			all:    []string{fmt.Sprintf(limits, false, true, false)},
			bobBar: "bar:{Viewer:false Microphone:false Camera:true Screen:false}",
		},
		{
			name: "screen", request: `{"type":"screen","channel_name":"$bob","off":true}`,
			bob:    []string{fmt.Sprintf(you, false, true, false, false, true, false)},
			all:    []string{fmt.Sprintf(limits, false, false, true)},
			bobBar: "bar:{Viewer:false Microphone:false Camera:false Screen:true}",
		},
		{
			name: "remove", request: `{"type":"remove","channel_name":"$bob"}`,
			ann: []string{gone}, vic: []string{gone}, bob: []string{`{"floor":{"type":"removed"}}`}, bobBar: "close",
		},
		{
			name: "host", request: `{"type":"host","channel_name":"$bob","on":true}`,
			bob: []string{fmt.Sprintf(you, true, true, false, false, false, false)},
			all: []string{fmt.Sprintf(state, `"$ann","$bob"`, false, false, "open")},
		},
		{name: "lock", request: `{"type":"lock","on":true}`, all: []string{fmt.Sprintf(state, ann, true, false, "open")}},
		{
			name: "access", request: `{"type":"access","access":"password","password":"sesame"}`,
			all: []string{fmt.Sprintf(state, ann, false, false, "password")},
		},
		{name: "invitations only", request: `{"type":"access","access":"invite"}`,
			all: []string{fmt.Sprintf(state, ann, false, false, "invite")}},
		{
			name: "by invitation", request: `{"type":"by_invitation","on":true}`,
			all: []string{fmt.Sprintf(state, ann, false, true, "open")},
		},
	}
}

func TestFloorByAHost(t *testing.T) {
	for _, tt := range rights() {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, stop := newScene(t)
				defer stop()
				s.all["ann"].send(s.names.Replace(`{"floor":` + tt.request + `}`))
				told := s.settle()
				short := protocol.ShortName(s.all["vic"].id())
				for name, own := range map[string][]string{"ann": tt.ann, "bob": tt.bob, "vic": tt.vic} {
					want := slices.Concat(own, tt.all)
					for i := range want {
						want[i] = strings.ReplaceAll(s.names.Replace(want[i]), "$short", short)
					}
					if !slices.Equal(told[name], want) {
						t.Errorf("%s is told\n%s\nwant\n%s", name, strings.Join(told[name], "\n"), strings.Join(want, "\n"))
					}
				}
				if bob, vic := s.bars("bob"), s.bars("vic"); bob != tt.bobBar || vic != tt.vicBar || s.bars("ann") != "" {
					t.Errorf("bob's peer: %q, vic's: %q, ann's: %q", bob, vic, s.bars("ann"))
				}
			})
		})
	}
}

func TestFloorByAGuest(t *testing.T) {
	for _, tt := range rights() {
		for _, by := range []string{"bob", "vic"} {
			t.Run(tt.name+" by "+by, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, stop := newScene(t)
					defer stop()
					request := tt.request
					if strings.Contains(request, "$"+by) { // not about themselves, which may be allowed
						request = strings.ReplaceAll(request, "$"+by, map[string]string{"bob": "$vic", "vic": "$bob"}[by])
					}
					s.all[by].send(s.names.Replace(`{"floor":` + request + `}`))
					for name, frames := range s.settle() {
						var want []string
						if name == by {
							want = []string{`{"error":{"type":"forbidden","detail":"that is for hosts"}}`}
						}
						if !slices.Equal(frames, want) {
							t.Errorf("%s is told %q", name, frames)
						}
						if calls := s.bars(name); calls != "" {
							t.Errorf("%s's peer: %s", name, calls)
						}
					}
					// What a newcomer finds is what there was before.
					cid := s.f.open("cid")
					s.all["cid"] = cid
					if got := cid.join("red"); len(got) != 2 {
						t.Errorf("others %v", got)
					}
					want := []string{
						`{"floor":{"type":"state","hosts":["$ann"],"locked":false,"by_invitation":false,"access":"open"}}`,
						`{"floor":{"type":"you","host":false,"on_stage":true,"muted":false,"camera_off":false,` +
							`"screen_off":false,"hand":false}}`,
						`{"html":"<div id=\"hands\">vic</div>"}`,
						`{"floor":{"type":"hands","hands":[{"channel_name":"$vic","user_name":"vic","short_name":"` +
							protocol.ShortName(s.all["vic"].id()) + `"}]}}`,
					}
					for i := range want {
						want[i] = s.names.Replace(want[i])
					}
					if got := cid.told(); !slices.Equal(got, want) {
						t.Errorf("a newcomer is told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
					}
				})
			})
		}
	}
}

func TestFloorForAnybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t)
		defer stop()
		ask := func(who, request string) map[string][]string {
			s.all[who].send(s.names.Replace(`{"floor":` + request + `}`))
			return s.settle()
		}
		if told := ask("bob", `{"type":"hand","up":true}`); !strings.Contains(strings.Join(told["ann"], ""), "vic,bob") {
			t.Errorf("two hands: %q", told["ann"])
		}
		if told := ask("bob", `{"type":"hand","channel_name":"$bob","up":false}`); len(told["vic"]) != 2 {
			t.Errorf("a hand goes down: %q", told["vic"])
		}
		if told := ask("bob", `{"type":"stage","channel_name":"$bob","on":false}`); len(told["ann"]) != 1 {
			t.Errorf("bob goes off: %q", told["ann"])
		}
		if told := ask("bob", `{"type":"stage","channel_name":"$bob","on":true}`); len(told["ann"]) != 2 {
			t.Errorf("bob goes on: %q", told["ann"])
		}
		want := `{"floor":{"type":"invitation","path":"/r/red/?invite=to%2Bred","expires":1790000000}}`
		if told := ask("bob", `{"type":"invite"}`); len(told["bob"]) != 1 || told["bob"][0] != want {
			t.Errorf("invitation: %q", told["bob"])
		}
		if told := ask("bob", `{"type":"later","on":7}`); len(told["bob"]) != 1 ||
			!strings.Contains(told["bob"][0], protocol.ErrorBadMessage) {
			t.Errorf("a malformed field: %q", told["bob"])
		}
		if told := ask("bob", `{"type":"later"}`); len(told["bob"]) != 0 {
			t.Errorf("an unknown type: %q", told["bob"])
		}
		ask("ann", `{"type":"access","access":"invite"}`)
		if told := ask("bob", `{"type":"invite"}`); !strings.Contains(strings.Join(told["bob"], ""), "only hosts invite") {
			t.Errorf("invitation to a closed room: %q", told["bob"])
		}
	})
}

func TestWhatCannotBeDone(t *testing.T) {
	f := newFixture(t, Config{})
	ann := f.open("ann")
	refused := func(request, kind, detail string) {
		t.Helper()
		ann.send(`{"floor":` + request + `}`)
		var e protocol.Error
		ann.decode(ann.next(), protocol.KeyError, &e)
		if e.Type != kind || !strings.Contains(e.Detail, detail) {
			t.Errorf("%s: %+v", request, e)
		}
	}
	refused(`{"type":"lock","on":true}`, protocol.ErrorForbidden, "you are in no room")
	ann.join("red")
	refused(`{"type":"mute","channel_name":"nobody","on":true}`, protocol.ErrorForbidden, "nobody of that name is here")
	refused(`{"type":"host","channel_name":"`+ann.id()+`","on":false}`, protocol.ErrorForbidden, "the last host")
	refused(`{"type":"remove","channel_name":"`+ann.id()+`"}`, protocol.ErrorForbidden, "yourself")
	for _, request := range []string{
		`7`, `null`, `{}`, `{"type":""}`, `{"type":7}`, `{"type":"hand"}`, `{"type":"hand","up":"yes"}`, `{"type":"lock"}`,
		`{"type":"lock","on":1}`, `{"type":"by_invitation"}`, `{"type":"stage","on":true}`, `{"type":"mute","on":true}`,
		`{"type":"mute","channel_name":"x"}`, `{"type":"camera","channel_name":"x","on":true}`,
		`{"type":"screen","channel_name":"x"}`, `{"type":"remove"}`, `{"type":"host","channel_name":"x"}`,
		`{"type":"remove","channel_name":"` + strings.Repeat("x", protocol.MaxChannelName+1) + `"}`,
		`{"type":"access"}`, `{"type":"access","access":"closed"}`, `{"type":"access","access":"password"}`,
		`{"type":"access","access":"password","password":"` + strings.Repeat("x", protocol.MaxPassword+1) + `"}`,
	} {
		refused(request, protocol.ErrorBadMessage, "")
	}
	ann.nothing()
}

func TestRestrictedFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t)
		defer stop()
		all := sfu.Barred{Viewer: true}
		if got := s.f.media.last(s.all["vic"].id()).barred; got != all {
			t.Errorf("a viewer is barred from %+v", got)
		}
		s.all["ann"].send(s.names.Replace(`{"floor":{"type":"mute","channel_name":"$bob","on":true}}`))
		s.settle()
		s.all["bob"].send(`{"join":"red"}`) // again
		limits := s.names.Replace(`{"floor":{"type":"restricted","channel_name":"$bob","muted":true,`) +
			`"camera_off":false,"screen_off":false}}`
		told := s.settle()
		if got := s.f.media.last(s.all["bob"].id()).barred; got != (sfu.Barred{Microphone: true}) {
			t.Errorf("bob is barred from %+v", got)
		}
		if ann := told["ann"]; len(ann) != 4 || ann[3] != limits { // disconnected, the panel, other
			t.Errorf("ann is told %q", ann)
		}
		cid := s.f.open("cid")
		cid.join("red")
		if got := cid.told(); got[len(got)-1] != limits {
			t.Errorf("a newcomer is told %q", got)
		}
	})
}

func TestHostIsHandedOn(t *testing.T) {
	f := newFixture(t, Config{})
	ann, bob, cid := f.open("ann"), f.open("bob"), f.open("cid")
	ann.join("red")
	bob.join("red")
	cid.join("red")
	cid.told()
	bob.told()
	ann.send(`{"hangup":true}`)
	cid.until(`{"floor":{"type":"state","hosts":["` + bob.id() + `"]`)
	bob.until(`{"floor":{"type":"you","host":true`)
}

func TestHandsAreToldAFewTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t)
		defer stop()
		for i := range 40 { // in 1 s
			s.all["bob"].send(fmt.Sprintf(`{"floor":{"type":"hand","up":%t}}`, i%2 == 0))
			time.Sleep(25 * time.Millisecond)
		}
		told := s.settle()["ann"]
		if n := len(told) / 2; n < 2 || n > 5 {
			t.Errorf("%d times", n)
		}
		if last := told[len(told)-1]; strings.Contains(last, "bob") {
			t.Errorf("in the end %s", last)
		}
	})
}

// TestHandsOfACrowd raises the hands of a large audience.
func TestHandsOfACrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		ann := f.open("ann")
		ann.join("red")
		var audience []*testClient
		for i := range crowd {
			c := f.open(fmt.Sprint("v", i))
			c.watch("red")
			audience = append(audience, c)
		}
		time.Sleep(2 * time.Second)
		ann.told()
		for _, c := range audience { // in 2 s
			c.floor(`{"type":"hand","up":true}`)
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		var told []protocol.Hands
		for _, frame := range ann.told() {
			if strings.HasPrefix(frame, `{"floor":{"type":"hands"`) {
				var hands protocol.Hands
				ann.decode(frame, protocol.KeyFloor, &hands)
				told = append(told, hands)
			}
		}
		if len(told) < 2 || len(told) > 4 {
			t.Fatalf("told %d times", len(told))
		}
		last := told[len(told)-1].Hands
		if len(last) != handsShown || last[0].ChannelName != audience[0].id() {
			t.Errorf("%d hands, the first %+v", len(last), last[0])
		}
	})
}

// TestAStageWithoutHostsOpens leaves a viewer alone where only a host lets people on stage.
func TestAStageWithoutHostsOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := newBubble(t, Config{})
		defer stop()
		ann, vic := f.open("ann"), f.open("vic")
		ann.join("red")
		vic.watch("red")
		ann.floor(`{"type":"by_invitation","on":true}`)
		goOn := `{"floor":{"type":"stage","channel_name":"` + vic.id() + `","on":true}}`
		refused := func() {
			t.Helper()
			vic.told()
			vic.send(goOn)
			if e := vic.errorType(); e != protocol.ErrorForbidden {
				t.Errorf("told %s", e)
			}
		}
		for range 2 { // who comes back in time finds it as it was
			ann.send(`{"hangup":true}`)
			ann.nothing()
			time.Sleep(hostsReturn - time.Second)
			refused()
			ann.join("red")
			time.Sleep(hostsReturn)
			refused()
		}
		ann.send(`{"hangup":true}`)
		ann.nothing()
		vic.told()
		time.Sleep(hostsReturn)
		vic.until(`{"floor":{"type":"state","hosts":[],"locked":false,"by_invitation":false`)
		vic.send(goOn)
		vic.until(`{"floor":{"type":"you","host":true,"on_stage":true`)
	})
}
