package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// ErrRefused is returned when the server does not let someone in.
var ErrRefused = errors.New("refused")

// Account is somebody who is logged in.
type Account struct {
	base    *url.URL
	jar     http.CookieJar
	http    *http.Client
	netDial func(ctx context.Context, network, addr string) (net.Conn, error) // nil for the usual way
	tls     *tls.Config                                                       // nil for the usual way
	proxy   func(*http.Request) (*url.URL, error)                             // nil for none
}

// Login is who logs in, and how.
type Login struct {
	URL              string // of the server, e.g. http://127.0.0.1:8000
	ScreenName, Name string // of 1 to 12 and 1 to 50 characters; they make a user if the name is new
	Password         string // of the server, where it wants one
	Next             string // path to go on to; of a room with an invitation, where the server wants one

	// NetDial opens the connections to the server, if not nil, without a proxy, and TLS is how they are secured, if not
	// nil.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)
	TLS     *tls.Config
}

// LogIn logs somebody in at a server that is open to everybody. See [Login.Do].
func LogIn(ctx context.Context, baseURL, screenName, name string) (*Account, error) {
	return Login{URL: baseURL, ScreenName: screenName, Name: name}.Do(ctx)
}

// Do logs in. It wraps [ErrRefused] when the form is refused.
func (l Login) Do(ctx context.Context) (*Account, error) {
	base, err := url.Parse(l.URL)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("cookie jar: %w", err)
	}
	a := &Account{base: base, jar: jar, netDial: l.NetDial, tls: l.TLS}
	if l.NetDial == nil {
		a.proxy = http.ProxyFromEnvironment
	}
	a.http = &http.Client{
		Jar: jar,
		Transport: &http.Transport{
			DisableKeepAlives: true, Proxy: a.proxy, DialContext: l.NetDial, TLSClientConfig: l.TLS,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	form := url.Values{"screen_name": {l.ScreenName}, "name": {l.Name}, "next": {cmp.Or(l.Next, "/")}}
	if l.Password != "" {
		form.Set("password", l.Password)
	}
	if err := a.post(ctx, "/login/", form); err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	return a, nil
}

// LogOut ends the session, and with it the websockets that it opened.
func (a *Account) LogOut(ctx context.Context) error {
	if err := a.post(ctx, "/logout/", nil); err != nil {
		return fmt.Errorf("log out: %w", err)
	}
	return nil
}

// post sends a form that is answered by a redirect when it was accepted.
func (a *Account) post(ctx context.Context, path string, form url.Values) error {
	target := a.base.JoinPath(path).String()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", a.origin())
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		return fmt.Errorf("%w: %s", ErrRefused, resp.Status)
	}
	return nil
}

func (a *Account) origin() string { return a.base.Scheme + "://" + a.base.Host }

// socketURL is where the websocket of a room is.
func (a *Account) socketURL(room string) string {
	u := a.base.JoinPath("ws", url.PathEscape(room), "/")
	u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	return u.String()
}
