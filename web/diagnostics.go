package web

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

type diagnosticsData struct {
	frame
	Codecs string // as on the page of a room
	Paths  []string
}

// mediaPaths are the ways on which media may reach the server, the best first; the page has a row for each.
func mediaPaths() []string { return []string{"udp", "tcp", "turn_udp", "turn_tcp", "turn_tls"} }

// diagnosticsPage is where somebody finds out whether calls will work for them, and if not why.
func (s *Site) diagnosticsPage(c *gin.Context) {
	identity, ok := s.deps.Sessions.Identify(c.Request)
	if !ok {
		c.Redirect(http.StatusFound, loginPath(c.Request))
		return
	}
	title := s.locales.of(c.Request).word("page.diagnostics.title")
	s.render(c.Writer, c.Request, http.StatusOK, "diagnostics", &diagnosticsData{
		frame:  frame{Page: "diagnostics", Title: title, ScreenName: identity.User.ScreenName},
		Codecs: s.codecs,
		Paths:  mediaPaths(),
	})
}
