package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

const (
	defaultLanguage = "en"
	languageCookie  = "language"
	themeCookie     = "theme"

	// pageKeys begin with this: words of templates, which scripts need not know.
	pageKeys = "page."
	// diagnosticsKeys begin with this: words of the scripts of one page, which the others need not load.
	diagnosticsKeys = "diagnostics."
)

var (
	errNotSVG = errors.New("it is no SVG")
	errPairs  = errors.New("values come in pairs of a name and a value")
)

// locale is all words of one language.
type locale struct {
	Language string // as in <html lang>
	Name     string // the language's own
	messages map[string]message
	scripts  map[string]message // those that scripts need
	room     map[string]message // of them, those of all pages but the diagnostics
	digits   *regexp.Regexp
}

// message is a text with {names} of values, or two, of which the value "n" decides.
type message struct {
	One, Other string
}

// UnmarshalJSON reads a string, or an object with "one" and "other".
func (m *message) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &m.Other); err == nil {
		m.One = m.Other
		return nil
	}
	var forms struct{ One, Other string }
	if err := json.Unmarshal(data, &forms); err != nil {
		return err
	}
	*m = forms
	return nil
}

// MarshalJSON writes what UnmarshalJSON reads.
func (m message) MarshalJSON() ([]byte, error) {
	if m.One == m.Other {
		return json.Marshal(m.Other)
	}
	return json.Marshal(map[string]string{"one": m.One, "other": m.Other})
}

// locales are the languages that there are.
type locales struct {
	all     map[string]*locale // static after construction
	matcher language.Matcher   // static after construction
	tags    []string           // static after construction: in the matcher's order
}

// newLocales reads a file per language, locales/<language>.json. The default one comes first.
func newLocales(fsys fs.FS) (*locales, error) {
	files, err := fs.Glob(fsys, "locales/*.json")
	if err != nil {
		return nil, fmt.Errorf("find locales: %w", err)
	}
	l := &locales{all: map[string]*locale{}}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".json")
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("read locale: %w", err)
		}
		one := &locale{
			Language: name, scripts: map[string]message{}, room: map[string]message{}, digits: regexp.MustCompile(`\d+`),
		}
		if err := json.Unmarshal(data, &one.messages); err != nil {
			return nil, fmt.Errorf("read locale %s: %w", name, err)
		}
		for key, m := range one.messages {
			if !strings.HasPrefix(key, pageKeys) {
				one.scripts[key] = m
			}
			if !strings.HasPrefix(key, pageKeys) && !strings.HasPrefix(key, diagnosticsKeys) {
				one.room[key] = m
			}
		}
		one.Name = one.messages["page.language.name"].Other
		l.all[name] = one
		l.tags = append(l.tags, name)
	}
	slices.SortFunc(l.tags, func(a, b string) int {
		if a == defaultLanguage || b == defaultLanguage {
			return map[bool]int{true: -1, false: 1}[a == defaultLanguage]
		}
		return strings.Compare(a, b)
	})
	tags := make([]language.Tag, len(l.tags))
	for i, name := range l.tags {
		tags[i] = language.Make(name)
	}
	l.matcher = language.NewMatcher(tags)
	return l, nil
}

// scriptsOf is the words that the scripts of a page need.
func (l *locale) scriptsOf(page string) map[string]message {
	if page == "diagnostics" {
		return l.scripts
	}
	return l.room
}

// of is the locale of a request: what its cookie says, else the best of what the browser asks for.
func (l *locales) of(r *http.Request) *locale {
	if cookie, err := r.Cookie(languageCookie); err == nil && l.all[cookie.Value] != nil {
		return l.all[cookie.Value]
	}
	_, i := language.MatchStrings(l.matcher, r.Header.Get("Accept-Language"))
	return l.all[l.tags[i]]
}

// list is all languages, the default first.
func (l *locales) list() []*locale {
	list := make([]*locale, len(l.tags))
	for i, name := range l.tags {
		list[i] = l.all[name]
	}
	return list
}

// t returns the words for a key, with values by name. A key without words is a mistake that the rendering of every
// page in a test shows.
func (l *locale) t(key string, values ...any) (string, error) {
	m, ok := l.messages[key]
	if !ok {
		return "", fmt.Errorf("no words for %q in %s", key, l.Language)
	}
	if len(values)%2 != 0 {
		return "", errPairs
	}
	text := m.Other
	var pairs []string
	for i := 0; i < len(values); i += 2 {
		name, value := fmt.Sprint(values[i]), fmt.Sprint(values[i+1])
		if name == "n" && value == "1" {
			text = m.One
		}
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text), nil
}

// said translates what another part of the server says in English, whose words are under that text, with {1} for the
// first number in it. What there are no words for stays as it is.
func (l *locale) said(text string) string {
	var numbers []string
	key := l.digits.ReplaceAllStringFunc(text, func(number string) string {
		numbers = append(numbers, number)
		return "{" + strconv.Itoa(len(numbers)) + "}"
	})
	m, ok := l.messages["said."+key]
	if !ok {
		return text
	}
	translated := m.Other
	for i, number := range numbers {
		translated = strings.ReplaceAll(translated, "{"+strconv.Itoa(i+1)+"}", number)
	}
	return translated
}

// word returns the words for a key that a test knows to be there.
func (l *locale) word(key string, values ...any) string {
	text, err := l.t(key, values...)
	if err != nil {
		return key
	}
	return text
}
