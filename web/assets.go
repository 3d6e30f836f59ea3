package web

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

const (
	assetRoot  = "/static/"
	hashDigits = 16
	// testSuffix marks what is never served.
	testSuffix = ".test.js"
)

// assets are the files that pages refer to. All share one hash in their address, /static/<hash>/<name>, so that a
// module finds its neighbours by relative imports and a release never mixes with another.
type assets struct {
	hash  string           // static after construction
	files map[string]asset // static after construction; by name, e.g. "css/base.css"
}

type asset struct {
	contentType string
	body        []byte
	gzipped     []byte // nil where that is no smaller
}

// newAssets reads all files of a known type, and compresses them once.
func newAssets(fsys fs.FS) (*assets, error) {
	a := &assets{files: map[string]asset{}}
	sum := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		contentType := assetType(name)
		if entry.IsDir() || contentType == "" || strings.HasSuffix(name, testSuffix) {
			return nil
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if ours := path.Dir(name) != "vendor"; ours && (path.Ext(name) == ".js" || path.Ext(name) == ".css") {
			body = []byte(withoutComments(string(body)))
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(body))
		sum.Write(body)
		a.files[name] = asset{contentType: contentType, body: body, gzipped: gzipOnce(body)}
		return nil
	})
	a.hash = hex.EncodeToString(sum.Sum(nil))[:hashDigits]
	return a, err
}

// assetType returns the media type of a file that may be served, or "".
func assetType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".woff2":
		return "font/woff2"
	}
	return ""
}

// path returns the address of an asset.
func (a *assets) path(name string) string { return assetRoot + a.hash + "/" + name }

// notOfRooms are the scripts that the page of a room does not load, or not until it has time.
var notOfRooms = regexp.MustCompile(`^js/(diagnostics|elements/(diagnostics|senses|testpicture))\b`)

// modules returns the names of all scripts of the page of a room, so that a browser need not find out one after the
// other.
func (a *assets) modules() []string {
	var names []string
	for name := range a.files {
		if strings.HasPrefix(name, "js/") && !notOfRooms.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (a *assets) missing(names ...string) []string {
	var missing []string
	for _, name := range names {
		if _, ok := a.files[name]; !ok {
			missing = append(missing, name)
		}
	}
	return missing
}

// serveAsset sends one asset, to be kept for good. A page of an earlier release is led to the file of this one.
func (s *Site) serveAsset(c *gin.Context) {
	hash, name, _ := strings.Cut(strings.TrimPrefix(c.Param("asset"), "/"), "/")
	file, ok := s.assets.files[name]
	switch {
	case !ok:
		s.notFound(c)
	case hash != s.assets.hash:
		c.Header("Cache-Control", "no-store")
		c.Redirect(http.StatusFound, s.assets.path(name))
	default:
		c.Header("Cache-Control", "public, max-age=31536000, immutable")
		writeBody(c.Writer, c.Request, http.StatusOK, file)
	}
}
