package web

import (
	_ "embed"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
)

// iconNames are the icons that pages use, a line each; the build copies their files to static/vendor/icons.
//
//go:embed icons.txt
var iconNames string

// icon refers to one icon of the sprite.
func icon(name string) template.HTML {
	//nolint:gosec // names are the templates' own
	return template.HTML(`<svg class="icon" aria-hidden="true" focusable="false"><use href="#i-` + name + `"/></svg>`)
}

// sprite is what a page embeds so that icons can be referred to: a symbol for each. Before the build has copied their
// files they are empty.
func sprite(fsys fs.FS) (template.HTML, error) {
	var symbols strings.Builder
	for name := range strings.Lines(iconNames) {
		name = strings.TrimSpace(name)
		file, err := fs.ReadFile(fsys, "vendor/icons/"+name+".svg")
		if err != nil {
			continue
		}
		shapes, err := shapesOf(string(file))
		if err != nil {
			return "", fmt.Errorf("icon %s: %w", name, err)
		}
		fmt.Fprintf(&symbols, `<symbol id="i-%s" viewBox="0 0 24 24">%s</symbol>`, name, shapes)
	}
	//nolint:gosec // the files are embedded
	return template.HTML(`<svg class="sprite" hidden aria-hidden="true">` + symbols.String() + `</svg>`), nil
}

// shapesOf returns what is drawn in an SVG file, in as few characters as are needed.
func shapesOf(svg string) (string, error) {
	start := strings.Index(svg, "<svg")
	if start < 0 {
		return "", errNotSVG
	}
	_, inner, opened := strings.Cut(svg[start:], ">")
	inner, _, closed := strings.Cut(inner, "</svg>")
	if !opened || !closed {
		return "", errNotSVG
	}
	var shapes strings.Builder
	for line := range strings.Lines(inner) {
		shapes.WriteString(strings.TrimSpace(line))
	}
	return shapes.String(), nil
}
