package web

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestLinks(t *testing.T) {
	for text, want := range map[string][]string{ // the links in it
		"":                                    nil,
		"no link":                             nil,
		"http://a.de":                         {"http://a.de"},
		"HTTPS://A.de":                        {"HTTPS://A.de"},
		"see http://a.de, or https://b.de/x.": {"http://a.de", "https://b.de/x"},
		"two\nhttp://a.de\nlines":             {"http://a.de"},
		"http://a.de/?q=1&r=a+b#top!":         {"http://a.de/?q=1&r=a+b#top"},
		"(http://a.de)":                       {"http://a.de"},
		"(see http://a.de/x).":                {"http://a.de/x"},
		"http://a.de/Go_(game)":               {"http://a.de/Go_(game)"},
		"(http://a.de/Go_(game))":             {"http://a.de/Go_(game)"},
		"[http://a.de/x[1]]":                  {"http://a.de/x[1]"},
		"http://a.de/)))":                     {"http://a.de/"},
		"http://a.de?!...":                    {"http://a.de"},
		"**http://a.de/x**":                   {"http://a.de/x"},
		`"http://a.de/x"`:                     {"http://a.de/x"},
		"„http://a.de/x“ ‚http://b.de‘":       {"http://a.de/x", "http://b.de"},
		"«http://a.de/»":                      {"http://a.de/"},
		"<http://a.de>":                       {"http://a.de"},
		"http://a.de/\"onclick=x":             {"http://a.de/"},
		"http://a.de/<script>":                {"http://a.de/"},
		"http://a.de/100%":                    {"http://a.de/100%"},
		"http://localhost:8080/x":             {"http://localhost:8080/x"},
		"http://192.0.2.1":                    {"http://192.0.2.1"},
		"http://[2001:db8::1]:80/x":           {"http://[2001:db8::1]:80/x"},
		"http://[2001:db8::1]":                {"http://[2001:db8::1]"},
		"http://münchen.de/größe":             {"http://münchen.de/größe"},
		"https://例え.テスト/道":                    {"https://例え.テスト/道"},
		"http://xn--mnchen-3ya.de":            {"http://xn--mnchen-3ya.de"},
		"http://हिन्दी.भारत":                  {"http://हिन्दी.भारत"},
		"请看http://a.com。谢谢":                   nil, // the word before could be part of it
		"请看 http://a.com。谢谢":                  {"http://a.com"},
		"（http://a.com）":                      {"http://a.com"},
		"http://a.de/👍":                       {"http://a.de/👍"},
		"http://a.de.":                        {"http://a.de"},
		"http://a.de./x":                      {"http://a.de./x"},
		"http://a.de:":                        {"http://a.de"},
		"http://a.de/\u202egnp.exe":           {"http://a.de/"},
		"http://a.de/\u200bx":                 {"http://a.de/"},
		"http://http://a.de":                  {"http://a.de"},
		"view-source:http://a.de":             {"http://a.de"},
		"xhttp://a.de":                        nil,
		"_http://a.de":                        nil,
		"http:// a.de":                        nil,
		"http://":                             nil,
		"http:///x":                           nil,
		"http://.":                            nil,
		"http://a..de":                        nil,
		"http://-a.de":                        nil,
		"http://a.de:99999/":                  nil,
		"http://a.de:/x":                      nil,
		"http://a.de:x/":                      nil,
		"http://[::1%25eth0]/":                nil,
		"http://[192.0.2.1]/":                 nil,
		"http://[::1/":                        nil,
		"http://google.com@evil.de/":          nil,
		"http://ann:secret@a.de":              nil,
		"javascript:alert(1)":                 nil,
		"javascript://a.de/%0aalert(1)":       nil,
		"javascript:'http://a.de'":            {"http://a.de"},
		"data:text/html,<b>":                  nil,
		"ftp://a.de":                          nil,
		"//a.de www.a.de a.de":                nil,
		"httpſ://a.de":                        nil, // a long s, which folds to s
	} {
		var got []string
		for _, s := range links(text) {
			if s.Link {
				got = append(got, s.Text)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q has the links %q, want %q", text, got, want)
		}
		checkLinks(t, text)
	}
}

// checkLinks looks at what holds for every text.
func checkLinks(t *testing.T, text string) {
	t.Helper()
	var all strings.Builder
	for i, s := range links(text) {
		all.WriteString(s.Text)
		if s.Text == "" || i > 0 && !s.Link && !links(text)[i-1].Link {
			t.Fatalf("%q: an idle span in %v", text, links(text))
		}
		if !s.Link {
			continue
		}
		scheme, rest, _ := strings.Cut(s.Text, "://")
		if lower := strings.ToLower(scheme); lower != "http" && lower != "https" {
			t.Fatalf("%q: scheme of %q", text, s.Text)
		}
		if strings.ContainsFunc(s.Text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) ||
			strings.ContainsAny(s.Text, "<>\"`") || strings.Contains(host(rest), "@") || host(rest) == "" {
			t.Fatalf("%q: link %q", text, s.Text)
		}
		if again := links(s.Text); len(again) != 1 || again[0] != s {
			t.Fatalf("%q: the link %q is, alone, %v", text, s.Text, again)
		}
	}
	if all.String() != text {
		t.Fatalf("%q became %q", text, all.String())
	}
}

func FuzzLinks(f *testing.F) {
	for _, seed := range []string{
		"see http://a.de/(x), https://[::1]:8/«ü»", "http://a@b http://http://a..b:1/", "http://a.de/<script>\"'`&amp;",
		"javascript://http://a.de", "\xffhttp://a\xff.de", "(((http://a.de)))", "http://a.de/\u202ex",
	} {
		f.Add(seed, "Ann")
		f.Add("hi", seed)
	}
	fragments := NewFragments()
	f.Fuzz(func(t *testing.T, text, name string) {
		checkLinks(t, text)
		clean := func(s string) string { // of what XML has no place for, and HTML does
			return strings.Map(func(r rune) rune {
				if unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\ufffe' || r == '\uffff' {
					return -1
				}
				return r
			}, strings.ToValidUTF8(s, "?"))
		}
		checkLine(t, fragments, clean(text), clean(name))
	})
}
