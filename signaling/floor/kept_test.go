package floor

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// interrupt has the server killed and started again: all are gone, and what was kept goes through JSON.
func (r *room) interrupt() (*room, error) {
	data, err := json.Marshal(r.floor.Keep())
	if err != nil {
		return nil, err
	}
	var kept Kept
	if err := json.Unmarshal(data, &kept); err != nil {
		return nil, err
	}
	restored, err := Restore(kept)
	return &room{floor: restored, people: make(map[string]*Person)}, err
}

func TestInterrupted(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before []string
		after  []string // in order; the last of them fails with err
		err    error
		want   string
	}{
		{"a host is one again", []string{"ann enters", "bob enters"}, []string{"ann enters", "bob enters"}, nil, "ann* bob"},
		{"who is back first is not for that", []string{"ann enters", "bob enters"}, []string{"bob enters"}, nil, "bob"},
		{"the host comes later", []string{"ann enters", "bob enters"}, []string{"bob enters", "ann enters"}, nil,
			"ann* bob"},
		{"or not at all", []string{"ann enters", "bob enters", "cid enters"},
			[]string{"cid enters", "bob enters", "it settles"}, nil, "bob* cid"},
		{"a host too late is one too", []string{"ann enters", "bob enters"},
			[]string{"bob enters", "it settles", "ann enters"}, nil, "ann* bob*"},
		{"the stage is empty", []string{"ann enters", "bob enters"}, []string{"it settles", "bob enters"}, nil, "bob*"},
		{"a stranger is last in line", []string{"ann enters", "bob enters"},
			[]string{"eve enters", "bob enters", "it settles"}, nil, "bob* eve"},
		{"a stranger is none while people are missing", []string{"ann enters", "bob enters"},
			[]string{"eve enters", "eve leaves", "eve enters"}, nil, "eve"},
		{"who was gone before has no place", []string{"ann enters", "bob enters", "cid enters", "bob leaves"},
			[]string{"cid enters", "bob enters", "it settles"}, nil, "bob cid*"},
		{"a place is kept once", []string{"ann enters", "bob enters", "cid enters"},
			[]string{"bob enters", "cid enters", "bob leaves", "bob enters", "it settles"}, nil, "bob cid*"},
		{"a place is kept until it settles", []string{"ann enters", "bob enters", "cid enters"},
			[]string{"ann enters", "cid enters", "it settles", "bob enters", "ann leaves"}, nil, "bob cid*"},
		{"hosts who were gone are not waited for", []string{"ann enters", "bob enters", "ann promotes bob", "ann leaves"},
			[]string{"bob enters"}, nil, "bob*"},
		{"of viewers alone none is host", []string{"ann enters", "vic watches", "ann leaves"},
			[]string{"bob enters", "vic watches"}, nil, "bob* (vic)"},
		{"the first host back is enough", []string{"ann enters", "bob enters", "ann promotes bob"},
			[]string{"bob enters"}, nil, "bob*"},
		{"both sockets are host again", []string{"ann enters", "ann2 enters", "bob enters"},
			[]string{"bob enters", "ann2 enters", "ann enters"}, nil, "ann* ann2* bob"},

		{"muted stays", []string{"ann enters", "bob enters", "ann mutes bob", "ann hides bob", "ann unshares bob"},
			[]string{"bob enters"}, nil, "bob:m:c:s"},
		{"in another session too", []string{"ann enters", "bob enters", "ann mutes bob"}, []string{"bob' enters"}, nil,
			"bob':m"},
		{"the last word counts", []string{"ann enters", "bob enters", "bob' enters", "ann mutes bob'", "ann mutes bob",
			"ann unmutes bob"}, []string{"bob\" enters"}, nil, "bob\""},
		{"off the stage stays", []string{"ann enters", "bob enters", "ann takes bob"},
			[]string{"bob enters", "bob lets bob"}, TakenOff, "(bob)"},
		{"by invitation stays", []string{"ann enters", "bob enters", "ann stages by_invitation"},
			[]string{"cid enters", "bob enters"}, nil, "bob (cid)"},
		{"removed stays", []string{"ann enters", "bob enters", "ann removes bob"}, []string{"ann enters", "bob enters"},
			ErrRemoved, "ann*"},
		{"removed in any session", []string{"ann enters", "bob enters", "ann removes bob"}, []string{"bob' enters"},
			ErrRemoved, ""},

		{"locked, but been there", []string{"ann enters", "bob enters", "ann locks"}, []string{"bob enters"}, nil, "bob"},
		{"locked for strangers", []string{"ann enters", "ann locks"}, []string{"eve enters"}, ErrLocked, ""},
		{"unlocked by the host", []string{"ann enters", "ann locks"}, []string{"ann enters", "ann unlocks", "eve enters"},
			nil, "ann* eve"},
		{"full, but been there", []string{"ann enters", "bob enters"}, []string{"bob squeezes"}, nil, "bob"},
		{"back without a password", []string{"ann enters", "bob enters", "ann access password sesame"},
			[]string{"bob enters"}, nil, "bob"},
		{"the password", []string{"ann enters", "ann access password caf\u00e9"}, []string{"eve knocks cafe\u0301"}, nil,
			"eve"},
		{"a wrong one", []string{"ann enters", "ann access password sesame"}, []string{"eve knocks simsim"}, ErrPassword,
			""},
		{"back without an invitation", []string{"ann enters", "bob enters", "ann access invite"}, []string{"bob enters"},
			nil, "bob"},
		{"strangers need one", []string{"ann enters", "ann access invite"}, []string{"eve enters"}, ErrInvite, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRoom("", "")
			for _, step := range tt.before {
				if err := r.do(step); err != nil {
					t.Fatalf("%s: %v", step, err)
				}
			}
			for range 2 { // another time before anybody is back
				var err error
				if r, err = r.interrupt(); err != nil {
					t.Fatal(err)
				}
			}
			for i, step := range tt.after {
				err := r.do(step)
				if i < len(tt.after)-1 && err != nil {
					t.Fatalf("%s: %v", step, err)
				}
				if i == len(tt.after)-1 && !errors.Is(err, tt.err) {
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

// TestInterruptedAtRandom has what happened before kept to the letter, and everybody be who they were.
func TestInterruptedAtRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		r := newRoom("", "")
		for range 60 {
			r.step(rng)
		}
		restored, err := r.interrupt()
		if err != nil {
			t.Fatal(err)
		}
		before, after := r.floor.Keep(), restored.floor.Keep()
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("kept %+v, then %+v", before, after)
		}
		if was, is := r.floor.State(), restored.floor.State(); was.Locked != is.Locked || was.Access != is.Access ||
			was.ByInvitation != is.ByInvitation {
			t.Fatalf("the state was %+v, is %+v", was, is)
		}
		restored.returnAll(t, rng, r)
	}
}

// step does something at random, which may be refused.
func (r *room) step(rng *rand.Rand) {
	pick := func(words ...string) string { return words[rng.IntN(len(words))] }
	who, other := pick("ann", "ann2", "bob", "bob'", "cid", "dan"), pick("ann", "bob", "bob'", "cid", "dan")
	switch p := r.people[who]; {
	case p == nil:
		_ = r.do(who + pick(" enters", " watches", " knocks sesame", " shows"))
	case rng.IntN(6) == 0:
		_ = r.do(who + " leaves")
	case rng.IntN(4) == 0:
		_ = r.do(who + pick(" locks", " unlocks", " unlocks", " access open", " access password sesame", " access invite",
			" stages by_invitation", " stages openly"))
	default:
		_ = r.do(who + pick(" lets ", " takes ", " mutes ", " unmutes ", " hides ", " promotes ", " demotes ", " removes ") +
			other)
	}
}

// returnAll has those come back who were in before, in any order, and compares.
func (r *room) returnAll(t *testing.T, rng *rand.Rand, before *room) {
	t.Helper()
	var all []string
	for id := range before.people {
		all = append(all, id)
	}
	slices.Sort(all)
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, id := range all {
		how := " watches"
		if before.people[id].OnStage() {
			how = " enters"
		}
		if err := r.do(id + how); err != nil {
			t.Fatalf("%s%s: %v", id, how, err)
		}
		was, is := before.people[id].You(), r.people[id].You()
		was.Hand = false
		if was != is {
			t.Fatalf("%s was %+v, is %+v", id, was, is)
		}
	}
	if r.floor.Expecting() || r.floor.expectedHosts != 0 {
		t.Fatalf("all are back, but %d are expected", r.floor.expected)
	}
	r.check(t)
}

func TestNonsenseIsNotRestored(t *testing.T) {
	for name, kept := range map[string]Kept{
		"nothing":         {},
		"unknown access":  {Access: "secret"},
		"half a digest":   {Access: "open", Password: make([]byte, 16)},
		"no session":      {Access: "open", Standings: []KeptStanding{{User: "ann"}}},
		"the same, twice": {Access: "open", Standings: []KeptStanding{{Session: "a"}, {Session: "a"}}},
	} {
		if f, err := Restore(kept); !errors.Is(err, errKept) {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}
