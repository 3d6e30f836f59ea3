// Command caller is one Go client in a call: caller [-via PATH] URL ROOM NAME. It publishes a picture and a tone,
// prints what it sees as lines of netns.State, and leaves when its standard input ends.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"parley/e2e/netns"
	"parley/signaling/client"
)

const (
	patience = 45 * time.Second // from the login to the connection
	interval = 100 * time.Millisecond
)

// errUsage is returned for arguments that make no sense.
var errUsage = errors.New("usage: caller [-via turn/udp|turn/tcp|turn/tls] URL ROOM NAME")

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "caller:", err)
		os.Exit(1)
	}
}

func run(args []string, until io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("caller", flag.ContinueOnError)
	via := flags.String("via", "", "use no other way to the server than this")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 3 {
		return errUsage
	}
	c, err := join(flags.Arg(0), flags.Arg(1), flags.Arg(2), options(*via))
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, until)
	}()
	err = watch(c, ended, out)
	return errors.Join(err, c.Close())
}

// options are those of somebody with camera and microphone.
func options(via string) client.Options {
	o := client.Options{
		Audio: true, Video: true, Features: map[string]any{"video": true, "audio": true},
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if via != "" {
		o.RelayOnly = true
		o.ICEServer = func(url string) bool { return leads(url, via) }
	}
	return o
}

// leads tells whether the TURN server of that URL (RFC 7065) is reached by that way.
func leads(url, via string) bool {
	if via == netns.TURNTLS {
		return strings.HasPrefix(url, "turns:")
	}
	return strings.HasPrefix(url, "turn:") && strings.HasSuffix(url, "transport="+strings.TrimPrefix(via, "turn/"))
}

func join(url, room, name string, o client.Options) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	account, err := client.LogIn(ctx, url, name, name+" of the tests")
	if err != nil {
		return nil, err
	}
	c, err := account.Dial(ctx, room, o)
	if err != nil {
		return nil, err
	}
	if err := c.JoinAndWait(ctx, room); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// watch prints what the client sees until ended is closed.
func watch(c *client.Client, ended <-chan struct{}, out io.Writer) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	lines := json.NewEncoder(out)
	for {
		seen := c.Snapshot()
		if seen.Closed != nil {
			return fmt.Errorf("the call ended: %w", seen.Closed)
		}
		if err := lines.Encode(state(seen)); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ended:
			return nil
		}
	}
}

func state(seen client.Snapshot) netns.State {
	s := netns.State{Path: path(seen), Connections: 1 + seen.Resets, From: make(map[string]netns.Counts)}
	for channel, person := range seen.People {
		audio := seen.Received[client.Source{ChannelName: channel, Kind: "audio"}]
		video := seen.Received[client.Source{ChannelName: channel, Kind: "video"}]
		counts := netns.Counts{Audio: float64(audio.Packets)}
		if video.Keyframes > 0 {
			counts.Video = float64(video.Packets)
		}
		s.From[person.UserName] = counts
	}
	return s
}

// path says which way the media goes.
func path(seen client.Snapshot) string {
	if seen.RelayProtocol != "" {
		return "turn/" + seen.RelayProtocol
	}
	_, protocol, _ := strings.Cut(seen.LocalPath, " ")
	return protocol
}
