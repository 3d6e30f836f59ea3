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
	templates map[string]*template.Template // static after construction; by name of the page
	gzip      gzipper
}

// frame is what the layout of every page needs.
type frame struct {
	Page       string // the name of the template and of the body's class
	Title      string
	ScreenName string // whoever is logged in, or ""
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

func newPages(assets *assets) (*pages, error) {
	layout, err := template.New("").Funcs(fragmentFuncs()).Funcs(template.FuncMap{"asset": assets.path}).
		ParseFS(embedded, "templates/fragments/*.html", "templates/layout.html")
	if err != nil {
		return nil, err
	}
	p := &pages{templates: map[string]*template.Template{}}
	for _, name := range []string{"login", "lobby", "room", "error"} {
		page, err := layout.Clone()
		if err != nil {
			return nil, err
		}
		if p.templates[name], err = page.ParseFS(embedded, "templates/"+name+".html"); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// render sends the page that data is for, whole or not at all. Pages are about whoever is logged in: nobody keeps them.
func (s *Site) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var body bytes.Buffer
	if err := s.pages.templates[name].ExecuteTemplate(&body, "layout", data); err != nil {
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
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	data := errorData{frame: frame{Page: "error", Title: title}, Message: message}
	s.render(w, r, status, "error", data)
}
