package web

import (
	"errors"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	maxFormBytes = 16 << 10
	formTimeout  = 10 * time.Second
)

func (s *Site) notFound(c *gin.Context) {
	s.renderError(c.Writer, c.Request, http.StatusNotFound, "There is nothing at this address.")
}

func (s *Site) methodNotAllowed(c *gin.Context) {
	s.renderError(c.Writer, c.Request, http.StatusMethodNotAllowed, "This address does not take such a request.")
}

// fault answers a request that failed through no fault of its own.
func (s *Site) fault(c *gin.Context, step string, err error) {
	s.log.Error(step, "error", err)
	s.renderError(c.Writer, c.Request, http.StatusInternalServerError, "Something went wrong here. Please try again.")
}

// recoverPanic keeps the server up when a handler panics.
func (s *Site) recoverPanic(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(cause)
		}
		s.log.Error("panic in a handler", "route", c.FullPath(), "cause", cause, "stack", string(debug.Stack()))
		c.Abort()
		if !c.Writer.Written() {
			s.renderError(c.Writer, c.Request, http.StatusInternalServerError, "Something went wrong here.")
		}
	}()
	c.Next()
}

// readForm returns the posted fields. If they are too large, too slow or unreadable it answers so and reports false.
func (s *Site) readForm(c *gin.Context) (url.Values, bool) {
	// Not every writer has deadlines; the server's has.
	_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(formTimeout))
	r := c.Request
	r.Body = http.MaxBytesReader(c.Writer, r.Body, maxFormBytes)
	err := r.ParseForm()
	if err == nil {
		err = r.ParseMultipartForm(maxFormBytes)
	}
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil || errors.Is(err, http.ErrNotMultipart):
		return r.PostForm, true
	case errors.As(err, &tooLarge):
		s.renderError(c.Writer, r, http.StatusRequestEntityTooLarge, "This form is too large.")
	default:
		s.renderError(c.Writer, r, http.StatusBadRequest, "This form could not be read.")
	}
	return nil, false
}
