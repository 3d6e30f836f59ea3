package web

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"parley/auth"
)

// What the login page says to who needs an invitation.
const (
	messageUninvited = "You need an invitation to come in. Please open the link that you were sent."
	messageStale     = "This invitation has expired, or is for another room. Please ask for a new one."
)

// loginPage shows the form, or goes on if there is nothing to fill in.
func (s *Site) loginPage(c *gin.Context) {
	data := s.newLogin(c.Query("next"))
	if _, ok := s.deps.Sessions.Identify(c.Request); ok {
		c.Redirect(http.StatusFound, cmp.Or(data.Next, "/"))
		return
	}
	s.renderLogin(c, http.StatusOK, data)
}

// logIn begins a session and goes on to next, or shows the form again with what was typed and what is wrong with it.
func (s *Site) logIn(c *gin.Context) {
	form, ok := s.readForm(c)
	if !ok {
		return
	}
	data := s.newLogin(cmp.Or(form.Get("next"), c.Query("next")))
	data.TypedScreenName, data.TypedName = form.Get(auth.FieldScreenName), form.Get(auth.FieldName)
	if data.Uninvited != "" {
		s.renderLogin(c, http.StatusOK, data)
		return
	}
	if data.Problem = s.mayLogIn(c.Writer, c.Request); data.Problem != "" {
		s.renderLogin(c, http.StatusTooManyRequests, data)
		return
	}
	user, err := s.identify(c.Request, form)
	if refusals := auth.FieldErrors(err); len(refusals) > 0 {
		data.refuse(refusals)
		s.renderLogin(c, http.StatusOK, data)
		return
	}
	if err == nil {
		err = s.deps.Sessions.Begin(c.Writer, c.Request, user)
	}
	if err != nil {
		s.log.Error("log in", "error", err)
		data.Problem = "You could not be logged in. Please try again."
		s.renderLogin(c, http.StatusInternalServerError, data)
		return
	}
	c.Redirect(http.StatusFound, cmp.Or(data.Next, "/"))
}

// identify finds out who filled in the form. Who does not know the server's password learns nothing of names.
func (s *Site) identify(r *http.Request, form url.Values) (auth.User, error) {
	if err := s.deps.Door.CheckPassword(form.Get(auth.FieldPassword), r.RemoteAddr); err != nil {
		return auth.User{}, err
	}
	return s.deps.Logins.LogIn(r.Context(), form.Get(auth.FieldScreenName), form.Get(auth.FieldName))
}

// logOut ends the session.
func (s *Site) logOut(c *gin.Context) {
	if err := s.deps.Sessions.End(c.Writer, c.Request); err != nil {
		s.fault(c, "log out", err)
		return
	}
	c.Redirect(http.StatusFound, "/login/")
}

// newLogin is the login page that leads to next.
func (s *Site) newLogin(next string) loginData {
	data := loginData{Next: localPath(next), WantsPassword: s.deps.Door.WantsPassword()}
	data.Room = roomOf(data.Next)
	if invite := inviteOf(data.Next); !s.deps.Door.Invited(invite, data.Room) {
		data.Uninvited = messageUninvited
		if invite != "" {
			data.Uninvited = messageStale
		}
	}
	return data
}

// renderLogin sends the page. With 403 where the form would be of no use.
func (s *Site) renderLogin(c *gin.Context, status int, data loginData) {
	l := s.locales.of(c.Request)
	data.frame = frame{Page: "login", Title: l.word("page.login.title")}
	data.Uninvited, data.Problem = l.said(data.Uninvited), l.said(data.Problem)
	for field, message := range data.Refusals {
		data.Refusals[field] = l.said(message)
	}
	data.Focus = cmp.Or(data.Focus, auth.FieldScreenName)
	if data.Uninvited != "" {
		status = http.StatusForbidden
	}
	s.render(c.Writer, c.Request, status, "login", &data)
}

func (d *loginData) refuse(refusals []*auth.FieldError) {
	d.Refusals = map[string]string{}
	for _, refusal := range refusals {
		d.Refusals[refusal.Field] = refusal.Message
	}
	d.Focus = refusals[0].Field
}
