package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// AnswerWithin is how long a server may take to answer what needs no waiting.
const AnswerWithin = 5 * time.Second

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// Client asks the server that runs on a data directory. Its errors wrap [ErrNone] where there is none.
type Client struct{ http http.Client }

// NewClient makes a client for the server on that data directory.
func NewClient(dir string) (*Client, error) {
	path, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	return &Client{http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) { // left by a killed one
				err = ErrNone
			}
			return conn, err
		},
	}}}, nil
}

// Status asks how it stands.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return c.soon(ctx, http.MethodGet, "/status")
}

// AwaitQuiet waits until nobody is in a call.
func (c *Client) AwaitQuiet(ctx context.Context) (Status, error) {
	return c.ask(ctx, http.MethodGet, "/quiet")
}

// Drain is [Target].Drain.
func (c *Client) Drain(ctx context.Context, limit time.Duration) (Status, error) {
	path := "/drain"
	if limit > 0 {
		path += "?limit=" + url.QueryEscape(limit.String())
	}
	return c.soon(ctx, http.MethodPost, path)
}

// Undrain is [Target].Undrain.
func (c *Client) Undrain(ctx context.Context) (Status, error) {
	return c.soon(ctx, http.MethodDelete, "/drain")
}

// HandOver has the server stop, and returns when it has closed everything.
func (c *Client) HandOver(ctx context.Context) error {
	answer, err := c.do(ctx, http.MethodPost, "/handover")
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

func (c *Client) soon(ctx context.Context, method, path string) (Status, error) {
	ctx, cancel := context.WithTimeout(ctx, AnswerWithin)
	defer cancel()
	return c.ask(ctx, method, path)
}

func (c *Client) ask(ctx context.Context, method, path string) (status Status, err error) {
	answer, err := c.do(ctx, method, path)
	if err != nil {
		return Status{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&status); err != nil {
		return Status{}, fmt.Errorf("answer of the server: %w", err)
	}
	return status, nil
}

// do asks, and returns an answer that is none of an error.
func (c *Client) do(ctx context.Context, method, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://server"+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the running server: %w", errors.Unwrap(err)) // without the made-up URL
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusConflict {
		return nil, ErrStopping
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	return nil, fmt.Errorf("the running server says %s: %s", answer.Status, bytes.TrimSpace(text))
}
