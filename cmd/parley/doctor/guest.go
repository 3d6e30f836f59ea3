package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"parley/signaling/client"
	"parley/signaling/protocol"
)

// Guest examines a server from another machine, as one who wants to a call there.
type Guest struct {
	URL          string // of the server
	Password     string // of the server, if it wants one
	RoomPassword string // of new rooms, if they want one
	Invite       string // link with an invitation, if the server or its rooms want one
}

// Examine goes the way of a guest, as far as it leads.
func (g Guest) Examine(ctx context.Context, report *Report) {
	base, err := url.Parse(g.URL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		report.Add(failed("URL", "give the one that guests open, such as https://call.example.org", "%q is none", g.URL))
		return
	}
	reached, ok := g.reach(ctx, report, base)
	if !ok || !g.examineTLS(ctx, report, base, reached) || !g.examinePage(ctx, report, base) {
		return
	}
	v, err := g.enter(ctx, base)
	if err != nil {
		report.Add(judgeLogin(err))
		return
	}
	report.Add(judgeLogin(nil))
	if socket := g.examineSocket(ctx, v); socket.Level == Failed {
		report.Add(socket)
		return
	} else {
		report.Add(socket)
	}
	var outcomes []outcome
	calls(ctx, v, guestPaths(ownAddresses(), reached), func(o outcome) { outcomes = append(outcomes, o) })
	works := slices.ContainsFunc(outcomes, func(o outcome) bool { return o.err == nil })
	for _, o := range tidy(outcomes) {
		report.Add(judgeRemote(o, v.why(ctx, o), reached, works))
	}
}

// guestPaths are the paths by each family that this machine or what it has reached is of.
func guestPaths(own, reached []netip.Addr) []path {
	mine := append([]netip.Addr{}, reached...)
	for _, ip := range own {
		if ip.IsGlobalUnicast() {
			mine = append(mine, ip)
		}
	}
	all := paths(families(mine)...)
	for i, p := range all {
		all[i].literal = p.relay && p.family != 0 && len(reached) > 0 && !slices.Contains(families(reached), p.family)
	}
	return all
}

// tidy leaves out the family that a path is not offered by, if it is by the other, and names the family of what is left
// only if there are both.
func tidy(outcomes []outcome) []outcome {
	var left []outcome
	for i, o := range outcomes {
		twin := slices.IndexFunc(outcomes, func(other outcome) bool {
			return other.path.name == o.path.name && other.path.family != o.path.family
		})
		offered := !errors.Is(o.err, errNotOffered)
		twinOffered := twin >= 0 && !errors.Is(outcomes[twin].err, errNotOffered)
		if !offered && (twinOffered || twin >= 0 && twin < i) {
			continue
		}
		if offered && twinOffered {
			o.path.name = fmt.Sprintf("%s over IPv%d", o.path.name, o.path.family)
		}
		left = append(left, o)
	}
	return left
}

// families are those of the addresses.
func families(addresses []netip.Addr) []int {
	var all []int
	for _, family := range []int{4, 6} {
		if slices.ContainsFunc(addresses, func(ip netip.Addr) bool { return ip.Is4() == (family == 4) }) {
			all = append(all, family)
		}
	}
	return all
}

// enter logs in.
func (g Guest) enter(ctx context.Context, base *url.URL) (*venue, error) {
	login := client.Login{URL: base.Scheme + "://" + base.Host, Password: g.Password}
	v := &venue{patience: connectWait}
	token := ""
	if g.Invite != "" {
		link, err := url.Parse(g.Invite)
		room, isRoom := "", false
		if err == nil {
			room, isRoom = strings.CutPrefix(strings.Trim(link.Path, "/"), "r/")
			token = link.Query().Get("invite")
		}
		if !isRoom || token == "" {
			return nil, fmt.Errorf("%w: --invite is no invitation link", client.ErrRefused)
		}
		v.room, login.Next = room, link.RequestURI()
	}
	v.join = func(room string) protocol.Join {
		return protocol.Join{Room: room, Password: g.RoomPassword, Invite: token}
	}
	return v, v.logIn(ctx, login)
}

func judgeLogin(err error) Finding {
	const about = "login"
	switch {
	case err == nil:
		return ok(about, "works")
	case errors.Is(err, client.ErrRefused) && strings.Contains(err.Error(), http.StatusText(http.StatusForbidden)):
		return failed(about, "give a fresh invitation: --invite LINK (parley invite ROOM, on the server, makes one); or, if "+
			"one was given, have the proxy pass the Host header on", "refused: %v", err)
	case errors.Is(err, client.ErrRefused):
		return failed(about, "give the server's password: --password PASSWORD", "refused: %v", err)
	}
	return failed(about, "see the error", "%v", err)
}

// examineSocket opens a websocket.
func (g Guest) examineSocket(ctx context.Context, v *venue) Finding {
	room := v.room
	if room == "" {
		room = newRoom()
	}
	ctx, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	began := time.Now()
	c, err := v.accounts[0].Dial(ctx, room, client.Options{})
	if err != nil {
		return judgeSocket(err, 0)
	}
	defer func() { _ = c.Close() }()
	return judgeSocket(nil, time.Since(began))
}

func judgeSocket(err error, took time.Duration) Finding {
	const about = "websocket"
	switch {
	case err == nil:
		return ok(about, "open after %d ms", took.Milliseconds())
	case errors.Is(err, client.ErrRefused) && strings.Contains(err.Error(), http.StatusText(http.StatusForbidden)):
		return failed(about, "have the proxy pass the Host header on (nginx: proxy_set_header Host $http_host)",
			"refused with 403: a proxy in front changes the name of the host")
	case errors.Is(err, client.ErrRefused):
		return failed(about, "have the proxy pass the upgrade on (nginx: proxy_http_version 1.1; proxy_set_header Upgrade "+
			"$http_upgrade; proxy_set_header Connection upgrade)",
			"answered as if it were a page (%v): a proxy in front does not pass websockets on", err)
	}
	return failed(about, "see whether a proxy in front, or in this network, cuts websockets off", "%s", saidOf(err))
}

// why looks closer at where a path led to in vain: by the address that was offered, what is there.
func (v *venue) why(ctx context.Context, o outcome) map[string]error {
	if o.err == nil || o.path.network == "udp" && !o.path.relay {
		return nil
	}
	found := make(map[string]error)
	for _, address := range o.offered {
		d, err := newDialer(ctx, o.path, v.here, v.secure)
		switch {
		case err != nil:
		case o.path.relay:
			err = d.allocate(address, o.turn[address])
		default:
			var conn net.Conn
			if conn, err = d.Dial("tcp", address); err == nil {
				_ = conn.Close()
			}
		}
		found[address] = err
	}
	return found
}
