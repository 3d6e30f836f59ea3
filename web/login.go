package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"parley/auth"
	"parley/signaling/protocol"
)

// loginPage shows the form, or goes on if there is nothing to fill in.
func (s *Site) loginPage(c *gin.Context) {
	next := localPath(c.Query("next"))
	if _, ok := s.deps.Sessions.Identify(c.Request); ok {
		c.Redirect(http.StatusFound, cmp.Or(next, "/"))
		return
	}
	s.renderLogin(c, http.StatusOK, loginData{Next: next})
}

// logIn begins a session and goes on to next, or shows the form again with what was typed and what is wrong with it.
func (s *Site) logIn(c *gin.Context) {
	form, ok := s.readForm(c)
	if !ok {
		return
	}
	data := loginData{
		Next:            localPath(cmp.Or(form.Get("next"), c.Query("next"))),
		TypedScreenName: form.Get(auth.FieldScreenName),
		TypedName:       form.Get(auth.FieldName),
	}
	user, err := s.deps.Logins.LogIn(c.Request.Context(), data.TypedScreenName, data.TypedName)
	if refusals := auth.FieldErrors(err); len(refusals) > 0 {
		data.refuse(refusals)
		s.renderLogin(c, http.StatusOK, data)
		return
	}
	if err == nil {
		err = s.deps.Sessions.Begin(c.Writer, user)
	}
	if err != nil {
		s.log.Error("log in", "error", err)
		data.Problem = "You could not be logged in. Please try again."
		s.renderLogin(c, http.StatusInternalServerError, data)
		return
	}
	c.Redirect(http.StatusFound, cmp.Or(data.Next, "/"))
}

// logOut ends the session.
func (s *Site) logOut(c *gin.Context) {
	if err := s.deps.Sessions.End(c.Writer, c.Request); err != nil {
		s.fault(c, "log out", err)
		return
	}
	c.Redirect(http.StatusFound, "/login/")
}

func (s *Site) renderLogin(c *gin.Context, status int, data loginData) {
	data.frame = frame{Page: "login", Title: "Log in"}
	data.Focus = cmp.Or(data.Focus, auth.FieldScreenName)
	data.Room = roomOf(data.Next)
	s.render(c.Writer, c.Request, status, "login", data)
}

func (d *loginData) refuse(refusals []*auth.FieldError) {
	d.Refusals = map[string]string{}
	for _, refusal := range refusals {
		d.Refusals[refusal.Field] = refusal.Message
	}
	d.Focus = refusals[0].Field
}

// roomOf returns the room whose page is at path, or "".
func roomOf(path string) string {
	parsed, err := url.Parse(path)
	if err != nil {
		return ""
	}
	name, found := strings.CutPrefix(parsed.Path, "/r/")
	if !found {
		return ""
	}
	room, err := protocol.ParseRoom(strings.TrimSuffix(name, "/"))
	if err != nil {
		return ""
	}
	return room
}
