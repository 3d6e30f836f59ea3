package doctor

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"time"
)

const (
	aboutClock   = "clock"
	ntpWait      = 2 * time.Second
	ntpEpoch     = 2208988800 // seconds from 1900 to 1970 (RFC 5905)
	clockWarns   = 5 * time.Second
	clockFails   = 2 * time.Minute
	doClock      = "switch time synchronisation on: timedatectl set-ntp true (systemd-timesyncd or chrony)"
	clockMatters = "certificates and TURN credentials depend on it"
)

var errNTP = errors.New("the answer is none of NTP")

// examineClock compares the clock with an NTP server's.
func examineClock(ctx context.Context, server string) Finding {
	offset, err := askNTP(ctx, server)
	return judgeClock(server, offset, err)
}

// judgeClock is told how far the clock is behind that of another.
func judgeClock(of string, offset time.Duration, err error) Finding {
	switch distance := offset.Abs(); {
	case err != nil:
		return ok(aboutClock, "not compared: %s does not answer (%v)", of, err)
	case distance > clockFails:
		return failed(aboutClock, doClock, "%s off, says %s: %s", distance.Round(time.Second), of, clockMatters)
	case distance > clockWarns:
		return warning(aboutClock, doClock, "%s off, says %s: %s", distance.Round(time.Second), of, clockMatters)
	default:
		return ok(aboutClock, "less than %s off, says %s", (distance/time.Second+1)*time.Second, of)
	}
}

// askNTP asks a server for the time (SNTP, RFC 5905, section 14) and returns how far our clock is behind.
func askNTP(ctx context.Context, server string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, ntpWait)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "udp", server)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return 0, err
	}
	request := make([]byte, 48)
	request[0] = 4<<3 | 3 // version 4, a client
	asked := time.Now()
	if _, err := conn.Write(request); err != nil {
		return 0, err
	}
	answer := make([]byte, 512)
	n, err := conn.Read(answer)
	if err != nil {
		return 0, err
	}
	back := time.Now()
	// A server of stratum 0 refuses (a kiss of death).
	if n < 48 || answer[0]&7 != 4 || answer[1] == 0 {
		return 0, errNTP
	}
	received, sent := ntpTime(answer[32:]), ntpTime(answer[40:])
	return (received.Sub(asked) + sent.Sub(back)) / 2, nil
}

// ntpTime reads seconds since 1900 and their fraction, of 32 bits each.
func ntpTime(b []byte) time.Time {
	seconds, fraction := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	return time.Unix(int64(seconds)-ntpEpoch, int64(fraction)*int64(time.Second)>>32)
}
