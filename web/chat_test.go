package web

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"parley/signaling/protocol"
)

// chatList begins what replaces the content of the list, not the list itself.
const chatList = `<ol id="chat-lines" hx-swap-oob="innerHTML">`

// chatItem begins what goes at the end of the list.
const chatItem = `<div hx-swap-oob="beforeend:#chat-lines">`

func TestChatFragments(t *testing.T) {
	fragments := NewFragments()
	public := protocol.ChatMessage{
		ID: "i-1", ChannelName: "chan-ann", UserName: "Ann <b>", Time: 1790000000123, Text: "a <b>\n http://a.de/?a=1&b=ü",
	}
	line := fragments.ChatLine(public)
	private := public
	private.To, private.ToName = "chan-bob", `Bob "b"`
	for about, test := range map[string]struct {
		html  string
		parts []string
	}{
		"line": {line, []string{
			"<li id=\"chat-i-1\"\n", ` data-channel="chan-ann" data-time="1790000000123">`, `<span class="avatar hue-`,
			`aria-hidden="true">A&lt;</span>`, `<span class="name">Ann &lt;b&gt;</span>`,
			`<time datetime="2026-09-21T14:13:20.123Z">14:13 UTC</time>`,
			"<p class=\"text\" dir=\"auto\">a &lt;b&gt;\n <a href=\"http://a.de/?a=1&amp;b=%c3%bc\" target=\"_blank\"" +
				" rel=\"noopener noreferrer nofollow\">http://a.de/?a=1&amp;b=ü</a></p></li>",
		}},
		"private line": {fragments.ChatLine(private), []string{
			`<li id="chat-i-1" class="private" data-private data-to="chan-bob"`,
			`<span class="to" data-t="chat.private_to" data-t-name="Bob &#34;b&#34;">privately to Bob &#34;b&#34;</span>`,
			`<span class="from" data-t="chat.private_from" data-t-name="Ann &lt;b&gt;">privately from Ann &lt;b&gt;</span>`,
		}},
		"appended":    {fragments.ChatAppended(line), []string{chatItem + line + `</div>`}},
		"replaced":    {fragments.ChatReplaced([]string{line, line}), []string{chatList + line + line + `</ol>`}},
		"no lines":    {fragments.ChatReplaced(nil), []string{chatList + `</ol>`}},
		"white space": {fragments.ChatLine(protocol.ChatMessage{Text: "a\n\tb"}), []string{"dir=\"auto\">a\n\tb</p></li>"}},
	} {
		for _, part := range test.parts {
			if !strings.Contains(test.html, part) {
				t.Errorf("%s: no %q in %s", about, part, test.html)
			}
		}
	}
	if strings.Contains(line, "private") || strings.Contains(line, "data-to") || strings.Contains(line, "hx-swap-oob") {
		t.Errorf("a line for everybody has %s", line)
	}
}

// nastyName is what nobody's name can be: login refuses most of it.
const nastyName = `</span><img src=x onerror=alert(1)>"'` + "`"

// checkLine parses a message's markup, strictly, and looks for anything that is not of the template.
func checkLine(t *testing.T, fragments *Fragments, text, name string) {
	t.Helper()
	html := fragments.ChatLine(protocol.ChatMessage{
		ID: "id", ChannelName: "chan", UserName: name, Text: text, Time: 1, To: "other", ToName: name,
	})
	allowed := map[string]string{ // elements, and their attributes
		"li": "id class data-private data-to data-channel data-time", "span": "class aria-hidden data-t data-t-name",
		"p": "class dir", "time": "datetime", "a": "href target rel",
	}
	parser := xml.NewDecoder(strings.NewReader(html))
	parser.Strict = false // for data-private
	for {
		token, err := parser.Token()
		if errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%q by %q: %v in %s", text, name, err, html)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		attributes := strings.Fields(allowed[element.Name.Local])
		for _, attribute := range element.Attr {
			if !slices.Contains(attributes, attribute.Name.Local) {
				t.Fatalf("%q by %q: attribute %s in %s", text, name, attribute.Name.Local, html)
			}
			if value := strings.ToLower(attribute.Value); attribute.Name.Local == "href" &&
				!strings.HasPrefix(value, "http://") && !strings.HasPrefix(value, "https://") {
				t.Fatalf("%q: href %q", text, value)
			}
		}
		if attributes == nil {
			t.Fatalf("%q by %q: element %s in %s", text, name, element.Name.Local, html)
		}
	}
}

func TestChatLineIsEscaped(t *testing.T) {
	fragments := NewFragments()
	for _, text := range []string{
		`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `http://a.de/"onmouseover="alert(1)`,
		`http://a.de/'onmouseover='alert(1)`, `{{.}}`, `</li></ol><div hx-swap-oob="true" id="room">`,
		`&lt;script&gt;`, `<!--`, `]]>`, "http://a.de/`", `http://a.de/?a=1&lt=2`, `javascript:alert(1)`,
	} {
		checkLine(t, fragments, text, "Ann")
		checkLine(t, fragments, text, nastyName)
	}
}
