// Stock is the forwarder that a newcomer to pion would write (forwarder.go): unmodified, with its default codecs and
// interceptors. It speaks as much of the signalling contract as `parley load` needs, for one room, and is what Parley's
// forwarding is compared with.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gorilla/websocket"

	"parley/signaling/protocol"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := serve(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "stock:", err)
		os.Exit(1)
	}
}

// serve prints its URL and process id when it serves.
func serve(ctx context.Context) error {
	udp, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { _ = udp.Close() }()
	s, err := newStock(udp)
	if err != nil {
		return err
	}
	tcp, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("stock serving on http://%s pid %d\n", tcp.Addr(), os.Getpid())
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(tcp); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// ServeHTTP lets everybody in.
func (s *stock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !websocket.IsWebSocketUpgrade(r) { // a login, by whatever name
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "anybody", Path: "/", HttpOnly: true})
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	socket, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	id := rand.Text()
	who := &person{Participant: protocol.Participant{ChannelName: id, ShortName: protocol.ShortName(id)}, socket: socket}
	config := protocol.RTCConfig{ICEServers: []protocol.ICEServer{}, ICETransportPolicy: "all"}
	who.tell(protocol.Connect{Type: protocol.TypeConnect, ChannelName: id, RTCConfig: config})
	if err := s.listen(who); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		fmt.Fprintln(os.Stderr, "stock:", err)
	}
	s.leave(who)
	_ = socket.Close()
}

// listen returns why the socket has ended.
func (s *stock) listen(who *person) error {
	for {
		var message struct {
			Join string
			RTC  struct{ Signal protocol.SignalBody }
		}
		err := who.socket.ReadJSON(&message)
		switch {
		case err != nil:
		case message.Join != "":
			err = s.join(who)
		default:
			err = s.signal(who, message.RTC.Signal)
		}
		if err != nil {
			return err
		}
	}
}

func (who *person) tell(message any) {
	who.write.Lock()
	defer who.write.Unlock()
	_ = who.socket.WriteJSON(map[string]any{protocol.KeyRTC: message}) // listen finds out
}

func (who *person) signal(body protocol.SignalBody) {
	who.tell(protocol.Signal{Type: protocol.TypeSignal, Sender: protocol.SFU, Recipient: who.ChannelName, Signal: body})
}
