package floor

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"parley/signaling/protocol"
)

// room is a floor that is told what happens in words: "ann enters", "ann mutes bob". A name is a session and a user
// alike; "ann2" is another socket of ann's session, and "ann'" another session of the same user.
type room struct {
	floor  *Floor
	people map[string]*Person
}

func newRoom(access, password string) *room {
	return &room{floor: New(access, password), people: make(map[string]*Person)}
}

func (r *room) do(words string) error {
	who, rest, _ := strings.Cut(words, " ")
	verb, what, _ := strings.Cut(rest, " ")
	switch verb {
	case "enters":
		return r.enter(who, Ticket{})
	case "watches":
		return r.enter(who, Ticket{Viewer: true})
	case "knocks": // with a password
		return r.enter(who, Ticket{Password: what})
	case "hammers":
		return r.enter(who, Ticket{Password: what, Hasty: true})
	case "shows": // an invitation
		return r.enter(who, Ticket{Invited: true})
	case "squeezes":
		return r.enter(who, Ticket{Full: "no"})
	case "hurries":
		return r.enter(who, Ticket{Busy: "now"})
	case "rejoins": // on the same socket
		p := r.people[who]
		err := r.enter(who, Ticket{Full: "no", Place: p})
		if err == nil {
			r.floor.Leave(p)
		}
		return err
	case "settles": // nobody else is expected back
		r.floor.Settle()
		return nil
	case "leaves":
		r.floor.Leave(r.people[who])
		delete(r.people, who)
		return nil
	}
	return r.request(r.people[who], verb, what)
}

func (r *room) enter(who string, t Ticket) error {
	p := &Person{ID: who, Session: strings.TrimRight(who, "2"), User: strings.TrimRight(who, "2'\"")}
	if _, err := r.floor.Enter(p, t); err != nil {
		return err
	}
	r.people[who] = p
	return nil
}

func (r *room) request(by *Person, verb, what string) error {
	f, target := r.floor, r.people[what]
	var changes Changes
	var err error
	switch verb {
	case "raises":
		changes, err = f.Hand(by, target, true)
	case "lowers":
		changes, err = f.Hand(by, target, false)
	case "lets": // on stage
		changes, err = f.Stage(by, target, true)
	case "takes": // off the stage
		changes, err = f.Stage(by, target, false)
	case "mutes":
		changes, err = f.Restrict(by, target, Microphone, true)
	case "unmutes":
		changes, err = f.Restrict(by, target, Microphone, false)
	case "hides":
		changes, err = f.Restrict(by, target, Camera, true)
	case "unshares":
		changes, err = f.Restrict(by, target, Screen, true)
	case "removes":
		changes, err = f.Remove(by, target)
	case "expels": // of whoever runs the server, and not of by
		if target == nil {
			return Nobody
		}
		changes = f.Expel(target)
	case "promotes":
		changes, err = f.SetHost(by, target, true)
	case "demotes":
		changes, err = f.SetHost(by, target, false)
	case "locks":
		err = f.Lock(by, true)
	case "unlocks":
		err = f.Lock(by, false)
	case "stages": // by invitation, or openly
		err = f.ByInvitation(by, what == "by_invitation")
	case "access":
		access, password, _ := strings.Cut(what, " ")
		err = f.SetAccess(by, access, password)
	case "invites":
		err = f.MayInvite(by)
	default:
		panic(verb)
	}
	for _, p := range changes.Removed {
		delete(r.people, p.ID)
	}
	return err
}

// String is who is there: hosts with *, viewers in brackets, and m, c, s, h for what is restricted and raised hands.
func (r *room) String() string {
	var all []string
	for _, id := range slices.Sorted(maps.Keys(r.people)) {
		p := r.people[id]
		you := p.You()
		s := id
		for _, mark := range []struct {
			set  bool
			mark string
		}{
			{you.Host, "*"}, {you.Muted, ":m"}, {you.CameraOff, ":c"}, {you.ScreenOff, ":s"}, {you.Hand, ":h"},
		} {
			if mark.set {
				s += mark.mark
			}
		}
		if !you.OnStage {
			s = "(" + s + ")"
		}
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

func TestFloor(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps []string // in order; the last of them fails with err
		err   error
		want  string
	}{
		{"the first is host", []string{"ann enters", "bob enters"}, nil, "ann* bob"},
		{"a viewer is none", []string{"vic watches", "ann enters"}, nil, "ann* (vic)"},
		{"handed on to who has been there longest",
			[]string{"ann enters", "bob enters", "cid enters", "ann leaves"}, nil, "bob* cid"},
		{"by entering, not by going on stage",
			[]string{"ann enters", "bob enters", "cid enters", "bob takes bob", "bob lets bob", "ann leaves"}, nil, "bob* cid"},
		{"rejoining is staying",
			[]string{"ann enters", "bob enters", "cid enters", "bob rejoins", "ann leaves"}, nil, "bob* cid"},
		{"leaving is not",
			[]string{"ann enters", "bob enters", "cid enters", "bob leaves", "bob enters", "ann leaves"}, nil, "bob cid*"},
		{"not to a viewer", []string{"ann enters", "vic watches", "bob enters", "ann leaves"}, nil, "bob* (vic)"},
		{"not while there is another host",
			[]string{"ann enters", "bob enters", "cid enters", "ann promotes cid", "ann leaves"}, nil, "bob cid*"},
		{"a viewer who goes on an empty stage is host",
			[]string{"ann enters", "vic watches", "ann leaves", "vic lets vic"}, nil, "vic*"},
		{"a host comes back as one",
			[]string{"ann enters", "bob enters", "ann leaves", "ann enters"}, nil, "ann* bob*"},
		{"all sockets of a session are hosts", []string{"ann enters", "ann2 watches"}, nil, "ann* (ann2*)"},
		{"handed on to a session", []string{"ann enters", "bob enters", "bob2 enters", "ann leaves"}, nil, "bob* bob2*"},
		{"a host's other socket stays one", []string{"ann enters", "ann2 enters", "bob enters", "ann leaves"}, nil,
			"ann2* bob"},

		{"promoted", []string{"ann enters", "bob enters", "ann promotes bob"}, nil, "ann* bob*"},
		{"demoted by the other", []string{"ann enters", "bob enters", "ann promotes bob", "bob demotes ann"}, nil,
			"ann bob*"},
		{"steps down", []string{"ann enters", "bob enters", "ann promotes bob", "ann demotes ann"}, nil, "ann bob*"},
		{"the last one not", []string{"ann enters", "bob enters", "ann demotes ann"}, LastHost, "ann* bob"},
		{"nor with two sockets", []string{"ann enters", "ann2 enters", "ann demotes ann"}, LastHost, "ann* ann2*"},
		{"who is no host is not the last", []string{"ann enters", "bob enters", "ann demotes bob"}, nil, "ann* bob"},
		{"a demoted host comes back as a guest",
			[]string{"ann enters", "bob enters", "ann promotes bob", "ann demotes bob", "bob leaves", "bob enters"}, nil,
			"ann* bob"},

		{"restrictions", []string{"ann enters", "bob enters", "ann mutes bob", "ann hides bob", "ann unshares bob"}, nil,
			"ann* bob:m:c:s"},
		{"taken back", []string{"ann enters", "bob enters", "ann mutes bob", "ann hides bob", "ann unmutes bob"}, nil,
			"ann* bob:c"},
		{"they hold when one comes back", []string{"ann enters", "bob enters", "ann mutes bob", "bob leaves", "bob enters"},
			nil, "ann* bob:m"},
		{"and for a new socket", []string{"ann enters", "bob enters", "ann mutes bob", "bob2 watches"}, nil,
			"ann* bob:m (bob2:m)"},
		{"and when one logs in anew", []string{"ann enters", "bob enters", "ann mutes bob", "ann hides bob",
			"ann unshares bob", "bob leaves", "bob' enters"}, nil, "ann* bob':m:c:s"},
		{"whichever session it was", []string{"ann enters", "bob enters", "bob' enters", "ann mutes bob", "bob' leaves",
			"bob leaves", "bob'' enters"}, nil, "ann* bob'':m"},
		{"unless taken back", []string{"ann enters", "bob enters", "ann mutes bob", "ann unmutes bob", "bob leaves",
			"bob' enters"}, nil, "ann* bob'"},
		{"put off the stage too", []string{"ann enters", "bob enters", "ann takes bob", "bob leaves", "bob' enters",
			"bob' lets bob'"}, TakenOff, "ann* (bob')"},
		{"but no rights", []string{"ann enters", "bob enters", "ann promotes bob", "ann stages by_invitation", "bob' enters"},
			nil, "ann* bob* (bob')"},
		{"a muted heir stays muted", []string{"ann enters", "bob enters", "ann mutes bob", "ann leaves"}, nil, "bob*:m"},

		{"one hand for a session", []string{"ann enters", "vic watches", "vic2 watches", "vic raises vic",
			"vic2 raises vic2"}, HandUp, "ann* (vic:h) (vic2)"},
		{"raised again", []string{"ann enters", "vic watches", "vic2 watches", "vic raises vic", "vic raises vic",
			"vic lowers vic", "vic2 raises vic2"}, nil, "ann* (vic) (vic2:h)"},
		{"hands", []string{"ann enters", "vic watches", "vic raises vic", "ann raises ann"}, nil, "ann*:h (vic:h)"},
		{"lowered", []string{"ann enters", "vic watches", "vic raises vic", "vic lowers vic"}, nil, "ann* (vic)"},
		{"lowered by a host", []string{"ann enters", "vic watches", "vic raises vic", "ann lowers vic"}, nil, "ann* (vic)"},
		{"not raised by a host", []string{"ann enters", "vic watches", "ann raises vic"}, OthersHand, "ann* (vic)"},
		{"gone with who leaves", []string{"ann enters", "vic watches", "vic raises vic", "vic leaves", "vic watches"}, nil,
			"ann* (vic)"},
		{"lowered on stage", []string{"ann enters", "vic watches", "vic raises vic", "ann lets vic"}, nil, "ann* vic"},

		{"off and on by oneself", []string{"ann enters", "bob enters", "bob takes bob", "bob lets bob"}, nil, "ann* bob"},
		{"a viewer goes on", []string{"ann enters", "vic watches", "vic lets vic"}, nil, "ann* vic"},
		{"taken off by a host", []string{"ann enters", "bob enters", "ann takes bob"}, nil, "ann* (bob)"},
		{"with all sockets", []string{"ann enters", "bob enters", "bob2 enters", "ann takes bob2"}, nil,
			"ann* (bob) (bob2)"},
		{"and stays off", []string{"ann enters", "bob enters", "ann takes bob", "bob lets bob"}, TakenOff, "ann* (bob)"},
		{"also coming back", []string{"ann enters", "bob enters", "ann takes bob", "bob leaves", "bob enters"}, nil,
			"ann* (bob)"},
		{"until a host lets them on", []string{"ann enters", "bob enters", "ann takes bob", "ann lets bob", "bob takes bob",
			"bob lets bob"}, nil, "ann* bob"},
		{"a host goes on whatever", []string{"ann enters", "bob enters", "ann promotes bob", "ann takes bob", "bob lets bob"},
			nil, "ann* bob*"},
		{"by invitation", []string{"ann enters", "bob enters", "ann stages by_invitation", "cid enters"}, nil,
			"ann* bob (cid)"},
		{"not by oneself then", []string{"ann enters", "ann stages by_invitation", "cid enters", "cid lets cid"},
			StageByHosts, "ann* (cid)"},
		{"nor again", []string{"ann enters", "bob enters", "ann stages by_invitation", "bob takes bob", "bob lets bob"},
			StageByHosts, "ann* (bob)"},
		{"let on by a host", []string{"ann enters", "ann stages by_invitation", "cid enters", "ann lets cid"}, nil,
			"ann* cid"},
		{"who was on stage comes back there",
			[]string{"ann enters", "bob enters", "ann stages by_invitation", "bob leaves", "bob enters"}, nil, "ann* bob"},
		{"so does a host", []string{"ann enters", "ann stages by_invitation", "vic watches", "ann leaves", "vic lets vic"},
			StageByHosts, "(vic)"},
		{"openly again", []string{"ann enters", "ann stages by_invitation", "cid enters", "ann stages openly",
			"cid lets cid"}, nil, "ann* cid"},

		{"locked", []string{"ann enters", "ann locks", "bob enters"}, ErrLocked, "ann*"},
		{"unlocked", []string{"ann enters", "ann locks", "ann unlocks", "bob enters"}, nil, "ann* bob"},
		{"locked, but been there", []string{"ann enters", "bob enters", "ann locks", "bob leaves", "bob enters"}, nil,
			"ann* bob"},
		{"been there in another session", []string{"ann enters", "bob enters", "ann locks", "bob leaves", "bob' enters"},
			ErrLocked, "ann*"},
		{"full", []string{"ann enters", "bob squeezes"}, ErrFull, "ann*"},
		{"busy", []string{"ann enters", "bob hurries"}, ErrBusy, "ann*"},
		{"busy, but been there", []string{"ann enters", "ann leaves", "ann hurries"}, nil, "ann*"},
		{"full for viewers", []string{"ann enters", "ann leaves", "ann squeezes", "bob squeezes"}, ErrFull, "ann*"},
		{"full, but been there", []string{"ann enters", "bob enters", "bob2 squeezes", "bob22 squeezes", "bob222 squeezes"},
			nil, "ann* bob bob2 bob22 bob222"},
		{"been there too often", []string{"ann enters", "bob enters", "bob2 enters", "bob22 enters", "bob222 enters",
			"bob2222 squeezes"}, ErrFull, "ann* bob bob2 bob22 bob222"},
		{"or into a locked room", []string{"ann enters", "bob enters", "bob2 enters", "bob22 enters", "bob222 enters",
			"ann locks", "bob2222 enters"}, ErrLocked, "ann* bob bob2 bob22 bob222"},
		{"rejoining is not once more", []string{"ann enters", "bob enters", "bob2 enters", "bob22 enters", "bob222 enters",
			"ann locks", "bob2 rejoins"}, nil, "ann* bob bob2 bob22 bob222"},
		{"too many passwords", []string{"ann enters", "ann access password sesame", "bob hammers sesame"}, ErrGuesses,
			"ann*"},
		{"though it asks for none", []string{"ann enters", "bob hammers sesame"}, nil, "ann* bob"},
		{"password in another form", []string{"ann enters", "ann access password caf\u00e9", "bob knocks cafe\u0301"}, nil,
			"ann* bob"},
		{"password", []string{"ann enters", "ann access password sesame", "bob knocks sesame"}, nil, "ann* bob"},
		{"wrong password", []string{"ann enters", "ann access password sesame", "bob knocks Sesame"}, ErrPassword, "ann*"},
		{"no password", []string{"ann enters", "ann access password sesame", "bob enters"}, ErrPassword, "ann*"},
		{"another password", []string{"ann enters", "ann access password sesame", "ann access password x",
			"bob knocks sesame"}, ErrPassword, "ann*"},
		{"invited is no password", []string{"ann enters", "ann access password sesame", "bob shows"}, ErrPassword, "ann*"},
		{"invitation", []string{"ann enters", "ann access invite", "bob shows"}, nil, "ann* bob"},
		{"no invitation", []string{"ann enters", "ann access invite", "bob enters"}, ErrInvite, "ann*"},
		{"open again", []string{"ann enters", "ann access invite", "ann access open", "bob enters"}, nil, "ann* bob"},
		{"back without a password", []string{"ann enters", "bob enters", "ann access password sesame", "bob leaves",
			"bob enters"}, nil, "ann* bob"},
		{"anybody invites to an open room", []string{"ann enters", "bob enters", "bob invites"}, nil, "ann* bob"},
		{"hosts to others", []string{"ann enters", "bob enters", "ann access invite", "ann invites"}, nil, "ann* bob"},
		{"nobody else", []string{"ann enters", "bob enters", "ann access invite", "bob invites"}, InviteForHosts, "ann* bob"},

		{"removed", []string{"ann enters", "bob enters", "ann removes bob"}, nil, "ann*"},
		{"for good", []string{"ann enters", "bob enters", "ann removes bob", "bob enters"}, ErrRemoved, "ann*"},
		{"as a viewer too", []string{"ann enters", "bob enters", "ann removes bob", "bob watches"}, ErrRemoved, "ann*"},
		{"in another session", []string{"ann enters", "bob enters", "ann removes bob", "bob' enters"}, ErrRemoved, "ann*"},
		{"with all sessions", []string{"ann enters", "bob enters", "bob2 watches", "bob' enters", "ann removes bob"}, nil,
			"ann*"},
		{"invited or not", []string{"ann enters", "bob enters", "ann removes bob", "bob shows"}, ErrRemoved, "ann*"},
		{"a host", []string{"ann enters", "bob enters", "ann promotes bob", "bob removes ann"}, nil, "bob*"},
		{"not oneself", []string{"ann enters", "ann removes ann"}, Yourself, "ann*"},
		{"nor oneself elsewhere", []string{"ann enters", "ann' enters", "ann removes ann'"}, Yourself, "ann* ann'"},
		{"the hand of who is removed", []string{"ann enters", "bob enters", "bob raises bob", "ann removes bob"}, nil,
			"ann*"},

		{"a host from outside", []string{"ann enters", "bob watches", "cid enters", "cid expels ann"}, nil, "(bob) cid*"},
		{"for good from outside", []string{"ann enters", "bob enters", "bob expels ann", "ann' enters"}, ErrRemoved, "bob*"},
		{"the last from outside", []string{"ann enters", "ann2 enters", "ann expels ann"}, nil, ""},

		{"nobody", []string{"ann enters", "ann mutes bob"}, Nobody, "ann*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRoom("", "")
			for i, step := range tt.steps {
				err := r.do(step)
				if i < len(tt.steps)-1 && err != nil {
					t.Fatalf("%s: %v", step, err)
				}
				if i == len(tt.steps)-1 && !errors.Is(err, tt.err) {
					t.Fatalf("%s: %v, want %v", step, err, tt.err)
				}
			}
			if got := r.String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			r.check(t)
		})
	}
}

// check compares what the floor keeps by list with what it says of each.
func (r *room) check(t *testing.T) {
	t.Helper()
	var hosts, hands, stage []string
	for _, p := range r.people {
		you := p.You()
		if you.Host {
			hosts = append(hosts, p.ID)
		}
		if you.Hand {
			hands = append(hands, p.ID)
		}
		if you.OnStage {
			stage = append(stage, p.ID)
		}
	}
	for what, lists := range map[string][2][]string{
		"hosts": {r.floor.State().Hosts, hosts},
		"hands": {ids(r.floor.Hands()), hands},
		"stage": {ids(r.floor.stage), stage},
	} {
		if slices.Sort(lists[1]); !slices.Equal(slices.Sorted(slices.Values(lists[0])), lists[1]) {
			t.Errorf("%s: %q kept, %q there", what, lists[0], lists[1])
		}
	}
}

func ids(people []*Person) []string {
	all := make([]string, len(people))
	for i, p := range people {
		all[i] = p.ID
	}
	return all
}

// TestGuestsAreRefused tries every host's right as a guest: nothing changes.
func TestGuestsAreRefused(t *testing.T) {
	for _, words := range []string{
		"bob lowers vic", "bob raises vic", "bob lets vic", "bob takes ann", "bob mutes ann", "bob unmutes bob",
		"bob mutes bob", "bob hides ann", "bob unshares ann", "bob removes ann", "bob removes vic", "bob promotes bob",
		"bob promotes vic", "bob demotes ann", "bob locks", "bob unlocks", "bob access open", "bob access password x",
		"bob stages by_invitation", "bob stages openly", "bob mutes nobody", "vic mutes ann", "vic lets bob",
	} {
		r := newRoom("", "")
		for _, step := range []string{"ann enters", "bob enters", "vic watches", "vic raises vic", "ann mutes bob"} {
			if err := r.do(step); err != nil {
				t.Fatal(err)
			}
		}
		before, state := r.String(), fmt.Sprint(r.floor.State())
		if err := r.do(words); !errors.Is(err, NotHost) {
			t.Errorf("%s: %v", words, err)
		}
		if after := r.String(); after != before || fmt.Sprint(r.floor.State()) != state {
			t.Errorf("%s: %s %v", words, after, r.floor.State())
		}
	}
}

// TestAtRandom looks for what must hold whatever happens.
func TestAtRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	names := []string{"ann", "ann2", "bob", "bob'", "cid", "dan", "eve"}
	verbs := []string{
		"raises", "lowers", "lets", "takes", "mutes", "unmutes", "hides", "unshares", "promotes", "demotes", "removes",
		"expels",
	}
	for range 200 {
		r := newRoom("", "")
		barred := make(map[string]bool)
		for range 100 {
			who, other := names[rng.IntN(len(names))], names[rng.IntN(len(names))]
			words := who + " " + verbs[rng.IntN(len(verbs))] + " " + other
			switch p := r.people[who]; {
			case p == nil:
				words = who + []string{" enters", " watches"}[rng.IntN(2)]
			case rng.IntN(5) == 0:
				words = who + " leaves"
			case rng.IntN(20) == 0:
				words = who + []string{" stages by_invitation", " stages openly"}[rng.IntN(2)]
			}
			err := r.do(words)
			user := func(id string) string { return strings.TrimRight(id, "2'") }
			if (strings.Contains(words, "removes") || strings.Contains(words, "expels")) && err == nil {
				barred[user(other)] = true
			}
			if entered := strings.HasSuffix(words, "enters") || strings.HasSuffix(words, "watches"); entered &&
				barred[user(who)] != errors.Is(err, ErrRemoved) {
				t.Fatalf("%s: %v", words, err)
			}
			r.check(t)
			if len(r.floor.stage) > 0 && len(r.floor.hosts) == 0 {
				t.Fatalf("%s: nobody is host: %s", words, r)
			}
			for id := range r.people {
				if barred[user(id)] {
					t.Fatalf("%s: %s is still there", words, id)
				}
			}
		}
	}
}

func TestHandsInOrder(t *testing.T) {
	r := newRoom("", "")
	version := r.floor.HandsVersion()
	for _, step := range []struct {
		do, want string
		changes  bool
	}{
		{"ann enters", "[]", false},
		{"bob enters", "[]", false},
		{"cid watches", "[]", false},
		{"cid raises cid", "[cid]", true},
		{"bob raises bob", "[cid bob]", true},
		{"cid raises cid", "[cid bob]", false},
		{"ann raises ann", "[cid bob ann]", true},
		{"ann lowers cid", "[bob ann]", true},
		{"cid raises cid", "[bob ann cid]", true},
		{"ann leaves", "[bob cid]", true},
		{"bob removes cid", "[bob]", true},
	} {
		if err := r.do(step.do); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(ids(r.floor.Hands())); got != step.want {
			t.Errorf("%s: %s, want %s", step.do, got, step.want)
		}
		if v := r.floor.HandsVersion(); (v != version) != step.changes {
			t.Errorf("%s: version %d after %d", step.do, v, version)
		} else {
			version = v
		}
	}
}

func TestRoomsOpenAsConfigured(t *testing.T) {
	for _, tt := range []struct {
		access, password, do string
		want                 error
	}{
		{"", "", "ann enters", nil},
		{protocol.AccessOpen, "", "ann enters", nil},
		{protocol.AccessPassword, "sesame", "ann knocks sesame", nil},
		{protocol.AccessPassword, "sesame", "ann enters", ErrPassword},
		{protocol.AccessPassword, "", "ann enters", ErrPassword}, // no password is none that fits
		{protocol.AccessInvite, "", "ann shows", nil},
		{protocol.AccessInvite, "", "ann enters", ErrInvite},
	} {
		if err := newRoom(tt.access, tt.password).do(tt.do); !errors.Is(err, tt.want) {
			t.Errorf("%q %q: %s: %v", tt.access, tt.password, tt.do, err)
		}
	}
}

func TestState(t *testing.T) {
	r := newRoom("", "")
	for _, step := range []string{
		"ann enters", "bob enters", "ann promotes bob", "ann locks", "ann stages by_invitation", "ann access password sesame",
	} {
		if err := r.do(step); err != nil {
			t.Fatal(err)
		}
	}
	want := protocol.FloorState{
		Type: protocol.TypeState, Hosts: []string{"ann", "bob"}, Locked: true, ByInvitation: true,
		Access: protocol.AccessPassword,
	}
	if got := r.floor.State(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v", got)
	}
	if got := newRoom("", "").floor.State(); got.Hosts == nil || got.Access != protocol.AccessOpen {
		t.Errorf("an empty room is %+v", got)
	}
}

func TestStandingsAreForgotten(t *testing.T) {
	r := newRoom("", "")
	for _, step := range []string{"ann enters", "bob enters", "cid enters", "ann mutes cid", "cid leaves", "bob leaves"} {
		if err := r.do(step); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxStandings + 10 {
		name := fmt.Sprint("x", i, "_")
		if err := errors.Join(r.do(name+" enters"), r.do(name+" leaves")); err != nil {
			t.Fatal(err)
		}
	}
	if n, users := len(r.floor.standings), len(r.floor.latest); n != maxStandings || users != n {
		t.Errorf("%d standings of %d users", n, users)
	}
	for _, step := range []string{"ann locks", "cid enters", fmt.Sprint("x", maxStandings, "_ enters")} {
		if err := r.do(step); err != nil {
			t.Errorf("%s: %v", step, err)
		}
	}
	if err := r.do("bob enters"); !errors.Is(err, ErrLocked) { // who was forgotten, having left first
		t.Errorf("bob enters: %v", err)
	}
	if got, want := r.String(), fmt.Sprint("ann* cid:m x", maxStandings, "_"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
