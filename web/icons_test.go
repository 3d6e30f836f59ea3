package web

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func goSource(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The sprite has what is referred to, and nothing else, since every page carries it.
func TestIconsAreThoseThatAreUsed(t *testing.T) {
	listed := map[string]bool{}
	for name := range strings.Lines(iconNames) {
		listed[strings.TrimSpace(name)] = true
	}
	if names := strings.Fields(iconNames); !slices.IsSorted(names) || len(names) != len(listed) {
		t.Error("icons.txt is not sorted, or names an icon twice")
	}
	used := map[string]string{}
	for _, found := range []struct {
		texts   map[string]string
		pattern string
	}{
		{sources(t, "templates", ".html"), `\bicon "([\w-]+)"`},
		{sources(t, "templates", ".html"), `#i-([\w-]+)"`},
		{sources(t, "static/js", ".js"), `#i-([\w-]+)\b`},
	} {
		name := regexp.MustCompile(found.pattern)
		for file, text := range found.texts {
			for _, match := range name.FindAllStringSubmatch(text, -1) {
				used[match[1]] = file
			}
		}
	}
	for _, name := range difference(used, listed) {
		t.Errorf("%s uses %s, which is not in icons.txt", used[name], name)
	}
	for _, name := range difference(listed, used) {
		t.Errorf("nothing uses %s", name)
	}
}
