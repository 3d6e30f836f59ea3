package main

import (
	"fmt"
	"net"
	"os"
)

// What the service manager is told.
const (
	notifyReady    = "READY=1"
	notifyStopping = "STOPPING=1"
	notifyMainPID  = "MAINPID=%d"
)

// notify tells the service manager how it stands, as sd_notify(3) does; without one it does nothing.
func notify(state string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	_, err = conn.Write([]byte(state))
	_ = conn.Close()
	return err
}
