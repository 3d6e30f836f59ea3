package web

import (
	"html/template"
	"strconv"
	"strings"
	"time"
)

// figureFuncs write numbers as a language does.
func figureFuncs(l *locale) template.FuncMap {
	return template.FuncMap{
		"bits": l.bits, "percent": l.percent, "ms": milliseconds, "decimal": l.decimal, "span": l.span,
		"chosen": func(r AdminRoom, data *adminData) adminRoomData { return adminRoomData{r, data} },
		"cores":  func(x float64) string { return l.fixed(x, 2) },
		"clock":  func(t time.Time) string { return t.Format(time.TimeOnly) },
		"micros": func(d time.Duration) string { return l.decimal(float64(d) / float64(time.Microsecond)) },
		"since":  func(now, then time.Time) string { return l.span(now.Sub(then)) },
	}
}

// decimal writes a number with one digit behind the point, without it from 10 on.
func (l *locale) decimal(x float64) string {
	if x >= 9.95 {
		return l.fixed(x, 0)
	}
	return l.fixed(x, 1)
}

// fixed writes a number with so many digits behind the point.
func (l *locale) fixed(x float64, digits int) string {
	return strings.Replace(strconv.FormatFloat(x, 'f', digits, 64), ".", l.word("page.admin.point"), 1)
}

// bits writes a bitrate, "–" for none.
func (l *locale) bits(rate int) string {
	switch {
	case rate <= 0:
		return "–"
	case rate < 1_000_000:
		return strconv.Itoa((rate+500)/1000) + " kbit/s"
	case rate < 1_000_000_000:
		return l.decimal(float64(rate)/1e6) + " Mbit/s"
	}
	return l.decimal(float64(rate)/1e9) + " Gbit/s"
}

// percent writes a share.
func (l *locale) percent(share float64) string {
	switch {
	case share <= 0:
		return "0 %"
	case share < 0.001:
		return "< " + l.decimal(0.1) + " %"
	}
	return l.decimal(share*100) + " %"
}

// milliseconds writes a round trip, "–" for none.
func milliseconds(d time.Duration) string {
	if d <= 0 {
		return "–"
	}
	return strconv.FormatInt((d+500*time.Microsecond).Milliseconds(), 10) + " ms"
}

// span writes a time in its largest unit, or two.
func (l *locale) span(d time.Duration) string {
	seconds := int(max(d, 0) / time.Second)
	minutes, hours := seconds/60, seconds/3600
	switch {
	case seconds < 60:
		return strconv.Itoa(seconds) + " s"
	case hours < 1:
		return strconv.Itoa(minutes) + " min"
	case hours < 24:
		return strconv.Itoa(hours) + " h " + strconv.Itoa(minutes%60) + " min"
	}
	return l.word("page.admin.days", "n", hours/24) + " " + strconv.Itoa(hours%24) + " h"
}
