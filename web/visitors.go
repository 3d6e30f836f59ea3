package web

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Visitors limits what comes from one address. Its methods do not block.
type Visitors interface {
	// Come counts one more from a remote address, as net/http has it; Go must follow. Or it tells when to try again.
	Come(remote string, now time.Time) (retry time.Duration, ok bool)
	Go(remote string, now time.Time)
}

// mayLogIn counts a login, or says in the header when to try again, and returns what to tell the person.
func (s *Site) mayLogIn(w http.ResponseWriter, r *http.Request) (refusal string) {
	retry, ok := s.deps.Logging.Come(r.RemoteAddr, time.Now())
	if ok {
		s.deps.Logging.Go(r.RemoteAddr, time.Now()) // it is over: what counts is how many come in a row
		return ""
	}
	s.deps.Refused(RefusedLogin)
	seconds := retryAfter(w, retry)
	return fmt.Sprintf("Many people have logged in from your network just now. Please try again in %d seconds.", seconds)
}

// retryAfter says when to try again (RFC 9110, section 10.2.3), in whole seconds.
func retryAfter(w http.ResponseWriter, retry time.Duration) (seconds int) {
	seconds = max(1, int(math.Ceil(retry.Seconds())))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return seconds
}
