package configs

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// decode reads a value of any source for a field of type to: text as the environment and flags give it, or what YAML
// makes of it. Nothing is converted that is not written as what it should be.
func decode(from, to reflect.Value) (any, error) {
	value := from.Interface()
	switch to.Interface().(type) {
	case string:
		if _, ok := value.(string); !ok {
			return nil, bad(value, "text, in quotes if it looks like something else")
		}
	case bool:
		return decodeBool(value)
	case int:
		return decodeInt(value)
	case float64:
		return decodeFloat(value)
	case Bitrate:
		rate, err := ParseBitrate(fmt.Sprint(value))
		if err != nil {
			return nil, bad(value, err.Error())
		}
		return rate, nil
	case time.Duration:
		text, _ := value.(string)
		duration, err := time.ParseDuration(text)
		if err != nil {
			return nil, bad(value, "a duration such as 12h, 30m or 5s")
		}
		return duration, nil
	case []string:
		return decodeList(value, func(text string) (string, error) { return text, nil })
	case []netip.AddrPort:
		return decodeList(value, ParseAnnounce)
	case []netip.Prefix:
		return decodeList(value, ParseProxy)
	}
	return value, nil
}

func decodeBool(value any) (bool, error) {
	switch fmt.Sprint(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, bad(value, "true or false")
}

func decodeInt(value any) (int, error) {
	number, err := strconv.Atoi(fmt.Sprint(value))
	if _, decimal := value.(float64); err != nil || decimal {
		return 0, bad(value, "a whole number")
	}
	return number, nil
}

func decodeFloat(value any) (float64, error) {
	number, err := strconv.ParseFloat(fmt.Sprint(value), 64)
	if err != nil {
		return 0, bad(value, "a number such as 0.9")
	}
	return number, nil
}

// decodeList reads text with commas, or a list of texts. Spaces around an item do not count; no text is no items.
func decodeList[T any](value any, parse func(string) (T, error)) ([]T, error) {
	var texts []any
	switch value := value.(type) {
	case []any:
		texts = value
	case string:
		if strings.TrimSpace(value) != "" {
			for text := range strings.SplitSeq(value, ",") {
				texts = append(texts, text)
			}
		}
	default:
		return nil, bad(value, "a list of texts")
	}
	items := make([]T, 0, len(texts))
	for _, item := range texts {
		text, ok := item.(string)
		if text = strings.TrimSpace(text); !ok || text == "" {
			return nil, bad(item, "a list of texts, none of them empty")
		}
		parsed, err := parse(text)
		if err != nil {
			return nil, bad(text, err.Error())
		}
		items = append(items, parsed)
	}
	return items, nil
}

func bad(value any, expected string) *Error {
	return &Error{Value: fmt.Sprint(value), Expected: expected}
}
