package web

import (
	"hash/fnv"
	"html/template"
	"strings"
	"time"
	"unicode"

	"parley/signaling/protocol"
)

// Fragments renders the pieces of a page that arrive after it, as out-of-band content for htmx: each finds its own
// place. The pages are made of the same pieces.
type Fragments struct {
	templates *template.Template // static after construction
}

// hues is how many colours base.css has for people without a picture.
const hues = 8

type headerData struct {
	protocol.Header
	OutOfBand bool
}

type panelData struct {
	protocol.Participant
	Away      bool
	OutOfBand bool
}

// Settled is the same in its place in the page.
func (d panelData) Settled() panelData {
	d.OutOfBand = false
	return d
}

// NewFragments parses the embedded templates, in English: what is sent to many is rendered once, and a page in another
// language puts its own words where data-t says which. It panics if the templates are broken, which no input can cause.
func NewFragments() *Fragments {
	locales, err := newLocales(embedded)
	if err != nil {
		panic(err)
	}
	return newFragments(locales.all[defaultLanguage])
}

func newFragments(l *locale) *Fragments {
	parsed := template.New("").Funcs(fragmentFuncs(l))
	return &Fragments{templates: template.Must(parsed.ParseFS(embedded, "templates/fragments/*.html"))}
}

// Header replaces #header: the name of the room and how many people are in it.
func (f *Fragments) Header(header protocol.Header) string {
	return f.render("header", headerData{header, true})
}

// Panel appends the panel of p to #others: div#<short_name>-div > figure#<short_name> > video.
func (f *Fragments) Panel(p protocol.Participant) string {
	return f.render("panel", panelData{Participant: p, OutOfBand: true})
}

// State replaces #<short_name>-state, in the panel of p: "reconnecting…" if p is away, else nothing.
func (f *Fragments) State(p protocol.Participant, away bool) string {
	return f.render("state", panelData{Participant: p, Away: away, OutOfBand: true})
}

// Hands replaces #hands: who has raised a hand, in that order.
func (f *Fragments) Hands(hands []protocol.Participant) string { return f.render("hands", hands) }

// Present replaces what is in #present: who is in the room, for who is not.
func (f *Fragments) Present(present protocol.Present) string { return f.render("present", present) }

// ChatLine is one message, li#chat-<id>. It goes into the two that follow.
func (f *Fragments) ChatLine(message protocol.ChatMessage) string {
	return f.render("chat-line", message)
}

// ChatAppended appends a line to #chat-lines.
func (f *Fragments) ChatAppended(line string) string {
	return f.render("chat-appended", template.HTML(line)) //nolint:gosec // ChatLine has escaped it
}

// ChatReplaced has #chat-lines show these lines and no others.
func (f *Fragments) ChatReplaced(lines []string) string {
	all := strings.Join(lines, "")
	return f.render("chat-replaced", template.HTML(all)) //nolint:gosec // ChatLine has escaped it
}

// Rooms is the content of the lobby's list.
func (f *Fragments) Rooms(rooms []protocol.Room) string { return f.render("rooms", rooms) }

// render cannot fail: the data's types are fixed, and a test renders every fragment.
func (f *Fragments) render(name string, data any) string {
	var html strings.Builder
	_ = f.templates.ExecuteTemplate(&html, name, data)
	return html.String()
}

func fragmentFuncs(l *locale) template.FuncMap {
	return template.FuncMap{
		"initials": initials, "hue": hue, "roomPath": roomPath, "icon": icon, "t": l.t,
		"links": links, "moment": moment,
	}
}

// initials stand for somebody without a picture: the first characters of up to two words.
func initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || r == '-' || r == '_' })
	if len(words) > 2 {
		words = []string{words[0], words[len(words)-1]}
	}
	var first strings.Builder
	for _, word := range words {
		first.WriteString(strings.ToUpper(firstCharacter(word)))
	}
	return first.String()
}

// moment is a time of the wire, which is in Unix milliseconds.
func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// firstCharacter returns the first letter or symbol of word with what modifies it: marks, and what a joiner joins.
func firstCharacter(word string) string {
	joined := true
	for i, r := range word {
		switch {
		case joined:
			joined = false
		case r == '\u200d':
			joined = true
		case !unicode.IsMark(r) && !isSkinTone(r):
			return word[:i]
		}
	}
	return word
}

func isSkinTone(r rune) bool { return r >= 0x1F3FB && r <= 0x1F3FF }

// hue is a colour's number for name, always the same.
func hue(name string) uint32 {
	sum := fnv.New32a()
	sum.Write([]byte(name))
	return sum.Sum32() % hues
}
