package web

import (
	"io/fs"
	"path"
	"strings"
	"testing"
)

func TestWithoutComments(t *testing.T) {
	for source, want := range map[string]string{
		"":                                     "",
		"a\n\n  b\n":                           "a\n  b\n",
		"// x\na\n":                            "a\n",
		"a // x\n":                             "a // x\n",
		"/* x */\na":                           "a",
		"/* x */ a\n":                          "a\n",
		"  /** @type {X} */ (a)\nb\n":          "(a)\nb\n",
		"/**\n * x\n * // y */\na\n":           "a\n",
		"/*\n x\n*/ a\nb\n":                    "a\nb\n",
		"a = '/* x */';\n":                     "a = '/* x */';\n",
		"/* x */\n/* y\n z */\n.a {\n}\n":      ".a {\n}\n",
		"const a = 1; /* x\n */\nconst b = 2;": "const a = 1; /* x\n */\nconst b = 2;",
	} {
		if got := withoutComments(source); got != want {
			t.Errorf("%q: got %q, want %q", source, got, want)
		}
	}
}

// What it cannot tell from a comment is not in our files: a text of several lines, in which a line begins like one.
func TestNoTextLooksLikeAComment(t *testing.T) {
	err := fs.WalkDir(embedded, "static/js", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".js" {
			return err
		}
		source, err := embedded.ReadFile(name)
		for line := range strings.Lines(withoutComments(string(source))) {
			if strings.Count(line, "`")%2 != 0 {
				t.Errorf("%s: a text of several lines: %s", name, line)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The page of a room, with all that it loads, is small.
func TestRoomPageIsSmall(t *testing.T) {
	site := newTestSite(t, Config{})
	page := site.get("/r/standup/", site.session(t)).Body.String()
	sum := len(gzipOnce([]byte(page)))
	for name, file := range site.assets.files {
		if !strings.Contains(page, site.assets.path(name)) {
			continue
		}
		if file.gzipped != nil {
			sum += len(file.gzipped)
		} else {
			sum += len(file.body)
		}
	}
	t.Logf("%d bytes", sum)
	if sum > 150_000 || sum < 50_000 {
		t.Errorf("%d bytes", sum)
	}
}
