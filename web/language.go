package web

import (
	"cmp"
	"net/http"

	"github.com/gin-gonic/gin"

	"parley/auth"
)

// aYear is how long a choice of language is kept, in seconds.
const aYear = 365 * 24 * 3600

// setLanguage keeps the language that was chosen, and goes back to where that was.
func (s *Site) setLanguage(c *gin.Context) {
	form, ok := s.readForm(c)
	if !ok {
		return
	}
	chosen := s.locales.all[form.Get("language")]
	if chosen == nil {
		s.renderError(c.Writer, c.Request, http.StatusBadRequest, "This language is not available.")
		return
	}
	http.SetCookie(c.Writer, &http.Cookie{
		Name: languageCookie, Value: chosen.Language, Path: "/", MaxAge: aYear, Secure: auth.Secure(c.Request),
		SameSite: http.SameSiteLaxMode,
	})
	c.Redirect(http.StatusSeeOther, cmp.Or(localPath(form.Get("next")), "/"))
}
