package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"

	"parley/auth"
	"parley/cmd/parley/doctor"
	"parley/configs"
	"parley/sfu/egress"
	"parley/signaling/protocol"
)

// askWithin is how long a STUN server may take to answer the doctor.
const askWithin = 3 * time.Second

// doctorFlags are those of doctor that are no settings.
type doctorFlags struct {
	file  string
	ntp   string
	json  bool
	guest doctor.Guest
}

func newDoctor(run runFunc) *cobra.Command {
	var flags doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say whether calls work here, and what to do where they do not",
		Long: "Say whether calls work here, and what to do where they do not: on the machine of the server, with the " +
			"configuration\nof serve, whether it runs or not; or, with --from-outside, from another machine as a guest. " +
			"The exit status is 1\nif something failed.",
		Example: "  parley doctor --config /etc/parley/parley.yaml\n" +
			"  parley doctor --from-outside https://call.example.org",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var report doctor.Report
			var writeErr error
			if !flags.json {
				report.Each = func(f doctor.Finding) { writeErr = errors.Join(writeErr, f.WriteText(cmd.OutOrStdout())) }
			}
			if flags.guest.URL != "" {
				flags.guest.Examine(cmd.Context(), &report)
			} else {
				examineServer(cmd, run, flags, &report)
			}
			if flags.json {
				writeErr = report.WriteJSON(cmd.OutOrStdout())
			}
			if writeErr != nil {
				return fmt.Errorf("doctor: %w", writeErr)
			}
			if n := report.Count(doctor.Failed); n > 0 {
				return fmt.Errorf("doctor: %d of %d findings failed", n, len(report.Findings))
			}
			return nil
		},
	}
	addFileFlag(cmd, &flags.file)
	configs.AddFlags(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&flags.guest.URL, "from-outside", "", "examine the server at this `URL` as a guest")
	f.StringVar(&flags.guest.Password, "password", "", "with --from-outside: `PASSWORD` of the server")
	f.StringVar(&flags.guest.RoomPassword, "join-password", "", "with --from-outside: `PASSWORD` of new rooms")
	f.StringVar(&flags.guest.Invite, "invite", "", "with --from-outside: invitation `LINK`, where one is asked for")
	f.StringVar(&flags.ntp, "ntp", "pool.ntp.org:123", "`HOST:PORT` of the NTP server to compare the clock with")
	f.BoolVar(&flags.json, "json", false, "write JSON")
	return cmd
}

// examineServer loads the configuration, whose faults are findings, and examines this machine.
func examineServer(cmd *cobra.Command, run runFunc, flags doctorFlags, report *doctor.Report) {
	cfg, err := configs.Load(flags.file, os.Environ(), cmd.Flags())
	if err != nil {
		report.Add(doctor.BadConfiguration(err))
		return
	}
	quiet := slog.New(slog.DiscardHandler)
	doctor.Server{
		Config: cfg,
		NTP:    flags.ntp,
		Serve: func(ctx context.Context, cfg configs.Config, ready func(string)) error {
			cfg.HTTP.DrainLimit = 0 // nobody else is there
			return run(ctx, cfg, order{ready: ready}, quiet)
		},
		Media: func(ctx context.Context, cfg configs.Config) (string, []netip.AddrPort, error) {
			announced, err := findAnnounced(ctx, cfg, quiet)
			return mediaHost(cfg), announced, err
		},
		Discover: askSTUN,
		Invite: func(cfg configs.Config, room string) (string, error) {
			invites, err := newInvites(cfg)
			if err != nil {
				return "", err
			}
			token, _ := invites.Make(room)
			return token, nil
		},
		ExternalTURN: func(cfg configs.Config) protocol.ICEServer {
			c := auth.NewTURN([]byte(cfg.TURN.ExternalSecret), cfg.TURN.CredentialLifetime).Issue("doctor", time.Now())
			return protocol.ICEServer{Username: c.Username, Credential: c.Password}
		},
	}.Examine(cmd.Context(), report)
}

// findAnnounced finds what the server announces. The media port may be the server's, so a STUN server is asked from
// another one, and what a NAT makes of the port remains unknown.
func findAnnounced(ctx context.Context, cfg configs.Config, log *slog.Logger) ([]netip.AddrPort, error) {
	found, err := newWatcher(cfg, func(ctx context.Context, server netip.AddrPort) (netip.AddrPort, error) {
		mapped, err := askFromAnyPort(ctx, server)
		return netip.AddrPortFrom(mapped, uint16(cfg.Media.Port)), err // validated
	}, log).Find(ctx)
	return found.Announced, err
}

// askSTUN asks the STUN server at HOST:PORT for our public address.
func askSTUN(ctx context.Context, server string) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	at, err := net.ResolveUDPAddr("udp", server)
	if err != nil {
		return netip.Addr{}, err
	}
	return askFromAnyPort(ctx, at.AddrPort())
}

func askFromAnyPort(ctx context.Context, server netip.AddrPort) (netip.Addr, error) {
	conn, err := egress.Listen(ctx, ":0", egress.Options{Shards: 1}, slog.New(slog.DiscardHandler))
	if err != nil {
		return netip.Addr{}, err
	}
	mapped, err := conn.Ask(ctx, server)
	return mapped.Addr(), errors.Join(err, conn.Close())
}
