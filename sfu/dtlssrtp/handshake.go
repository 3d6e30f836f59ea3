package dtlssrtp

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/prf"
	"github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"
)

// ErrNoKeys is returned while a handshake has not come far enough.
var ErrNoKeys = errors.New("no keys from the DTLS handshake")

// clientRandomLabel begins the line that pion logs once it knows the master secret (the format of NSS key logs).
const clientRandomLabel = "CLIENT_RANDOM"

// Handshake sees the DTLS handshake of one PeerConnection whose end is the server. The keys are only to be used once
// pion has reported the transport as connected: until then the client's certificate is not verified.
type Handshake struct {
	mu           sync.Mutex
	serverHello  handshake.MessageServerHello // guarded by mu
	clientRandom []byte                       // guarded by mu
	masterSecret []byte                       // guarded by mu; nil until it is known
}

// Observe makes the handshakes of connections made with these settings known to h. They must not be shared.
func (h *Handshake) Observe(settings *webrtc.SettingEngine) {
	settings.SetDTLSKeyLogWriter(keyLog{h})
	settings.SetDTLSServerHelloMessageHook(func(hello handshake.MessageServerHello) handshake.Message {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.serverHello = hello
		return &hello
	})
}

// keyLog takes pion's key log.
type keyLog struct{ h *Handshake }

// Write takes one line: a label, the client's random and the master secret.
func (k keyLog) Write(line []byte) (int, error) {
	fields := strings.Fields(string(line))
	if len(fields) != 3 || fields[0] != clientRandomLabel {
		return len(line), nil
	}
	random, err := hex.DecodeString(fields[1])
	if err != nil {
		return 0, fmt.Errorf("client random: %w", err)
	}
	secret, err := hex.DecodeString(fields[2])
	if err != nil {
		return 0, fmt.Errorf("master secret: %w", err)
	}
	k.h.mu.Lock()
	defer k.h.mu.Unlock()
	k.h.clientRandom, k.h.masterSecret = random, secret
	return len(line), nil
}

// Session makes the session whose keys the handshake has agreed on.
func (h *Handshake) Session() (*Session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.masterSecret == nil || h.serverHello.CipherSuiteID == nil {
		return nil, ErrNoKeys
	}
	config := srtp.Config{}
	for _, e := range h.serverHello.Extensions {
		if use, ok := e.(*extension.UseSRTP); ok && len(use.ProtectionProfiles) == 1 {
			config.Profile = srtp.ProtectionProfile(use.ProtectionProfiles[0]) // the same registry of numbers
		}
	}
	if config.Profile == 0 {
		return nil, fmt.Errorf("%w: no protection profile", ErrNoKeys)
	}
	// Not the client: this is the server's end.
	if err := config.ExtractSessionKeysFromDTLS(exporter{h}, false); err != nil {
		return nil, fmt.Errorf("keying material: %w", err)
	}
	return NewSession(config.Profile, config.Keys)
}

// exporter derives keying material (RFC 5705). The handshake's mu is held.
type exporter struct{ h *Handshake }

func (e exporter) ExportKeyingMaterial(label string, context []byte, length int) ([]byte, error) {
	if len(context) != 0 {
		return nil, errors.New("a context is not supported")
	}
	serverRandom := e.h.serverHello.Random.MarshalFixed()
	seed := append([]byte(label), e.h.clientRandom...)
	seed = append(seed, serverRandom[:]...)
	return prf.PHash(e.h.masterSecret, seed, length, prfHash(*e.h.serverHello.CipherSuiteID))
}

// prfHash is the hash of a cipher suite's pseudorandom function: SHA-256 (RFC 5246, section 5) but for those that say
// otherwise (RFC 5289, section 3.2).
func prfHash(suite uint16) func() hash.Hash {
	switch dtls.CipherSuiteID(suite) {
	case dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, dtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:
		return sha512.New384
	default:
		return sha256.New
	}
}
