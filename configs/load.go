package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/goccy/go-yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// FileVariable is the environment variable that names the configuration file when no flag does.
const FileVariable = envPrefix + "CONFIG"

// Error is a setting that cannot be used.
type Error struct {
	Key      string // as it is called in the file; of an unknown variable or key the name that was found
	Source   string // where the value comes from, e.g. "flag --listen"
	Value    string // empty for secrets
	Expected string
}

// Error is one line.
func (e *Error) Error() string {
	text := e.Key
	if e.Source != "" {
		text += " (" + e.Source + ")"
	}
	text += ": expected " + e.Expected
	if e.Value != "" {
		text += fmt.Sprintf(", not %q", e.Value)
	}
	return text
}

// Load reads the file, if there is one, then the environment (as os.Environ gives it), then those flags of AddFlags
// that were set, each over the one before, and checks the whole. The file is that of [FileVariable] if path is empty. A
// setting that cannot be used gives an [*Error].
func Load(path string, environ []string, flags *pflag.FlagSet) (Config, error) {
	cfg := Default()
	layers := []layer{environmentLayer(environ), flagLayer(flags)}
	if path == "" {
		path = lookup(environ, FileVariable)
	}
	if path != "" {
		layers = slices.Insert(layers, 0, fileLayer(path))
	}
	sources := make(map[string]string)
	for _, layer := range layers {
		if err := layer.apply(&cfg, sources); err != nil {
			return Config{}, err
		}
	}
	err := cfg.Validate()
	var bad *Error
	if errors.As(err, &bad) {
		bad.Source = sources[bad.Key]
	}
	return cfg, err
}

// layer is one place that settings come from.
type layer struct {
	name     string // e.g. "flag"
	provider koanf.Provider
	parser   koanf.Parser                 // nil if the provider gives values
	nameOf   func(setting setting) string // what a setting is called there
	source   func(setting setting) string // name, and where in it a setting is
}

func fileLayer(path string) layer {
	name := "file " + path
	return layer{
		name: name, provider: file.Provider(path), parser: yamlParser{},
		nameOf: func(setting setting) string { return setting.key },
		source: func(setting) string { return name },
	}
}

func environmentLayer(environ []string) layer {
	known := make(map[string]string)
	for _, setting := range settings(Config{}) {
		known[setting.env()] = setting.key
	}
	return layer{
		name: "environment variable",
		provider: env.Provider("", env.Opt{
			Prefix:      envPrefix,
			EnvironFunc: func() []string { return environ },
			TransformFunc: func(name, value string) (string, any) {
				if name == FileVariable {
					return "", nil
				}
				if key, ok := known[name]; ok {
					return key, value
				}
				return name, value
			},
		}),
		nameOf: setting.env,
		source: func(setting setting) string { return "environment variable " + setting.env() },
	}
}

func flagLayer(flags *pflag.FlagSet) layer {
	known := make(map[string]string)
	for _, setting := range settings(Config{}) {
		known[setting.flag()] = setting.key
	}
	return layer{
		name: "flag",
		provider: posflag.ProviderWithFlag(flags, ".", nil, func(flag *pflag.Flag) (string, any) {
			return known[flag.Name], flag.Value.String() // further flags of a command have no key and are left out
		}),
		nameOf: setting.flag,
		source: func(setting setting) string { return "flag --" + setting.flag() },
	}
}

// apply puts the layer's values into cfg and notes in sources where they came from.
func (l layer) apply(cfg *Config, sources map[string]string) error {
	values := koanf.New(".")
	if err := values.Load(l.provider, l.parser); err != nil {
		return fmt.Errorf("configuration from %s: %w", l.name, err)
	}
	known := make(map[string]setting)
	var names []string
	for _, setting := range settings(*cfg) {
		known[setting.key] = setting
		names = append(names, l.nameOf(setting))
	}
	for _, key := range values.Keys() { // sorted
		setting, ok := known[key]
		if !ok {
			slices.Sort(names)
			return &Error{Key: key, Source: l.name, Expected: "a known name, one of " + strings.Join(names, ", ")}
		}
		if values.Get(key) == nil {
			return &Error{Key: key, Source: l.source(setting), Expected: "a value"}
		}
		sources[key] = l.source(setting)
	}
	err := values.UnmarshalWithConf("", cfg, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		TagName: "koanf", Result: cfg, DecodeHook: decode, ZeroFields: true, // a list replaces, it does not add
	}})
	var field *mapstructure.DecodeError
	var bad *Error
	if errors.As(err, &field) && errors.As(err, &bad) {
		return withoutSecret(&Error{
			Key: field.Name(), Source: sources[field.Name()], Value: bad.Value, Expected: bad.Expected,
		})
	}
	if err != nil {
		return fmt.Errorf("configuration from %s: %w", l.name, err)
	}
	return nil
}

func lookup(environ []string, name string) string {
	for _, variable := range environ {
		if value, found := strings.CutPrefix(variable, name+"="); found {
			return value
		}
	}
	return ""
}

// yamlParser makes a koanf.Parser of the YAML package that gin brings along.
type yamlParser struct{}

func (yamlParser) Unmarshal(content []byte) (map[string]any, error) {
	var values map[string]any
	documents := yaml.NewDecoder(bytes.NewReader(content))
	if err := documents.Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New(strings.TrimSpace(yaml.FormatError(err, false, false)))
	}
	var more any
	if err := documents.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("expected one YAML document")
	}
	return values, nil
}

func (yamlParser) Marshal(values map[string]any) ([]byte, error) { return yaml.Marshal(values) }
