package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/auth"
	"parley/configs"
	"parley/signaling/protocol"
	"parley/web"
)

var errPublicURL = errors.New("expected a URL such as https://call.example.org")

func newInvite() *cobra.Command {
	var file, publicURL string
	invite := &cobra.Command{
		Use:   "invite ROOM",
		Short: "Print an invitation link to a room",
		Long: "Print an invitation link to a room: it lets whoever has it in, until it expires, where access or " +
			"room_access\nis invite. Run it with the configuration and the data directory of the server, which may run " +
			"meanwhile.",
		Example: "  parley invite standup --data-dir /var/lib/parley --public-url https://call.example.org",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := configs.Load(file, os.Environ(), cmd.Flags())
			if err != nil {
				return err
			}
			link, expires, err := makeInvitation(cfg, args[0], publicURL)
			if err != nil {
				return fmt.Errorf("invite: %w", err)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "good until %s\n", expires.Local().Format(time.DateTime))
			_, err = fmt.Fprintln(cmd.OutOrStdout(), link)
			return err
		},
	}
	addFileFlag(invite, &file)
	configs.AddFlags(invite.Flags(), "data_dir", "invite_lifetime")
	invite.Flags().StringVar(&publicURL, "public-url", "", "`URL` at which browsers reach the server; else only the path "+
		"is printed")
	return invite
}

// makeInvitation returns a link to room, under publicURL or, if that is empty, as a path.
func makeInvitation(cfg configs.Config, room, publicURL string) (link string, expires time.Time, err error) {
	if room, err = protocol.ParseRoom(room); err != nil {
		return "", time.Time{}, err
	}
	if publicURL != "" {
		base, err := url.Parse(publicURL)
		if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil ||
			strings.Trim(base.Path, "/") != "" || base.RawQuery != "" || base.Fragment != "" {
			return "", time.Time{}, fmt.Errorf("--public-url: %w, not %q", errPublicURL, publicURL)
		}
		publicURL = base.Scheme + "://" + base.Host
	}
	invites, err := newInvites(cfg)
	if err != nil {
		return "", time.Time{}, err
	}
	token, expires := invites.Make(room)
	return publicURL + web.InvitePath(room, token), expires, nil
}

// newDoor makes what decides who may log in.
func newDoor(cfg configs.Access, invites *auth.Invites) *auth.Door {
	switch cfg.Server {
	case protocol.AccessPassword:
		return auth.NewPasswordDoor(cfg.Password)
	case protocol.AccessInvite:
		return auth.NewInviteDoor(invites)
	}
	return new(auth.Door)
}

// newInvites makes invitations with the key in the data directory, which needs no lock.
func newInvites(cfg configs.Config) (*auth.Invites, error) {
	return auth.NewInvites(filepath.Join(cfg.Store.DataDir, "invite.key"), cfg.Access.InviteLifetime)
}
