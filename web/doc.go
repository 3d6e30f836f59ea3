// Package web serves the pages: logging in and out, the lobby with the rooms in use, the page of one room, and the
// assets they need. It hands websockets to the handler that it is given, and renders the fragments that reach the pages
// later ([Fragments]).
//
// Pages come from html/template and contain no inline script or style, so the content security policy allows none.
// Assets are embedded; their address holds a hash of all of them, so browsers keep them for good.
package web
