package web

import (
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"

	"parley/auth"
	"parley/signaling/protocol"
)

// embedded holds the templates and the assets. The vendor directory is filled by the build; in a fresh checkout it has
// nothing but a hidden file, which only all: embeds.
//
//go:embed templates locales static all:static/vendor
var embedded embed.FS

// Config says how the site is served.
type Config struct {
	Secure  bool         // the server speaks TLS: all that reach it without a proxy do
	Proxies auth.Proxies // that may be in front of it
	Codecs  []string     // what the page of a room publishes with, e.g. "opus", "vp8"; empty leaves it to the page
}

// Rooms is what the lobby shows.
type Rooms interface {
	// Rooms returns the rooms in use, sorted by name.
	Rooms() []protocol.Room
	// Watch signals that Rooms may differ from before, once for any number of changes, until stop is called.
	Watch() (changes <-chan struct{}, stop func())
}

// Deps are what the site is made of.
type Deps struct {
	Door     *auth.Door // to the logins
	Logins   *auth.Logins
	Sessions *auth.Sessions
	Rooms    Rooms
	Socket   http.Handler // serves GET /ws/<room>/, with the room as path value "room"
	Operator *auth.Operator
	Admin    Admin
}

// Site serves the pages. It is safe for concurrent use.
type Site struct {
	deps    Deps         // static after construction
	log     *slog.Logger // static after construction
	assets  *assets      // static after construction
	locales *locales     // static after construction
	pages   *pages       // static after construction
	codecs  string       // static after construction
	list    *roomList    // static after construction

	overviews *overviews // static after construction

	handler http.Handler // static after construction
}

// New makes the site and starts following the rooms in use. Close ends that.
func New(cfg Config, deps Deps, log *slog.Logger) (*Site, error) {
	static, err := fs.Sub(embedded, "static")
	if err != nil {
		return nil, fmt.Errorf("open assets: %w", err)
	}
	assets, err := newAssets(static)
	if err != nil {
		return nil, fmt.Errorf("load assets: %w", err)
	}
	missing := assets.missing("vendor/htmx.min.js", "vendor/hx-ws.min.js", "vendor/hx-sse.min.js", "js/app.js")
	if len(missing) > 0 {
		log.Warn("assets are missing, pages will not work; run make build", "missing", missing)
	}
	locales, err := newLocales(embedded)
	if err != nil {
		return nil, err
	}
	sprite, err := sprite(static)
	if err != nil {
		return nil, err
	}
	pages, err := newPages(assets, locales, sprite)
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	site := &Site{
		deps: deps, log: log, assets: assets, locales: locales, pages: pages, codecs: strings.Join(cfg.Codecs, " "),
		overviews: &overviews{admin: deps.Admin},
	}
	render := renderings{}
	for _, l := range locales.list() {
		render[l.Language] = newFragments(l).Rooms
	}
	site.list = newRoomList(deps.Rooms, render)
	site.handler = cfg.Proxies.Behind(cfg.Secure, secureHeaders(site.refuseForeign(site.routes())))
	return site, nil
}

// ServeHTTP serves one request.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends the streams to the lobbies that are open, and waits for them. Call it before or while the server shuts
// down, which waits for them too.
func (s *Site) Close() { s.list.close() }
