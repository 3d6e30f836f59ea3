package web

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"

	"parley/signaling/protocol"
)

const htmlType = "text/html; charset=utf-8"

// pages renders whole pages.
type pages struct {
	templates map[string]*template.Template // static after construction; by language and name of the page
	gzip      gzipper
}

// frame is what the layout of every page needs. Pages fill in the first three.
type frame struct {
	Page       string // the name of the template and of the body's class
	Title      string
	ScreenName string // whoever is logged in, or ""

	Language  string    // as in <html lang>
	Languages []*locale // all that there are
	Theme     string    // light, dark, or "" for what the system has
	Path      string    // the page's own address, with its query
	messages  map[string]message
}

// Messages are the words that scripts need.
func (f *frame) Messages() map[string]message { return f.messages }

// framed is the data of any page.
type framed interface {
	in(r *http.Request, l *locale, all []*locale)
}

// in completes the frame for a request.
func (f *frame) in(r *http.Request, l *locale, all []*locale) {
	f.Language, f.Languages, f.messages, f.Path = l.Language, all, l.scriptsOf(f.Page), r.URL.RequestURI()
	if cookie, err := r.Cookie(themeCookie); err == nil && (cookie.Value == "light" || cookie.Value == "dark") {
		f.Theme = cookie.Value
	}
}

type loginData struct {
	frame
	Next            string // a local path, or ""
	Room            string // the room that Next leads to, or ""
	TypedScreenName string
	TypedName       string
	Refusals        map[string]string // messages by field
	Problem         string            // a message about the whole, or ""
	WantsPassword   bool              // the server's
	Uninvited       string            // why there is no form to fill in, or ""
	Focus           string            // the field to start in
}

type lobbyData struct {
	frame
	Rooms   []protocol.Room
	Typed   string
	Refusal string // what is wrong with Typed, or ""
}

type roomData struct {
	frame
	Room       string
	SocketPath string
	Codecs     string // those that the page offers to send, separated by spaces, or "" for its own choice
	Header     headerData
}

type errorData struct {
	frame
	Message string
}

func newPages(assets *assets, locales *locales, sprite template.HTML) (*pages, error) {
	p := &pages{templates: map[string]*template.Template{}}
	for _, l := range locales.list() {
		layout, err := template.New("").Funcs(fragmentFuncs(l)).Funcs(figureFuncs(l)).Funcs(template.FuncMap{
			"asset": assets.path, "modules": assets.modules, "sprite": func() template.HTML { return sprite },
		}).ParseFS(embedded, "templates/fragments/*.html", "templates/layout.html")
		if err != nil {
			return nil, err
		}
		for name, files := range map[string][]string{
			"login": nil, "lobby": nil, "error": nil, "diagnostics": nil, "room": {"templates/room/*.html"},
			"admin": {"templates/admin/*.html"}, "admin-live": {"templates/admin/*.html"},
			"admin-login": nil, "admin-confirm": nil,
		} {
			page, err := layout.Clone()
			if err != nil {
				return nil, err
			}
			files = append(files, "templates/"+name+".html")
			if p.templates[l.Language+" "+name], err = page.ParseFS(embedded, files...); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// render sends the page that data is for, whole or not at all. Pages are about whoever is logged in: nobody keeps them.
func (s *Site) render(w http.ResponseWriter, r *http.Request, status int, name string, data framed) {
	l := s.locales.of(r)
	data.in(r, l, s.locales.list())
	var body bytes.Buffer
	if err := s.pages.templates[l.Language+" "+name].ExecuteTemplate(&body, "layout", data); err != nil {
		s.log.Error("render page", "page", name, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	page := asset{contentType: htmlType, body: body.Bytes()}
	page.gzipped = s.pages.gzip.compress(page.body)
	writeBody(w, r, status, page)
}

func (s *Site) renderError(w http.ResponseWriter, r *http.Request, status int, message string) {
	l := s.locales.of(r)
	title := l.said(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	data := &errorData{frame: frame{Page: "error", Title: title}, Message: l.said(message)}
	s.render(w, r, status, "error", data)
}
