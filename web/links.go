package web

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// span is a part of a text that people have written.
type span struct {
	Text string
	Link bool // it is the address of a web page, http or https
}

// links finds the addresses in a text. The spans one after another are the text.
func links(text string) []span {
	var spans []span
	done := 0 // of the text so far is in spans
	for at := 0; at < len(text); {
		begin, scheme := nextScheme(text, at)
		if begin < 0 {
			break
		}
		end := begin + len(address(text[begin:]))
		if !isWebHost(host(text[begin+scheme : end])) {
			at = begin + scheme
			continue
		}
		if begin > done {
			spans = append(spans, span{Text: text[done:begin]})
		}
		spans = append(spans, span{Text: text[begin:end], Link: true})
		at, done = end, end
	}
	if done < len(text) {
		spans = append(spans, span{Text: text[done:]})
	}
	return spans
}

// nextScheme finds the next http:// or https:// that begins a word, and its length; -1 if there is none.
func nextScheme(text string, from int) (at, length int) {
	for {
		slashes := strings.Index(text[from:], "://")
		if slashes < 0 {
			return -1, 0
		}
		slashes += from
		for _, scheme := range []string{"http", "https"} {
			begin := slashes - len(scheme)
			if begin < from || !strings.EqualFold(text[begin:slashes], scheme) || !isASCII(text[begin:slashes]) {
				continue
			}
			if before, _ := utf8.DecodeLastRuneInString(text[:begin]); begin == 0 || !isWord(before) {
				return begin, len(scheme) + len("://")
			}
		}
		from = slashes + len("://")
	}
}

// address is what of text, from its beginning, can be an address. Punctuation at its end is the sentence's, and so is a
// closing bracket that was not opened in it.
func address(text string) string {
	if end := strings.IndexFunc(text, endsAddress); end >= 0 {
		text = text[:end]
	}
	for text != "" {
		last, size := utf8.DecodeLastRuneInString(text)
		if open := opening(last); open != 0 {
			if strings.Count(text, string(open)) >= strings.Count(text, string(last)) {
				break
			}
		} else if !strings.ContainsRune(".,:;!?'*…’‘”“»›«‹", last) {
			break
		}
		text = text[:len(text)-size]
	}
	return text
}

// endsAddress reports whether a character is in no address: white space, what does not show, quotes, and the
// punctuation of scripts that have no spaces.
func endsAddress(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == utf8.RuneError || strings.ContainsRune("<>\"`\\^{|}", r) ||
		r >= 0x3000 && r <= 0x303F || r >= 0xFF00 && r <= 0xFF65
}

// opening is the bracket that a closing one belongs to, 0 for no bracket.
func opening(r rune) rune {
	switch r {
	case ')':
		return '('
	case ']':
		return '['
	}
	return 0
}

// host is the host and port of an address without its scheme.
func host(address string) string {
	if end := strings.IndexAny(address, "/?#"); end >= 0 {
		address = address[:end]
	}
	return address
}

// isWebHost reports whether a host, with or without a port, can be one of the web. One with a user's name is not, since
// that is mostly there to be taken for the host.
func isWebHost(host string) bool {
	if at := strings.LastIndexByte(host, ':'); at >= 0 && !strings.HasSuffix(host, "]") {
		if _, err := strconv.ParseUint(host[at+1:], 10, 16); err != nil {
			return false
		}
		host = host[:at]
	}
	if inside, ok := strings.CutPrefix(host, "["); ok {
		inside, ok = strings.CutSuffix(inside, "]")
		address, err := netip.ParseAddr(inside)
		return ok && err == nil && address.Is6() && address.Zone() == ""
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if label == "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.ContainsFunc(label, func(r rune) bool { return !isWord(r) && r != '-' }) {
			return false
		}
	}
	return true
}

// isWord reports whether a character is part of a word, in any script.
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_'
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
