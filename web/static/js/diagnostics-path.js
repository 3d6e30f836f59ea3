/**
 * The ways on which media may reach the server, and how a connection is held to one of them. All of it is pure.
 *
 * @typedef {'udp' | 'tcp' | 'turn_udp' | 'turn_tcp' | 'turn_tls'} Kind
 * @typedef {object} Candidate as in RFC 8839, 5.1
 * @property {'udp' | 'tcp'} protocol
 * @property {string} address
 * @property {number} port
 * @property {string} type `host`, `srflx`, `prflx` or `relay`
 * @property {string} tcpType `passive`, …, of TCP; else empty
 * @typedef {object} Used
 * @property {Kind | ''} kind the way that media takes
 * @property {string} port of the server, `7000/udp`, '' where not known
 * @property {number | null} rtt ms
 */

/** In the order in which a call would prefer them. @type {readonly Kind[]} */
export const KINDS = ['udp', 'tcp', 'turn_udp', 'turn_tcp', 'turn_tls'];

/** @param {Kind} kind */
export function isRelayed(kind) {
  return kind.startsWith('turn');
}

/** @param {string} line with or without `a=` @returns {Candidate | null} null if it is none */
export function parseCandidate(line) {
  const parts = line
    .replace(/^a=/, '')
    .replace(/^candidate:/, '')
    .trim()
    .split(/\s+/);
  const [, , transport = '', , address = '', port, typ, type = ''] = parts;
  const protocol = transport.toLowerCase();
  if (typ !== 'typ' || (protocol !== 'udp' && protocol !== 'tcp')) return null;
  const at = parts.indexOf('tcptype');
  return { protocol, address, port: Number(port), type, tcpType: at < 0 ? '' : (parts[at + 1] ?? '') };
}

/** Whether a candidate of the server's is one to reach in this way. A relay reaches it over UDP. @param {Kind} kind */
export function ofServer(kind) {
  return (/** @type {Candidate} */ { protocol, tcpType }) =>
    kind === 'tcp' ? protocol === 'tcp' && tcpType === 'passive' : protocol === 'udp';
}

/** Whether a candidate of ours is one to be reached at in this way. @param {Kind} kind */
export function ofClient(kind) {
  if (isRelayed(kind)) return (/** @type {Candidate} */ { type }) => type === 'relay';
  return (/** @type {Candidate} */ { type, protocol }) => type !== 'relay' && protocol === kind;
}

/**
 * A description without the candidates that do not fit.
 * @param {string} sdp
 * @param {(candidate: Candidate) => boolean} fits
 */
export function withoutOthers(sdp, fits) {
  return sdp.replace(/^a=candidate:.*\r?\n/gm, (line) => {
    const candidate = parseCandidate(line);
    return candidate && fits(candidate) ? line : '';
  });
}

/** The candidates in a description. @param {string} sdp @returns {Candidate[]} */
export function candidatesIn(sdp) {
  return [...sdp.matchAll(/^a=candidate:.*$/gm)].flatMap(([line]) => parseCandidate(line) ?? []);
}

/**
 * The way to which a URL of an ICE server belongs (RFC 7065, 3.1), null for one of STUN.
 * @param {string} url
 * @returns {Kind | null}
 */
export function kindOf(url) {
  const [scheme] = url.split(':');
  if (scheme === 'turns') return 'turn_tls';
  if (scheme !== 'turn') return null;
  return /[?&]transport=tcp\b/i.test(url) ? 'turn_tcp' : 'turn_udp';
}

/**
 * What a connection is built with that is to take this way and no other; null if the server does not offer it.
 * @param {Kind} kind
 * @param {RTCConfiguration} configuration the server's
 * @returns {RTCConfiguration | null}
 */
export function configurationOf(kind, { iceServers = [], iceTransportPolicy }) {
  if (!isRelayed(kind)) return iceTransportPolicy === 'relay' ? null : { iceServers: [] };
  const kept = iceServers
    .map((server) => ({ ...server, urls: [server.urls].flat().filter((url) => kindOf(url) === kind) }))
    .filter(({ urls }) => urls.length > 0);
  return kept.length > 0 ? { iceServers: kept, iceTransportPolicy: 'relay' } : null;
}

/** Where the server is to be reached in this way, for people: `7000/udp`. @param {string} url of an ICE server */
export function portOf(url) {
  const [, rest = ''] = url.split(/:(.*)/s);
  const port = /:(\d+)(?:\?|$)/.exec(rest)?.[1] ?? (url.startsWith('turns') ? '5349' : '3478');
  return `${port}/${kindOf(url) === 'turn_udp' ? 'udp' : 'tcp'}`;
}

/**
 * The way that a connection has taken, by its statistics.
 * @param {Iterable<[string, any]>} report
 * @returns {Used}
 */
export function usedBy(report) {
  const entries = new Map(report);
  const all = [...entries.values()];
  const chosen = all.find(({ type }) => type === 'transport')?.selectedCandidatePairId;
  const pair =
    entries.get(chosen) ??
    all.find(({ type, selected, nominated, state }) => {
      return type === 'candidate-pair' && (selected || (nominated && state === 'succeeded'));
    });
  const local = pair && entries.get(pair.localCandidateId);
  if (!local) return { kind: '', port: '', rtt: null };
  const { candidateType, protocol, relayProtocol, url } = local;
  const rtt = typeof pair.currentRoundTripTime === 'number' ? Math.round(pair.currentRoundTripTime * 1000) : null;
  const relayed = candidateType === 'relay';
  const remote = entries.get(pair.remoteCandidateId);
  const port = relayed ? (url ? portOf(url) : '') : `${remote?.port}/${protocol}`;
  return { kind: /** @type {Kind} */ (relayed ? `turn_${relayProtocol}` : protocol), port, rtt };
}
