package web

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// minGzip is the size in bytes from which a body is compressed: less fits one packet anyway.
const minGzip = 1024

// gzipper compresses pages as they are made; the writers are too large to be thrown away each time.
type gzipper struct {
	writers sync.Pool
}

// compress returns body compressed, or nil if it is too small.
func (g *gzipper) compress(body []byte) []byte {
	if len(body) < minGzip {
		return nil
	}
	writer, ok := g.writers.Get().(*gzip.Writer)
	if !ok {
		writer = gzip.NewWriter(nil)
	}
	defer g.writers.Put(writer)
	return gzipWith(writer, body)
}

// gzipOnce compresses as well as can be what is then sent often. It returns nil where that is no smaller.
func gzipOnce(body []byte) []byte {
	if len(body) < minGzip {
		return nil
	}
	writer, err := gzip.NewWriterLevel(nil, gzip.BestCompression)
	if err != nil {
		return nil
	}
	compressed := gzipWith(writer, body)
	if len(compressed) >= len(body) {
		return nil
	}
	return compressed
}

func gzipWith(writer *gzip.Writer, body []byte) []byte {
	var compressed bytes.Buffer
	writer.Reset(&compressed)
	_, err := writer.Write(body)
	if err != nil || writer.Close() != nil {
		return nil // a buffer refuses nothing
	}
	return compressed.Bytes()
}

// writeBody sends a whole body, compressed where there is such a form and the client takes it.
func writeBody(w http.ResponseWriter, r *http.Request, status int, content asset) {
	header := w.Header()
	header.Set("Content-Type", content.contentType)
	header.Add("Vary", "Accept-Encoding")
	body := content.body
	if content.gzipped != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		header.Set("Content-Encoding", "gzip")
		body = content.gzipped
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that is gone needs no answer
	}
}

// acceptsGzip reads an Accept-Encoding header (RFC 9110, section 12.5.3).
func acceptsGzip(header string) bool {
	accepted := false
	for item := range strings.SplitSeq(header, ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		coding = strings.TrimSpace(coding)
		weight, weighted := strings.CutPrefix(strings.ToLower(strings.TrimSpace(parameters)), "q=")
		value, err := strconv.ParseFloat(weight, 64)
		allowed := !weighted || err == nil && value > 0
		switch {
		case strings.EqualFold(coding, "gzip"):
			return allowed
		case coding == "*":
			accepted = allowed
		}
	}
	return accepted
}
