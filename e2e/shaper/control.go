package shaper

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Control is the shaper for a test that is another process:
//
//	GET  /                what is known of all clients, a list; ?reset begins to look for the longest wait anew
//	PUT  /                a Path, of all clients that there are and of new ones
//	PUT  /default         a Path, of new clients
//	PUT  /clients/PORT    a Path, of the client that sends from there
func (s *Shaper) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(s.Clients(r.URL.Query().Has("reset")))
	})
	put := func(pattern string, apply func(*http.Request, Path) error) {
		mux.HandleFunc("PUT "+pattern, func(w http.ResponseWriter, r *http.Request) {
			var p Path
			decoder := json.NewDecoder(r.Body)
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&p); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			} else if err := apply(r, p); err != nil {
				http.Error(w, err.Error(), http.StatusNotFound)
			}
		})
	}
	put("/{$}", func(_ *http.Request, p Path) error { s.SetAll(p); return nil })
	put("/default", func(_ *http.Request, p Path) error { s.SetDefault(p); return nil })
	put("/clients/{port}", func(r *http.Request, p Path) error {
		port, err := strconv.Atoi(r.PathValue("port"))
		if err != nil {
			return ErrClient
		}
		return s.Set(port, p)
	})
	return mux
}
