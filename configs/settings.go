package configs

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// envPrefix begins the name of every environment variable that is ours.
const envPrefix = "PARLEY_"

// setting is one key with its value as text, as a flag or a variable would have it.
type setting struct{ key, arg, help, value string }

func (s setting) env() string  { return envPrefix + strings.ToUpper(s.key) }
func (s setting) flag() string { return strings.ReplaceAll(s.key, "_", "-") }

// settings lists all keys, in the order of the struct.
func settings(cfg Config) []setting {
	var all []setting
	sections := reflect.ValueOf(cfg)
	for i := range sections.NumField() {
		section := sections.Field(i)
		for j := range section.NumField() {
			tag := section.Type().Field(j).Tag
			all = append(all, setting{
				key: tag.Get("koanf"), arg: tag.Get("arg"), help: tag.Get("help"),
				value: format(section.Field(j).Interface()),
			})
		}
	}
	return all
}

func format(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case time.Duration:
		return formatDuration(value)
	case Bitrate:
		return value.String()
	case []string:
		return strings.Join(value, ",")
	case []netip.AddrPort:
		texts := make([]string, len(value))
		for i, address := range value {
			texts[i] = formatAnnounce(address)
		}
		return strings.Join(texts, ",")
	default:
		return fmt.Sprint(value)
	}
}

// formatDuration writes 12h for what Go writes as 12h0m0s.
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// AddFlags adds a flag for each of the keys, or for every key if none is named, with its default.
func AddFlags(flags *pflag.FlagSet, keys ...string) {
	for _, setting := range settings(Default()) {
		if len(keys) > 0 && !slices.Contains(keys, setting.key) {
			continue
		}
		flag := flags.VarPF(&flagValue{text: setting.value, arg: setting.arg}, setting.flag(), "", setting.help)
		if setting.arg == "true|false" {
			flag.NoOptDefVal = "true" // the flag alone switches on; off is --flag=false
		}
	}
}

// flagValue keeps the text of a flag: it is read together with the other sources, which give text as well.
type flagValue struct{ text, arg string }

func (v *flagValue) String() string { return v.text }
func (v *flagValue) Type() string   { return v.arg }

func (v *flagValue) Set(text string) error {
	v.text = text
	return nil
}
