// What the type checker does not see: which module may know which, and a few habits.

const recommended = {
  'no-undef': 'error',
  'no-unused-vars': [
    'error',
    { varsIgnorePattern: '^_$', argsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
  ],
  'no-var': 'error',
  'prefer-const': 'error',
  eqeqeq: 'error',
  'no-eval': 'error',
  'no-implied-eval': 'error',
  'no-new-func': 'error',
  'no-empty-pattern': 'error',
  'no-fallthrough': 'error',
  'no-unreachable': 'error',
  'no-self-assign': 'error',
  'no-async-promise-executor': 'error',
  'require-await': 'error',
};

/** @param {string[]} names */
const readonly = (names) => Object.fromEntries(names.map((name) => [name, 'readonly']));

const shared = [
  'console',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'Event',
  'EventTarget',
  'performance',
];
const media = ['MediaStream', 'RTCPeerConnection', 'RTCRtpReceiver', 'RTCRtpSender', 'CustomEvent', 'DOMException'];
const dom = [
  'document',
  'Element',
  'HTMLElement',
  'HTMLInputElement',
  'HTMLVideoElement',
  'CSS',
  'URL',
  'devicePixelRatio',
  'addEventListener',
  'queueMicrotask',
  'requestAnimationFrame',
  'fetch',
];
const observers = ['ResizeObserver', 'IntersectionObserver', 'MutationObserver', 'matchMedia'];
const page = [
  'window',
  'document',
  'navigator',
  'location',
  'URLSearchParams',
  'AbortController',
  'addEventListener',
  'globalThis',
];
const sound = ['Audio', 'AudioContext', 'HTMLMediaElement'];
const node = [
  'process',
  'Buffer',
  'URL',
  'fetch',
  'globalThis',
  'AbortSignal',
  'WebSocket',
  'EventSource',
  'AudioContext',
  'setImmediate',
  'structuredClone',
];

export default [
  { ignores: ['**/node_modules/**', 'web/static/vendor/**'] },
  {
    files: ['web/static/js/*.js'],
    languageOptions: { globals: readonly([...shared, ...media]) },
    rules: {
      ...recommended,
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['**/app.js'], message: 'Nothing imports app.js.' }, { group: ['./elements/*'] }] },
      ],
    },
  },
  {
    // Its own events are all that an app needs of the socket.
    files: ['web/static/js/mux.js'],
    rules: { 'no-restricted-imports': ['error', { patterns: [{ regex: '^(?!\\./session\\.js$)' }] }] },
  },
  {
    files: ['web/static/js/diagnostics-socket.js'],
    languageOptions: { globals: readonly(['WebSocket', 'crypto', 'location']) },
  },
  {
    // The only modules that touch the document.
    files: ['web/static/js/elements/*.js'],
    languageOptions: { globals: readonly([...shared, ...media, ...dom, ...observers]) },
    rules: {
      ...recommended,
      'no-restricted-imports': ['error', { patterns: [{ group: ['**/app.js'], message: 'Nothing imports app.js.' }] }],
    },
  },
  {
    // Each the start of a page: what knows the window.
    files: ['web/static/js/app.js', 'web/static/js/diagnostics.js'],
    languageOptions: { globals: readonly([...shared, ...media, ...page, ...sound]) },
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    files: ['web/jstest/*.js', 'e2e/**/*.js'],
    languageOptions: {
      globals: readonly([
        ...shared,
        ...media,
        ...dom,
        'getComputedStyle',
        'PerformanceObserver',
        'DOMMatrix',
        ...page,
        ...node,
      ]),
    },
    rules: recommended,
  },
];
