package auth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// memoryUsers keeps people in a map. beforeCreate, if set, runs at the start of each Create.
type memoryUsers struct {
	beforeCreate func()
	err          error

	mu    sync.Mutex
	users map[string]User // guarded by mu
}

func newMemoryUsers(known ...User) *memoryUsers {
	m := &memoryUsers{users: map[string]User{}}
	for _, user := range known {
		m.users[user.Name] = user
	}
	return m
}

func (m *memoryUsers) Create(_ context.Context, user User) error {
	if m.beforeCreate != nil {
		m.beforeCreate()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.users[user.Name]; taken {
		return ErrUserExists
	}
	m.users[user.Name] = user
	return nil
}

func (m *memoryUsers) Get(_ context.Context, name string) (User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return User{}, m.err
	}
	user, ok := m.users[name]
	if !ok {
		return User{}, ErrNoUser
	}
	return user, nil
}

func TestLogIn(t *testing.T) {
	known := User{Name: "Jürgen Müller", ScreenName: "Jürgen"}
	decomposed := norm.NFD.String
	tests := []struct {
		about, screenName, name string
		want                    User
		refusals                []FieldError
	}{
		{about: "new", screenName: "Ann", name: "Ann Smith", want: User{"Ann Smith", "Ann"}},
		{about: "known", screenName: "Jürgen", name: "Jürgen Müller", want: known},
		{about: "known, trimmed", screenName: "  Jürgen\t", name: "\u00a0Jürgen Müller \n", want: known},
		{
			about: "known, decomposed", screenName: decomposed("Jürgen"), name: decomposed("Jürgen Müller"), want: known,
		},
		{
			about: "known, other screen name", screenName: "Jules", name: "Jürgen Müller",
			refusals: []FieldError{{"name", "The name exists but does not match the screen name used"}},
		},
		{
			about: "equal", screenName: "Ann", name: " Ann ",
			refusals: []FieldError{{"screen_name", "Do not use your real name as your screen name"}},
		},
		{
			about: "equal once composed", screenName: "Zoë", name: decomposed("Zoë"),
			refusals: []FieldError{{"screen_name", "Do not use your real name as your screen name"}},
		},
		{about: "case differs", screenName: "ann", name: "Ann", want: User{"Ann", "ann"}},
		{
			about: "longest", screenName: strings.Repeat("ü", 12), name: strings.Repeat("漢", 50),
			want: User{strings.Repeat("漢", 50), strings.Repeat("ü", 12)},
		},
		{
			about: "longest, decomposed", screenName: decomposed(strings.Repeat("ü", 12)), name: "x",
			want: User{"x", strings.Repeat("ü", 12)},
		},
		{
			about: "too long", screenName: strings.Repeat("a", 13), name: strings.Repeat("b", 51),
			refusals: []FieldError{
				{"screen_name", "Please use at most 12 characters, this has 13"},
				{"name", "Please use at most 50 characters, this has 51"},
			},
		},
		{
			about: "empty",
			refusals: []FieldError{
				{"screen_name", "Please enter your first name or nickname"},
				{"name", "Please enter your real name"},
			},
		},
		{
			about: "only spaces", screenName: " \t ", name: "Ann Smith",
			refusals: []FieldError{{"screen_name", "Please enter your first name or nickname"}},
		},
		{
			about: "only a joiner", screenName: "Ann", name: "\u200d",
			refusals: []FieldError{{"name", "Please enter your real name"}},
		},
		{
			about: "control", screenName: "An\x00n", name: "Ann Smith",
			refusals: []FieldError{{"screen_name", "Please leave out invisible control characters"}},
		},
		{
			about: "line break", screenName: "Ann", name: "Ann\nSmith",
			refusals: []FieldError{{"name", "Please leave out invisible control characters"}},
		},
		{
			about: "line separator", screenName: "Ann", name: "Ann\u2028Smith",
			refusals: []FieldError{{"name", "Please leave out invisible control characters"}},
		},
		{
			about: "right-to-left override", screenName: "\u202eAnn", name: "Ann Smith",
			refusals: []FieldError{{"screen_name", "Please leave out invisible control characters"}},
		},
		{
			about: "not UTF-8", screenName: "Ann", name: "Ann\xff",
			refusals: []FieldError{{"name", "This is not valid text"}},
		},
		{about: "joined emoji", screenName: "👩\u200d💻", name: "Ann Smith", want: User{"Ann Smith", "👩\u200d💻"}},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			users := newMemoryUsers(known)
			got, err := NewLogins(users).LogIn(t.Context(), test.screenName, test.name)
			if len(test.refusals) == 0 {
				if err != nil || got != test.want {
					t.Fatalf("got %+v, %v; want %+v", got, err, test.want)
				}
				if users.users[test.want.Name] != test.want {
					t.Errorf("kept %+v", users.users)
				}
				return
			}
			checkRefusals(t, err, test.refusals)
			if len(users.users) != 1 {
				t.Errorf("a refused login created a user: %+v", users.users)
			}
		})
	}
}

func checkRefusals(t *testing.T, err error, want []FieldError) {
	t.Helper()
	var first *FieldError
	if !errors.As(err, &first) || *first != want[0] {
		t.Fatalf("got %v, want %v", err, want)
	}
	got := FieldErrors(err)
	if len(got) != len(want) {
		t.Fatalf("got %d refusals in %v, want %v", len(got), err, want)
	}
	for i := range got {
		if *got[i] != want[i] {
			t.Errorf("refusal %d: got %v, want %v", i, got[i], want[i])
		}
	}
}

func TestLogInRace(t *testing.T) {
	users := newMemoryUsers()
	faster := User{"Ann Smith", "Ann"}
	users.beforeCreate = func() { users.users[faster.Name] = faster }
	logins := NewLogins(users)

	if got, err := logins.LogIn(t.Context(), "Ann", "Ann Smith"); err != nil || got != faster {
		t.Errorf("same screen name: got %+v, %v", got, err)
	}
	delete(users.users, faster.Name)
	_, err := logins.LogIn(t.Context(), "Annie", "Ann Smith")
	checkRefusals(t, err, []FieldError{{FieldName, messageMismatch}})
}

func TestLogInStoreFault(t *testing.T) {
	users := newMemoryUsers()
	users.err = errors.New("no answer")
	_, err := NewLogins(users).LogIn(t.Context(), "Ann", "Ann Smith")
	if !errors.Is(err, users.err) {
		t.Errorf("got %v", err)
	}
	if refusals := FieldErrors(err); refusals != nil {
		t.Errorf("a fault of the store became %v", refusals)
	}
}

func TestFieldErrorText(t *testing.T) {
	if got := (&FieldError{"name", "too odd"}).Error(); got != "name: too odd" {
		t.Error(got)
	}
}

func FuzzLogIn(f *testing.F) {
	f.Add("Ann", "Ann Smith")
	f.Add("", "\x00")
	f.Add("\u200d", "e\u0301")
	f.Add("\u202eAnn", "\xff\xfe")
	f.Add(strings.Repeat("u\u0308", 12), strings.Repeat("漢", 51))
	f.Fuzz(func(t *testing.T, screenName, name string) {
		user, err := NewLogins(newMemoryUsers()).LogIn(t.Context(), screenName, name)
		if err != nil {
			if len(FieldErrors(err)) == 0 {
				t.Fatalf("no field in %v", err)
			}
			return
		}
		for limit, value := range map[int]string{MaxScreenName: user.ScreenName, MaxName: user.Name} {
			count := utf8.RuneCountInString(value)
			if count < 1 || count > limit || strings.TrimSpace(value) != value || !norm.NFC.IsNormalString(value) {
				t.Errorf("kept %q", value)
			}
		}
		again, err := NewLogins(newMemoryUsers(user)).LogIn(t.Context(), user.ScreenName, user.Name)
		if err != nil || again != user {
			t.Errorf("logging in with what was kept: %+v, %v", again, err)
		}
	})
}
