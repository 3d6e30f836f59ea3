package signaling

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"parley/signaling/protocol"
)

// maxKeys bounds the keys of one frame.
const maxKeys = 64

// envelope is one frame of the client. The session's own keys are parsed, whatever else there is belongs to an app.
type envelope struct {
	hangup bool
	join   *protocol.Join // as the client wrote it, nil for none
	ack    *uint64        // nil for none
	apps   []appMessage
}

// appMessage is the value of one key, in order of appearance.
type appMessage struct {
	key   string
	value json.RawMessage
}

// parseEnvelope reads a frame: one JSON object in UTF-8, no key twice, nothing after it. A frame with a malformed value
// under one of the session's own keys is refused as a whole; the values of apps are for the apps to judge.
func parseEnvelope(frame []byte) (envelope, error) {
	var env envelope
	if !utf8.Valid(frame) {
		return env, errNotUTF8
	}
	dec := json.NewDecoder(bytes.NewReader(frame))
	if token, err := dec.Token(); err != nil {
		return env, fmt.Errorf("malformed JSON: %w", unexpectedEOF(err))
	} else if token != json.Delim('{') {
		return env, errNotObject
	}
	seen := make(map[string]bool, 4)
	for dec.More() {
		if len(seen) == maxKeys {
			return env, errManyKeys
		}
		token, err := dec.Token()
		if err != nil {
			return env, fmt.Errorf("malformed JSON: %w", unexpectedEOF(err))
		}
		key := token.(string) // the decoder accepts nothing else as a key
		if seen[key] {
			return env, fmt.Errorf("key %q twice", key)
		}
		seen[key] = true
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return env, fmt.Errorf("malformed JSON: %w", unexpectedEOF(err))
		}
		if err := env.add(key, value); err != nil {
			return env, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return env, fmt.Errorf("malformed JSON: %w", unexpectedEOF(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return env, errTrailing
	}
	return env, nil
}

// add files one key.
func (e *envelope) add(key string, value json.RawMessage) error {
	switch key {
	case protocol.KeyHangup:
		if string(value) != "true" {
			return badValue(key, "true")
		}
		e.hangup = true
	case protocol.KeyJoin:
		e.join = new(protocol.Join)
		if err := e.join.UnmarshalJSON(value); err != nil {
			return fmt.Errorf("%q must be %w", key, err)
		}
	case protocol.KeyAck:
		if err := json.Unmarshal(value, &e.ack); err != nil || e.ack == nil {
			return badValue(key, "the number of a frame")
		}
	case protocol.KeyRoom, protocol.KeySignal: // the room's name and the heartbeat: having arrived is all they do
		var text *string
		if err := json.Unmarshal(value, &text); err != nil || text == nil {
			return badValue(key, "a string")
		}
	default:
		e.apps = append(e.apps, appMessage{key, value})
	}
	return nil
}

// unexpectedEOF says of a frame that ends too early that it does.
func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// encode makes the frame {key: value}. It fails for values that JSON cannot express, which ours are not.
func encode(key string, value any) ([]byte, error) {
	frame, err := encodeFrame(map[string]any{key: value})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", key, err)
	}
	return frame, nil
}

// encodeFrame makes a frame of an object.
func encodeFrame(object any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // fragments would grow by a third; the frame is never part of a page
	if err := enc.Encode(object); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
