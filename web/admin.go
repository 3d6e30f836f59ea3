package web

import (
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"parley/auth"
)

// overviewFor is how long an overview is shown to all who look at it.
const overviewFor = time.Second

// Admin is what the operator's page shows and does. Its methods may take a moment.
type Admin interface {
	Overview() Overview
	// Kick removes somebody from a room, to which they cannot come back as long as it is open.
	Kick(room, channelName string) (found bool)
	// CloseRoom has everybody leave a room.
	CloseRoom(room string) (found bool)
}

// overviews keeps the latest one for a moment: how many look at it does not matter.
type overviews struct {
	admin Admin // static

	mu     sync.Mutex
	latest Overview // guarded by mu
}

func (o *overviews) get() Overview {
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Since(o.latest.At) >= overviewFor {
		o.latest = o.admin.Overview()
	}
	return o.latest
}

// forget makes the next one be a new one.
func (o *overviews) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.latest = Overview{}
}

type adminData struct {
	frame
	Overview
	Chosen string // channel name of whose details are shown
}

// adminRoomData is one room of it.
type adminRoomData struct {
	Room AdminRoom
	Data *adminData
}

type adminLoginData struct {
	frame
	Refusal string // what is wrong with the token that was entered, or ""
}

// confirmData asks whether somebody is to be removed, or, with Peer "", a room to be closed.
type confirmData struct {
	frame
	Room, Peer string
	Who        string // screen name
	People     int
}

// adminRoutes are those of whoever runs the server. But for the form that asks for the token nothing is there for
// others.
func (s *Site) adminRoutes(r *gin.Engine) {
	page := []string{http.MethodGet, http.MethodHead}
	r.Match(page, "/admin/", s.adminPage)
	r.POST("/admin/", s.ofThisHost, s.adminLogIn)
	r.POST("/admin/logout/", s.ofThisHost, s.adminLogOut)
	r.GET("/admin/live/", s.adminLive)
	for path, do := range map[string]func(form url.Values) bool{
		"/admin/remove/": func(form url.Values) bool { return s.deps.Admin.Kick(form.Get("room"), form.Get("peer")) },
		"/admin/close/":  func(form url.Values) bool { return s.deps.Admin.CloseRoom(form.Get("room")) },
	} {
		r.Match(page, path, s.ofOperator, s.adminConfirm)
		r.POST(path, s.ofThisHost, s.ofOperator, func(c *gin.Context) { s.adminDo(c, do) })
	}
}

// ofThisHost refuses forms of other sites.
func (s *Site) ofThisHost(c *gin.Context) {
	if !auth.OriginAllowed(c.Request) {
		s.renderError(c.Writer, c.Request, http.StatusForbidden, "This request came from another site.")
		c.Abort()
	}
}

// ofOperator leads everybody else to the form that asks for the token.
func (s *Site) ofOperator(c *gin.Context) {
	if !s.deps.Operator.Is(c.Request) {
		c.Redirect(http.StatusSeeOther, "/admin/")
		c.Abort()
	}
}

// adminPage shows how the server is, or asks for the token.
func (s *Site) adminPage(c *gin.Context) {
	if !s.deps.Operator.Is(c.Request) {
		s.renderAdminLogin(c, "")
		return
	}
	s.render(c.Writer, c.Request, http.StatusOK, "admin", s.newAdmin(c, "admin"))
}

// adminLive is the part of the page that changes.
func (s *Site) adminLive(c *gin.Context) {
	if !s.deps.Operator.Is(c.Request) {
		c.Header("HX-Redirect", "/admin/")
		c.String(http.StatusUnauthorized, "not logged in")
		return
	}
	s.render(c.Writer, c.Request, http.StatusOK, "admin-live", s.newAdmin(c, "admin-live"))
}

func (s *Site) newAdmin(c *gin.Context, page string) *adminData {
	title := s.locales.of(c.Request).word("page.admin.title")
	return &adminData{
		frame: frame{Page: page, Title: title}, Overview: s.overviews.get(), Chosen: c.Query("peer"),
	}
}

func (s *Site) renderAdminLogin(c *gin.Context, refusal string) {
	l := s.locales.of(c.Request)
	s.render(c.Writer, c.Request, http.StatusOK, "admin-login", &adminLoginData{
		frame: frame{Page: "login", Title: l.word("page.admin.title")}, Refusal: l.said(refusal),
	})
}

// adminLogIn lets in who knows the token.
func (s *Site) adminLogIn(c *gin.Context) {
	form, ok := s.readForm(c)
	if !ok {
		return
	}
	err := s.deps.Operator.Begin(c.Writer, c.Request, form.Get(auth.FieldToken))
	if refusals := auth.FieldErrors(err); len(refusals) > 0 {
		s.log.Warn("operator refused", "remote", c.Request.RemoteAddr)
		s.renderAdminLogin(c, refusals[0].Message)
		return
	}
	if err != nil {
		s.fault(c, "log the operator in", err)
		return
	}
	s.log.Info("operator logged in", "remote", c.Request.RemoteAddr)
	c.Redirect(http.StatusSeeOther, "/admin/")
}

func (s *Site) adminLogOut(c *gin.Context) {
	if err := s.deps.Operator.End(c.Writer, c.Request); err != nil {
		s.fault(c, "log the operator out", err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/admin/")
}

// adminConfirm asks before something is done. What is gone by now leads back.
func (s *Site) adminConfirm(c *gin.Context) {
	title := s.locales.of(c.Request).word("page.admin.title")
	data := &confirmData{frame: frame{Page: "login", Title: title}, Room: c.Query("room"), Peer: c.Query("peer")}
	for _, room := range s.overviews.get().Rooms {
		for _, m := range room.Members {
			if room.Name == data.Room && m.ChannelName == data.Peer {
				data.Who = m.UserName
			}
		}
		if room.Name == data.Room {
			data.People = len(room.Members)
		}
	}
	if data.People == 0 || c.FullPath() == "/admin/remove/" && data.Who == "" {
		c.Redirect(http.StatusSeeOther, "/admin/")
		return
	}
	s.render(c.Writer, c.Request, http.StatusOK, "admin-confirm", data)
}

// adminDo does what was confirmed.
func (s *Site) adminDo(c *gin.Context, do func(form url.Values) bool) {
	form, ok := s.readForm(c)
	if !ok {
		return
	}
	found := do(form)
	s.log.Info("operator", "asked", c.FullPath(), "room", form.Get("room"), "peer", form.Get("peer"),
		"found", found, "remote", c.Request.RemoteAddr)
	s.overviews.forget()
	c.Redirect(http.StatusSeeOther, "/admin/")
}
