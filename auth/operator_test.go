package auth

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const operatorToken = "correct horse battery"

// enter shows a token, and returns the cookie that it is answered with, nil for none.
func enter(t *testing.T, o *Operator, r *http.Request, token string) (*http.Cookie, error) {
	t.Helper()
	w := httptest.NewRecorder()
	err := o.Begin(w, r, token)
	if cookies := w.Result().Cookies(); len(cookies) > 0 {
		return cookies[0], err
	}
	return nil, err
}

func TestOperatorCookie(t *testing.T) {
	o := NewOperator(operatorToken, 30*24*time.Hour, &memoryRevocations{})
	for name, secure := range map[string]bool{"parley_admin": false, "__Secure-parley_admin": true} {
		r := httptest.NewRequest(http.MethodPost, "/admin/", nil)
		if secure {
			r.TLS = &tls.ConnectionState{}
		}
		cookie, err := enter(t, o, r, " "+operatorToken+"\n")
		if err != nil {
			t.Fatal(err)
		}
		if cookie.Name != name || cookie.Path != "/admin/" || !cookie.HttpOnly || cookie.Secure != secure ||
			cookie.SameSite != http.SameSiteStrictMode || cookie.MaxAge != 8*3600 || cookie.Domain != "" {
			t.Errorf("%+v", cookie)
		}
		if strings.Contains(cookie.Value, operatorToken) {
			t.Error("it holds the token")
		}
		r.AddCookie(cookie)
		if !o.Is(r) {
			t.Error("not let in")
		}
		if NewOperator(operatorToken+"!", time.Hour, &memoryRevocations{}).Is(r) {
			t.Error("let in with another token")
		}
	}
	for _, value := range []string{"", "x", operatorToken} {
		if o.Is(requestWith(&http.Cookie{Name: operatorCookie, Value: value})) {
			t.Errorf("let in with %q", value)
		}
	}
	if o.Is(requestWith()) {
		t.Error("let in without a cookie")
	}
}

func TestOperatorsSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := NewOperator(operatorToken, time.Hour, &memoryRevocations{})
		cookie, err := enter(t, o, requestWith(), operatorToken)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - time.Second)
		if !o.Is(requestWith(cookie)) {
			t.Error("ended too early")
		}
		time.Sleep(time.Second)
		if o.Is(requestWith(cookie)) {
			t.Error("goes on")
		}

		if cookie, err = enter(t, o, requestWith(), operatorToken); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if err := o.End(w, requestWith(cookie)); err != nil {
			t.Fatal(err)
		}
		if gone := w.Result().Cookies()[0]; gone.MaxAge != -1 || gone.Path != "/admin/" || gone.Name != cookie.Name {
			t.Errorf("%+v", gone)
		}
		if o.Is(requestWith(cookie)) {
			t.Error("logged out, and goes on")
		}
	})
}

func TestWrongTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := NewOperator(operatorToken, time.Hour, &memoryRevocations{})
		from := func(address string) *http.Request {
			r := requestWith()
			r.RemoteAddr = address
			return r
		}
		message := func(address, token string) string {
			cookie, err := enter(t, o, from(address), token)
			var refused *FieldError
			if !errors.As(err, &refused) || cookie != nil {
				t.Fatalf("%q: %v, %v", token, cookie, err)
			}
			return refused.Message
		}
		if got := message("192.0.2.1:1", " "); got != messageNoToken {
			t.Error(got)
		}
		for i := range guessesAtOnce {
			if got := message("192.0.2.1:1", operatorToken[:i+1]); got != messageWrongToken {
				t.Errorf("guess %d: %s", i, got)
			}
		}
		if got := message("192.0.2.1:2", operatorToken); got != messageTokenGuesses {
			t.Error(got)
		}
		if _, err := enter(t, o, from("192.0.2.2:1"), operatorToken); err != nil {
			t.Errorf("from elsewhere: %v", err)
		}
		time.Sleep(guessEvery)
		if _, err := enter(t, o, from("192.0.2.1:1"), operatorToken); err != nil {
			t.Errorf("after a while: %v", err)
		}
	})
}

func TestOperatorTokenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "admin.token")
	if _, err := LoadOperatorToken(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before it is there: %v", err)
	}
	token, err := LoadOrCreateOperatorToken(file)
	if err != nil || len(token) < 26 || strings.TrimSpace(token) != token {
		t.Fatalf("%q, %v", token, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, load := range []func(string) (string, error){LoadOperatorToken, LoadOrCreateOperatorToken} {
		if again, err := load(file); again != token || err != nil {
			t.Errorf("%q, %v", again, err)
		}
	}
	if err := os.WriteFile(file, []byte("0123456789abcde\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreateOperatorToken(file); !errors.Is(err, ErrOperatorToken) {
		t.Errorf("a short one: %v", err)
	}
}
