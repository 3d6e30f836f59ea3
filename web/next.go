package web

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"parley/signaling/protocol"
)

// maxNext is the longest target of a redirect after logging in, in bytes.
const maxNext = 2048

// localPath returns target if it is a path of this site, with its query, or "" if a browser might take it for an
// address of another. Browsers read a backslash as a slash and drop tabs and line breaks (WHATWG URL, section 4.4), so
// neither is accepted anywhere.
func localPath(target string) string {
	if len(target) > maxNext || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
		return ""
	}
	if strings.ContainsRune(target, '\\') || strings.ContainsFunc(target, unicode.IsControl) {
		return ""
	}
	parsed, err := url.Parse(target)
	if err != nil || parsed.Scheme != "" || parsed.Host != "" || parsed.User != nil {
		return ""
	}
	return target
}

// loginPath is the address of the login page that leads back to what r asked for.
func loginPath(r *http.Request) string {
	next := localPath(r.URL.RequestURI())
	if next == "" {
		return "/login/"
	}
	return "/login/?next=" + strings.ReplaceAll(url.QueryEscape(next), "%2F", "/")
}

// roomPath is the address of a room's page, escaped.
func roomPath(room string) string { return "/r/" + url.PathEscape(room) + "/" }

// InvitePath is the address of a room's page for somebody with an invitation, escaped.
func InvitePath(room, token string) string {
	return roomPath(room) + "?invite=" + url.QueryEscape(token)
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

// inviteOf returns the token in the link to a room, or "".
func inviteOf(path string) string {
	parsed, err := url.Parse(path)
	if err != nil {
		return ""
	}
	return parsed.Query().Get("invite")
}
