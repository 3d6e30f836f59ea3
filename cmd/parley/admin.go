package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/auth"
	"parley/configs"
	"parley/sfu"
	"parley/sfu/capacity"
	"parley/signaling"
	"parley/web"
)

// adminTokenFile is where the operator's token is in the data directory, if none is configured.
const adminTokenFile = "admin.token"

func newAdmin() *cobra.Command {
	var file string
	var show bool
	admin := &cobra.Command{
		Use:   "admin",
		Short: "Say where the operator's page is, and its token",
		Long: "Say where the operator's page is, and where its token. Run it with the configuration and the data " +
			"directory of\nthe server, which may run meanwhile.",
		Example: "  parley admin --data-dir /var/lib/parley --token",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configs.Load(file, os.Environ(), cmd.Flags())
			if err != nil {
				return err
			}
			tokenFile := filepath.Join(cfg.Store.DataDir, adminTokenFile)
			if show {
				token := strings.TrimSpace(cfg.Access.AdminToken)
				if token == "" {
					if token, err = auth.LoadOperatorToken(tokenFile); errors.Is(err, fs.ErrNotExist) {
						err = fmt.Errorf("%w; the server makes it when it starts", err)
					}
				}
				if err != nil {
					return fmt.Errorf("admin: %w", err)
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
				return err
			}
			where := "in " + tokenFile
			if cfg.Access.AdminToken != "" {
				where = "admin_token of the configuration"
			}
			host, port, _ := net.SplitHostPort(cfg.HTTP.Listen) // it was validated
			number, _ := strconv.Atoi(port)                     // likewise
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%sadmin/\ntoken: %s\n", siteURL(cfg, host, number), where)
			return err
		},
	}
	addFileFlag(admin, &file)
	configs.AddFlags(admin.Flags(), "data_dir", "listen", "public_host", "public_port", "admin_token")
	admin.Flags().BoolVar(&show, "token", false, "print the token, and nothing else")
	return admin
}

// newOperator lets in who knows the token that is configured, or that in the data directory, which is made if need be.
func newOperator(cfg configs.Config, revocations auth.Revocations) (*auth.Operator, error) {
	token := strings.TrimSpace(cfg.Access.AdminToken)
	if token == "" {
		var err error
		token, err = auth.LoadOrCreateOperatorToken(filepath.Join(cfg.Store.DataDir, adminTokenFile))
		if err != nil {
			return nil, err
		}
	}
	return auth.NewOperator(token, cfg.HTTP.SessionLifetime, revocations), nil
}

// admin is the server as its operator sees it.
type admin struct {
	hub      *signaling.Hub
	sfu      *sfu.SFU
	capacity *capacity.Meter
	traffic  *traffic
	started  time.Time
}

// Kick removes somebody from a room.
func (a *admin) Kick(room, channelName string) bool { return a.hub.Kick(room, channelName) }

// CloseRoom has everybody leave a room.
func (a *admin) CloseRoom(room string) bool { return a.hub.CloseRoom(room) }

// Overview puts together what each part knows.
func (a *admin) Overview() web.Overview {
	state, headroom, sent := a.capacity.State(), a.capacity.Headroom(), a.traffic.latest()
	o := web.Overview{
		At: time.Now(), Started: a.started, Version: version(), Draining: a.hub.Draining(),
		Headroom: -1, Limit: headroom.Limit, CPU: state.CPU, Cores: state.Cores, Egress: state.Egress,
		Sent: sent.bits, Squeeze: int(state.Squeeze),
	}
	if headroom.Known {
		o.Headroom = headroom.People
	}
	if sent.packets > 0 {
		o.Packet = time.Duration(state.Cores / sent.packets * float64(time.Second))
	}
	media := make(map[[2]string]sfu.PeerSnapshot) // by room and channel name
	for _, snapshot := range a.sfu.Snapshot() {
		media[[2]string{snapshot.Room, snapshot.ID}] = snapshot
	}
	for _, r := range a.hub.Overview() {
		room := web.AdminRoom{Name: r.Name, Opened: r.Opened, Locked: r.Locked}
		names := make(map[string]string, len(r.Members))
		for _, m := range r.Members {
			names[m.ChannelName] = m.UserName
		}
		for _, m := range r.Members {
			member := web.AdminMember{
				Participant: m.Participant, Since: m.Since, Host: m.Host, Viewer: m.Viewer, Away: m.Away,
			}
			if snapshot, ok := media[[2]string{r.Name, m.ChannelName}]; ok {
				member.Media = adminMedia(snapshot, names)
			}
			room.Members = append(room.Members, member)
		}
		o.Rooms = append(o.Rooms, room)
	}
	for _, e := range a.hub.Recent() {
		o.Events = append(o.Events, web.AdminEvent(e))
	}
	return o
}

// adminMedia is how somebody's media is, with the others' screen names, which are by channel name.
func adminMedia(s sfu.PeerSnapshot, names map[string]string) *web.AdminMedia {
	m := &web.AdminMedia{
		Way: s.Way, RTT: s.RTT, LossUp: s.LossUp, LossDown: s.LossDown, Estimate: s.Estimate, Sent: s.Sent,
		Received: s.Received, Sounds: s.Sounds,
	}
	for _, t := range s.Tracks {
		track := web.AdminTrack{
			Kind: t.Kind, Codec: t.Codec, Screen: t.Screen, Barred: t.Barred, Receivers: t.Receivers, Why: string(t.Why),
		}
		for _, l := range t.Layers {
			track.Layers = append(track.Layers, web.AdminLayer(l))
		}
		m.Tracks = append(m.Tracks, track)
	}
	for _, q := range s.Pictures {
		m.Pictures = append(m.Pictures, web.AdminPicture{
			Publisher: q.Publisher, Name: cmp.Or(names[q.Publisher], "?"), Screen: q.Screen, Layer: q.Layer, Layers: q.Layers,
			Width: q.Width, Height: q.Height, Why: string(q.Why),
		})
	}
	// In an order that stays, whatever the loops answer in.
	slices.SortFunc(m.Tracks, func(x, y web.AdminTrack) int {
		return cmp.Or(boolCompare(x.Screen, y.Screen), cmp.Compare(x.Kind, y.Kind))
	})
	slices.SortFunc(m.Pictures, func(x, y web.AdminPicture) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Publisher, y.Publisher), boolCompare(x.Screen, y.Screen))
	})
	return m
}

func boolCompare(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	}
	return 1
}
