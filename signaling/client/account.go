package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// ErrRefused is returned when the server does not let someone in.
var ErrRefused = errors.New("refused")

// Account is somebody who is logged in.
type Account struct {
	base *url.URL
	jar  http.CookieJar
	http *http.Client
	tls  *tls.Config
}

// LogIn logs somebody in at a server, e.g. http://127.0.0.1:8000, under a screen name (1 to 12 characters) and a real
// name (1 to 50), which creates the user if the name is new. It wraps [ErrRefused] when the form is refused.
func LogIn(ctx context.Context, baseURL, screenName, name string) (*Account, error) {
	return LogInTrusting(ctx, nil, baseURL, screenName, name)
}

// LogInTrusting is [LogIn] at a server whose certificate is by one of roots; nil stands for those of the system.
func LogInTrusting(
	ctx context.Context, roots *x509.CertPool, baseURL, screenName, name string,
) (*Account, error) {
	base, err := url.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("cookie jar: %w", err)
	}
	trust := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	a := &Account{base: base, jar: jar, tls: trust, http: &http.Client{
		Jar: jar,
		Transport: &http.Transport{
			DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment, TLSClientConfig: trust.Clone(),
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	form := url.Values{"screen_name": {screenName}, "name": {name}, "next": {"/"}}
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
