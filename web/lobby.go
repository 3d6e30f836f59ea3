package web

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"parley/signaling/protocol"
)

// lobbyPage shows the rooms in use.
func (s *Site) lobbyPage(c *gin.Context) { s.renderLobby(c, lobbyData{}) }

// enterRoom goes to the room of the name that was typed, or shows the lobby again with what is wrong with it.
func (s *Site) enterRoom(c *gin.Context) {
	form, ok := s.readForm(c)
	if !ok {
		return
	}
	typed := form.Get("room")
	room, err := protocol.ParseRoom(strings.TrimSpace(typed))
	if err != nil {
		s.renderLobby(c, lobbyData{Typed: typed, Refusal: roomRefusal(typed)})
		return
	}
	c.Redirect(http.StatusFound, roomPath(room))
}

func (s *Site) renderLobby(c *gin.Context, data lobbyData) {
	identity, ok := s.deps.Sessions.Identify(c.Request)
	if !ok {
		c.Redirect(http.StatusFound, loginPath(c.Request))
		return
	}
	l := s.locales.of(c.Request)
	data.frame = frame{Page: "lobby", Title: l.word("page.lobby.title"), ScreenName: identity.User.ScreenName}
	data.Refusal = l.said(data.Refusal)
	data.Rooms = s.deps.Rooms.Rooms()
	s.render(c.Writer, c.Request, http.StatusOK, "lobby", &data)
}

func roomRefusal(typed string) string {
	if strings.TrimSpace(typed) == "" {
		return "Please enter the name of a room"
	}
	return fmt.Sprintf("Please use 1 to %d letters, digits, _ or - and no spaces", protocol.MaxRoomName)
}

// roomPage shows one room. A name in another form than NFC leads to the NFC form, so that a room has one address.
func (s *Site) roomPage(c *gin.Context) {
	room, err := protocol.ParseRoom(c.Param("room"))
	if err != nil {
		message := fmt.Sprintf("The name of a room has 1 to %d letters, digits, _ or -.", protocol.MaxRoomName)
		s.renderError(c.Writer, c.Request, http.StatusNotFound, message)
		return
	}
	if room != c.Param("room") {
		target := roomPath(room)
		if query := c.Request.URL.RawQuery; query != "" { // an invitation
			target += "?" + query
		}
		c.Redirect(http.StatusMovedPermanently, target)
		return
	}
	identity, ok := s.deps.Sessions.Identify(c.Request)
	if !ok {
		c.Redirect(http.StatusFound, loginPath(c.Request))
		return
	}
	s.render(c.Writer, c.Request, http.StatusOK, "room", &roomData{
		frame:      frame{Page: "room", Title: room, ScreenName: identity.User.ScreenName},
		Room:       room,
		SocketPath: "/ws" + strings.TrimPrefix(roomPath(room), "/r"),
		Codecs:     s.codecs,
		Header:     headerData{Header: protocol.Header{Room: room, People: s.peopleIn(room), Headroom: -1}},
	})
}

func (s *Site) peopleIn(room string) int {
	for _, inUse := range s.deps.Rooms.Rooms() {
		if inUse.Name == room {
			return inUse.People
		}
	}
	return 0
}

// serveSocket hands the request on, whoever it comes from: the socket answers for itself.
func (s *Site) serveSocket(c *gin.Context) {
	c.Request.SetPathValue("room", c.Param("room"))
	s.deps.Socket.ServeHTTP(c.Writer, c.Request)
}
