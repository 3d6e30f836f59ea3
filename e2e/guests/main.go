// Command guests fills a room with Go clients for the browser tests: guests [flags] URL ROOM N. Each publishes a
// picture and a tone. It prints "joined" when all of them are in, and stays until its standard input ends.
//
// With -talking it takes lines from there meanwhile: "talk 3" has the third guest talk until another line, "hush" has
// nobody.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

const (
	patience = time.Minute
	loudness = 24 // of those who talk, -dBov
)

// errUsage is returned for arguments that make no sense.
var errUsage = errors.New("usage: guests [flags] URL ROOM N")

// options say what the guests are like.
type options struct {
	join    protocol.Join
	client  client.Options
	talking int           // of them talk in turn; negative: nobody is silent
	turn    time.Duration // of each
	every   time.Duration // from one guest's join to the next
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "guests:", err)
		os.Exit(1)
	}
}

func parse(args []string) (o options, url string, count int, err error) {
	flags := flag.NewFlagSet("guests", flag.ContinueOnError)
	small := flags.Bool("small", false, "pictures of 320x180 at 10 frames/s")
	simulcast := flags.Bool("simulcast", false, "pictures in several sizes")
	silent := flags.Bool("pause", false, "send nothing of who does not talk, instead of digital silence")
	as := flags.String("as", "", "viewer, or participant")
	flags.StringVar(&o.join.Password, "password", "", "of the room")
	flags.StringVar(&o.join.Invite, "invite", "", "token of an invitation")
	flags.IntVar(&o.client.Slots, "slots", 0, "audio slots to ask for; 0: everybody's own audio")
	only := flags.Bool("only", false, "receive no pictures")
	flags.IntVar(&o.talking, "talking", -1, "guests who talk in turn while others are silent; 0: those who are told to")
	flags.DurationVar(&o.turn, "turn", 3*time.Second, "how long each talks")
	flags.DurationVar(&o.every, "every", 0, "time from one guest's join to the next")
	if err := flags.Parse(args); err != nil {
		return o, "", 0, err
	}
	if flags.NArg() != 3 {
		return o, "", 0, errUsage
	}
	if count, err = strconv.Atoi(flags.Arg(2)); err != nil || count < 1 || o.talking > count || o.turn <= 0 {
		return o, "", 0, fmt.Errorf("%w: %q", errUsage, args)
	}
	o.join.Room, o.join.As = flags.Arg(1), *as
	o.client.Small, o.client.Simulcast, o.client.Only = *small, *simulcast, *only
	if *as != protocol.AsViewer {
		o.client.Audio, o.client.Video = true, true
		o.client.Features = map[string]any{"audio": true, "video": true}
	}
	if o.talking >= 0 {
		o.client.Quiet = client.Silence
	}
	if *silent {
		o.client.Quiet = client.Pause
	}
	return o, flags.Arg(0), count, nil
}

func run(args []string, until io.Reader, out io.Writer) error {
	o, url, count, err := parse(args)
	if err != nil {
		return err
	}
	clients := make([]*client.Client, count)
	errs := make([]error, count)
	var wg sync.WaitGroup
	for i := range count {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * o.every)
			clients[i], errs[i] = join(url, fmt.Sprint("Guest ", i+1), o)
		})
	}
	wg.Wait()
	defer leave(clients)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	over := make(chan struct{})
	defer wg.Wait()
	defer close(over)
	if o.talking > 0 {
		wg.Go(func() { takeTurns(clients[:o.talking], o.turn, over) })
	}
	if _, err := fmt.Fprintln(out, "joined"); err != nil {
		return err
	}
	return obey(clients, until)
}

func leave(clients []*client.Client) {
	var leaving sync.WaitGroup
	for _, c := range clients {
		if c != nil {
			leaving.Go(func() { _ = c.Close() })
		}
	}
	leaving.Wait()
}

// takeTurns has one talk after the other until over is closed.
func takeTurns(clients []*client.Client, turn time.Duration, over <-chan struct{}) {
	ticker := time.NewTicker(turn)
	defer ticker.Stop()
	for i := 0; ; i++ {
		c := clients[i%len(clients)]
		c.Talk(loudness)
		select {
		case <-ticker.C:
			c.Hush()
		case <-over:
			return
		}
	}
}

// obey does what the lines say until they end.
func obey(clients []*client.Client, lines io.Reader) error {
	scanner := bufio.NewScanner(lines)
	for scanner.Scan() {
		word, number, _ := strings.Cut(scanner.Text(), " ")
		who, err := strconv.Atoi(number)
		if word != "hush" && (word != "talk" || err != nil || who < 1 || who > len(clients)) {
			return fmt.Errorf("%w: %q", errUsage, scanner.Text())
		}
		for i, c := range clients {
			if word == "talk" && i == who-1 {
				c.Talk(loudness)
			} else {
				c.Hush()
			}
		}
	}
	return scanner.Err()
}

// join takes one guest into the room.
func join(url, name string, o options) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	account, err := client.LogIn(ctx, url, name, name+" of the tests")
	if err != nil {
		return nil, err
	}
	c, err := account.Dial(ctx, o.join.Room, o.client)
	if err != nil {
		return nil, err
	}
	return c, c.EnterAndWait(ctx, o.join)
}
