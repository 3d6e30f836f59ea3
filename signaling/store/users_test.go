package store

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"parley/auth"
)

func TestUsers(t *testing.T) {
	dir := t.TempDir()
	store := open(t, Config{Dir: dir})
	users := []auth.User{
		{Name: "Jürgen Müller", ScreenName: "Jürgen"},
		{Name: "Ada", ScreenName: "A."},
		{Name: "a.b *> \x00 日本", ScreenName: "日本"},
	}
	for _, user := range users {
		if _, err := store.Get(t.Context(), user.Name); !errors.Is(err, auth.ErrNoUser) {
			t.Errorf("%q before: %v", user.Name, err)
		}
		if err := store.Create(t.Context(), user); err != nil {
			t.Errorf("%q: %v", user.Name, err)
		}
		other := auth.User{Name: user.Name, ScreenName: "other"}
		if err := store.Create(t.Context(), other); !errors.Is(err, auth.ErrUserExists) {
			t.Errorf("%q again: %v", user.Name, err)
		}
	}
	if err := store.Create(t.Context(), auth.User{}); err == nil {
		t.Error("a user without a name was created")
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	store = open(t, Config{Dir: dir})
	for _, user := range users {
		if got, err := store.Get(t.Context(), user.Name); err != nil || got != user {
			t.Errorf("%q after a restart: %v, %v", user.Name, got, err)
		}
	}
	// The same name, decomposed.
	if got, err := store.Get(t.Context(), "Ju\u0308rgen Mu\u0308ller"); err != nil || got != users[0] {
		t.Errorf("in NFD: %v, %v", got, err)
	}
}

func TestCreateIsAtomic(t *testing.T) {
	store := open(t, Config{Dir: t.TempDir()})
	var created, refused atomic.Int32
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			err := store.Create(t.Context(), auth.User{Name: "Ada", ScreenName: strconv.Itoa(i)})
			switch {
			case err == nil:
				created.Add(1)
			case errors.Is(err, auth.ErrUserExists):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if created.Load() != 1 || refused.Load() != 15 {
		t.Fatalf("%d created, %d refused", created.Load(), refused.Load())
	}
}

func BenchmarkCreateUser(b *testing.B) {
	store := open(b, Config{Dir: b.TempDir()})
	for i := 0; b.Loop(); i++ {
		if err := store.Create(b.Context(), auth.User{Name: "user " + strconv.Itoa(i), ScreenName: "u"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetUser(b *testing.B) {
	store := open(b, Config{Dir: b.TempDir()})
	if err := store.Create(b.Context(), auth.User{Name: "Ada", ScreenName: "u"}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := store.Get(b.Context(), "Ada"); err != nil {
			b.Fatal(err)
		}
	}
}
