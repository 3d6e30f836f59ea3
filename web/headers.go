package web

import (
	"net/http"

	"parley/auth"
)

// contentSecurityPolicy allows what comes from this host, and nothing inline. Its websockets count as 'self' too
// (CSP 3, section 6.7.2.8).
const contentSecurityPolicy = "default-src 'none'; " +
	"script-src 'self'; " +
	"style-src 'self'; " +
	"img-src 'self' data:; " +
	"connect-src 'self'; " +
	"media-src 'self' blob: mediastream:; " +
	"font-src 'self'; " +
	"form-action 'self'; " +
	"frame-ancestors 'none'; " +
	"base-uri 'none'"

// permissionsPolicy keeps what a call needs for the page itself and switches the rest off.
const permissionsPolicy = "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), " +
	"autoplay=(self), geolocation=(), payment=(), usb=()"

// strictTransport is a year.
const strictTransport = "max-age=31536000"

// secureHeaders adds to every response what protects it in a browser.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", contentSecurityPolicy)
		header.Set("Permissions-Policy", permissionsPolicy)
		header.Set("Referrer-Policy", "same-origin")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY") // for browsers without frame-ancestors
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		if auth.Secure(r) { // it is never to be anything else
			header.Set("Strict-Transport-Security", strictTransport)
		}
		next.ServeHTTP(w, r)
	})
}

// refuseForeign answers 403 to what another site made a browser send.
func (s *Site) refuseForeign(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.renderError(w, r, http.StatusForbidden, "This request came from another site.")
	}))
	return protection.Handler(next)
}
