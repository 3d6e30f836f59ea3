#!/usr/bin/env bash
# Calls through TURN alone: a guest's network and the server's, with a router between them that gives the server its
# public address by 1:1 NAT and lets nothing through to the media port. First TURN over UDP is open, then over TCP only.
#
#   guest 198.51.100.2 -- router 198.51.100.1 (203.0.113.10 -> 192.168.77.2) -- server 192.168.77.2
#
# Everything lives in three network namespaces that are made here and removed at the end. Needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "$(id -u)" -ne 0 ]; then
  echo "network namespaces need root; skipped" >&2
  exit 0
fi

readonly guest="parley-guest-$$" router="parley-router-$$" server="parley-server-$$"
readonly public=203.0.113.10
data=$(mktemp -d)
parley=

finish() {
  if [ -n "$parley" ]; then
    kill "$parley" 2>/dev/null || true
    wait "$parley" 2>/dev/null || true
  fi
  for namespace in "$guest" "$router" "$server"; do ip netns del "$namespace" 2>/dev/null || true; done
  rm -rf "$data"
}
trap finish EXIT

on() { local namespace=$1; shift; ip netns exec "$namespace" "$@"; }

# connect NAMESPACE ADDRESS ROUTER-ADDRESS INTERFACE: a cable to the router, and the way out through it.
connect() {
  ip link add "$4" netns "$router" type veth peer name eth0 netns "$1"
  on "$1" ip addr add "$2/24" dev eth0
  on "$1" ip link set eth0 up
  on "$router" ip addr add "$3/24" dev "$4"
  on "$router" ip link set "$4" up
  on "$1" ip route add default via "$3"
}

for namespace in "$guest" "$router" "$server"; do
  ip netns add "$namespace"
  on "$namespace" ip link set lo up
done
connect "$guest" 198.51.100.2 198.51.100.1 to-guest
connect "$server" 192.168.77.2 192.168.77.1 to-server
on "$router" sysctl -qw net.ipv4.ip_forward=1
# The NAT is for what comes from the guest's side: the server cannot reach itself at its public address (no hairpin).
on "$router" ip addr add "$public/32" dev to-guest
on "$router" iptables -t nat -A PREROUTING -i to-guest -d "$public" -j DNAT --to-destination 192.168.77.2
on "$router" iptables -t nat -A POSTROUTING -o to-guest -s 192.168.77.2 -j SNAT --to-source "$public"
on "$router" iptables -A FORWARD -p udp --dport 7000 -j DROP
on "$router" iptables -A FORWARD -p udp --sport 7000 -j DROP

ip netns exec "$server" bin/parley serve --listen 0.0.0.0:8000 --metrics-listen 0.0.0.0:9100 --announce "$public" \
  --data-dir "$data" >"$data/log" 2>&1 &
parley=$!
until grep -q '^parley serving' "$data/log"; do
  kill -0 "$parley" || { cat "$data/log" >&2; exit 1; }
  sleep 0.1
done

calls() {
  echo "TURN over $1"
  if ! on "$guest" env TEST_NAT_URL="http://$public:8000" TEST_NAT_METRICS="http://$public:9100/metrics" \
    bin/e2e.test -test.run '^TestBehindNAT$' -test.v; then
    cat "$data/log" >&2
    exit 1
  fi
}

calls "UDP and TCP"
on "$router" iptables -A FORWARD -p udp --dport 3478 -j DROP
calls "TCP alone"
