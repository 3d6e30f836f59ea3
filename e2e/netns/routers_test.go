package netns

// nat is how a router hands on what comes from inside.
type nat int

const (
	routed nat = iota
	// fullCone maps a port outside to one inside for everybody: what RFC 4787 calls endpoint-independent mapping and
	// filtering. It is made for one address inside: SNAT keeps its ports, and DNAT lets anybody in.
	fullCone
	// symmetric takes another port for each destination, and lets in what comes from there: address and port-dependent
	// mapping and filtering.
	symmetric
)

// rules is the script that makes a router one, between its interface outside with that address and the one inside.
func (n nat) rules(outside, outsideAddress, insideAddress string) string {
	const forwarding = `
		iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
		iptables -A FORWARD -i ` // what is new comes from inside
	switch n {
	case fullCone:
		return `
			iptables -t nat -A POSTROUTING -o ` + outside + ` -j SNAT --to-source ` + outsideAddress + `
			iptables -t nat -A PREROUTING -i ` + outside + ` -p udp --dport 1024:65535 -j DNAT --to-destination ` +
			insideAddress + forwarding + outside + ` ! -p udp -j DROP`
	case symmetric:
		return `
			iptables -t nat -A POSTROUTING -o ` + outside + ` -j MASQUERADE --random-fully` +
			forwarding + outside + ` -j DROP`
	}
	return ""
}

// serverNAT is how a server without a public address of its own gets one.
type serverNAT int

const (
	public    serverNAT = iota // it has one
	oneToOne                   // all that goes to the public address comes to it
	forwarded                  // 443/tcp does, and forwardedPort/udp comes to its media port
)

const forwardedPort = "17000"

// rules is the script of its router. They are for what comes from outside: the server cannot reach itself at its public
// address (no hairpin).
func (n serverNAT) rules() string {
	script := `
		ip addr add ` + serverAddress + `/32 dev internet
		iptables -t nat -A POSTROUTING -o internet -s ` + serverInside + ` -j SNAT --to-source ` + serverAddress
	to := `
		iptables -t nat -A PREROUTING -i internet -d ` + serverAddress
	if n == forwarded {
		return script + to + ` -p tcp --dport 443 -j DNAT --to-destination ` + serverInside +
			to + ` -p udp --dport ` + forwardedPort + ` -j DNAT --to-destination ` + serverInside + `:7000`
	}
	return script + to + ` -j DNAT --to-destination ` + serverInside
}

// firewall is a script of what a router does not let through. It drops without a word, which costs most: whoever tries
// has to wait.
type firewall string

const (
	noUDP firewall = `tables -I FORWARD -p udp -j DROP`

	only443 firewall = `
		tables -I FORWARD -j DROP
		tables -I FORWARD -p tcp --dport 443 -j ACCEPT
		tables -I FORWARD -p tcp --sport 443 -j ACCEPT`

	// onlyTLS lets nothing through at 443 either that a look at its first bytes finds to be STUN, as ICE and TURN begin
	// with (RFC 8489, 5: the magic cookie).
	onlyTLS = only443 + `
		tables -I FORWARD -p tcp -m string --algo bm --hex-string '|2112a442|' --from 40 --to 120 -j DROP`

	// noMedia closes the media port.
	noMedia firewall = `
		for protocol in udp tcp; do
			tables -I FORWARD -p $protocol --dport 7000 -j DROP
			tables -I FORWARD -p $protocol --sport 7000 -j DROP
		done`
)
