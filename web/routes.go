package web

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// routes is every address of the site.
func (s *Site) routes() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false // it sends /r/ to /r
	r.NoRoute(s.notFound)
	r.NoMethod(s.methodNotAllowed)
	r.Use(s.recoverPanic)

	page := []string{http.MethodGet, http.MethodHead}
	r.Match(page, "/login/", s.loginPage)
	r.POST("/login/", s.logIn)
	r.POST("/logout/", s.logOut)
	r.POST("/language/", s.setLanguage)

	r.Match(page, "/", s.lobbyPage)
	r.POST("/", s.enterRoom)
	r.GET("/rooms/", s.streamRooms)
	r.Match(page, "/r/:room/", s.roomPage)
	r.Match(page, "/diagnostics/", s.diagnosticsPage)
	r.GET("/ws/:room/", s.serveSocket)

	s.adminRoutes(r)

	r.Match(page, "/static/*asset", s.serveAsset)

	for _, slashless := range []string{"/login", "/rooms", "/diagnostics", "/admin", "/r/:room", "/ws/:room"} {
		r.Match(page, slashless, addSlash)
	}
	return r
}

// addSlash redirects to the same address with a slash at its end.
func addSlash(c *gin.Context) {
	target := *c.Request.URL
	target.Path, target.RawPath = target.Path+"/", ""
	c.Redirect(http.StatusMovedPermanently, target.RequestURI())
}
