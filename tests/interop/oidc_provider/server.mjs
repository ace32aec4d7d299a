// npm oidc-provider as the OpenID Provider of these tests: its own development sign-in page (any login, any
// password), consent given by itself, everything in memory. A second port lets a test change its state.
//
//   node server.mjs FOLDER_WITH_NODE_MODULES [ISSUER [MORE]]
//
// ISSUER: its address where browsers and sites reach it by way of something else.
// MORE, as JSON: `clients` (by client_id, with all that is needed), `configuration` (of oidc-provider), `cors` (true:
// any page may ask for tokens), `framed` (true: cookies reach it in frames of other sites, also without https),
// `jwt` (of these client_ids the access tokens are JWTs, and not for UserInfo), `keep` (seconds for which an idle
// connection stays open, in place of Node's five).
//
// Version 9, or 6: the last one with front-channel logout and session management.
//
// Prints one JSON line when both ports listen, and ends when its standard input does, so that it cannot outlive
// the tests.
import * as http from 'node:http';
import { once } from 'node:events';
import { generateKeyPairSync } from 'node:crypto';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

URL.parse ??= (url, base) => { try { return new URL(url, base); } catch { return null; } }; // Node has it since 22.1

const require = createRequire(join(resolve(process.argv[2]), 'from-here.js'));
const { Provider, interactionPolicy } = await import(pathToFileURL(require.resolve('oidc-provider')).href);
const IS_6 = join(resolve(process.argv[2])).endsWith('oidc-provider-6.31.1');

const DAY = 86400; // seconds
const SECRET = 'a-secret-of-the-site-and-the-provider';
const RESPONSE_TYPES = ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'];
const MORE = JSON.parse(process.argv[4] ?? '{}');
const CLIENTS = {
  site: {},
  'site-basic': { token_endpoint_auth_method: 'client_secret_basic' },
  'site-offline': {}, // gets refresh tokens only with the scope offline_access, as oidc-provider has it by itself
  'site-es256': { id_token_signed_response_alg: 'ES256' },
  'site-ps256': { id_token_signed_response_alg: 'PS256' },
  'site-eddsa': { id_token_signed_response_alg: 'EdDSA' },
  'any-type': { // https, as the OP wants it of whoever gets tokens through the browser; nobody answers there
    grant_types: ['authorization_code', 'implicit', 'refresh_token'],
    post_logout_redirect_uris: [],
    redirect_uris: ['https://site.example/callback', 'https://site.example/another'],
    response_types: RESPONSE_TYPES,
  },
};

// ---- what the OP remembers ------------------------------------------------------------------------------------

const memory = new Map(); // "Session:abc" -> { model, id, payload, until }

function remembered(model, test = () => true) {
  const now = Date.now();
  return [...memory.values()].filter((row) => row.model === model && row.until > now && test(row.payload));
}

function revokeGrant(grantId) {
  for (const [key, row] of memory) if (row.payload.grantId === grantId) memory.delete(key);
}

class MemoryAdapter {
  constructor(model) { this.model = model; }

  async upsert(id, payload, seconds) {
    const until = seconds ? Date.now() + seconds * 1000 : Infinity;
    memory.set(`${this.model}:${id}`, { model: this.model, id, payload: structuredClone(payload), until });
  }

  async find(id) {
    const row = memory.get(`${this.model}:${id}`);
    return row && row.until > Date.now() ? row.payload : undefined;
  }

  async findByUid(uid) { return remembered(this.model, (payload) => payload.uid === uid)[0]?.payload; }

  async findByUserCode() { return undefined; }

  async consume(id) {
    const payload = await this.find(id);
    if (payload) payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) { memory.delete(`${this.model}:${id}`); }

  async revokeByGrantId(grantId) { revokeGrant(grantId); }
}

// ---- the OP itself --------------------------------------------------------------------------------------------

let generation = 0;
let keys = [];
function newKeys() {
  generation += 1;
  const jwk = (name, { privateKey }) => (
    { ...privateKey.export({ format: 'jwk' }), use: 'sig', kid: `${name}-${generation}` }
  );
  keys = [
    jwk('rsa', generateKeyPairSync('rsa', { modulusLength: 2048 })),
    jwk('ec', generateKeyPairSync('ec', { namedCurve: 'P-256' })),
    jwk('ed', generateKeyPairSync('ed25519')),
  ];
}

function findAccount(ctx, sub) {
  const name = sub[0].toUpperCase() + sub.slice(1);
  return {
    accountId: sub,
    claims: async () => ({
      sub, name, given_name: name, preferred_username: sub, email: `${sub}@example.org`, email_verified: true,
    }),
  };
}

async function consentByItself(ctx) {
  const { client, params, provider, session } = ctx.oidc;
  const known = session.grantIdFor(client.clientId);
  const grant = (known && await provider.Grant.find(known))
    || new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(params.scope || 'openid');
  await grant.save();
  return grant;
}

const sites = { redirect_uris: [], post_logout_redirect_uris: [] };
let logout = {}; // how the site wants to hear of one

function setLogout(at) {
  logout = IS_6
    ? { frontchannel_logout_uri: `${at}/frontchannel-logout/`, frontchannel_logout_session_required: true }
    : { backchannel_logout_uri: `${at}/backchannel-logout/`, backchannel_logout_session_required: true };
}

/** What version 6 calls otherwise, or has no more. */
function asIn6(configuration) {
  const { enabledJWA, fetch: _, loadExistingGrant, ...same } = configuration;
  const policy = interactionPolicy.base();
  const { checks } = policy.get('consent');
  checks.clear();
  checks.add(new interactionPolicy.Check('given_by_itself', '', (ctx) => {
    const { params, requestParamScopes, session } = ctx.oidc;
    session.promptedScopesFor(params.client_id, requestParamScopes);
    return false;
  }));
  const on = { enabled: true };
  return {
    ...same,
    conformIdTokenClaims: false,
    // By itself SameSite=None, with copies that its sign-out forgets where there is no https.
    cookies: { ...same.cookies, long: { httpOnly: true, maxAge: 14 * DAY * 1000, overwrite: true, sameSite: 'lax' } },
    features: {
      ...same.features,
      backchannelLogout: { ...on, ack: 'draft-06' },
      frontchannelLogout: { ...on, ack: 'draft-04' },
      issAuthResp: { ...on, ack: 'draft-00' },
      sessionManagement: { ...on, ack: 'draft-30' },
      webMessageResponseMode: { ...on, ack: 'individual-draft-00' },
    },
    interactions: { policy },
    whitelistedJWA: enabledJWA,
  };
}

/** oidc-provider makes JWTs of access tokens for a resource server only (RFC 8707). */
function jwtFor(clients) {
  return {
    enabled: true,
    defaultResource: (ctx, { clientId }) => (clients.includes(clientId) ? 'urn:example:api' : undefined),
    getResourceServerInfo: () => ({ scope: '', accessTokenFormat: 'jwt' }),
    useGrantedResource: () => true,
  };
}

let handle; // (request, response) => void of the Provider now in use

function build() {
  const configuration = {
    adapter: MemoryAdapter,
    claims: {
      openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'given_name', 'preferred_username'],
    },
    clients: sites.redirect_uris.length === 0 ? [] : Object.entries(CLIENTS).map(([client_id, extra]) => ({
      client_id,
      client_secret: SECRET,
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'client_secret_post',
      ...sites,
      ...(client_id === 'site' ? logout : {}),
      ...extra,
    })).concat(Object.entries(MORE.clients ?? {}).map(([client_id, client]) => ({ client_id, ...client }))),
    ...(MORE.cors ? { clientBasedCORS: () => true } : {}),
    cookies: { keys: ['a key for tests only'] },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: true }, revocation: { enabled: true }, rpInitiatedLogout: { enabled: true },
      webMessageResponseMode: { enabled: true, ack: 'individual-draft-01' },
    },
    // Without its guard against addresses such as this machine's own, where the site is.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    findAccount,
    issueRefreshToken: async (ctx, client, code) => client.grantTypeAllowed('refresh_token') && (
      client.clientId !== 'site-offline' || code.scopes.has('offline_access')
    ),
    jwks: { keys },
    loadExistingGrant: consentByItself,
    pkce: { required: () => false },
    responseTypes: RESPONSE_TYPES,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: 300, AuthorizationCode: 60, IdToken: 300, Interaction: 3600, // seconds
      Grant: DAY, RefreshToken: DAY, Session: DAY,
    },
    ...MORE.configuration,
  };
  if (MORE.jwt) configuration.features.resourceIndicators = jwtFor(MORE.jwt);
  const provider = new Provider(issuer, IS_6 ? asIn6(configuration) : configuration);
  provider.on('server_error', (ctx, error) => console.error('server_error', error));
  for (const outcome of ['success', 'error']) {
    provider.on(`backchannel.${outcome}`, (ctx, ...facts) => logouts.push({ outcome, error: String(facts[0]?.message ?? '') }));
  }
  handle = IS_6 ? provider.callback : provider.callback();
}

// ---- its front: request log, faults, down and up --------------------------------------------------------------

const log = [];
const logouts = []; // logout tokens sent, and what came of them
let faults = []; // { path, prompt?, times?, status? | error? | delay? | late? | close? | hang?, headers?, body? }
const seenSockets = new WeakSet();

/** The first fault that fits this request; one with `times` is used up. */
function faultFor(url) {
  const fault = faults.find((f) => url.pathname.startsWith(f.path)
    && (!f.prompt || url.searchParams.get('prompt') === f.prompt));
  if (fault?.times !== undefined) {
    fault.times -= 1;
    if (fault.times <= 0) faults = faults.filter((f) => f !== fault);
  }
  return fault;
}

/** What `framed` and `cors` say about an answer. */
function openUp(response) {
  const setHeader = response.setHeader.bind(response);
  response.setHeader = (name, value) => {
    if (MORE.framed && name.toLowerCase() === 'set-cookie') { // browsers take None only with Secure
      setHeader(name, [value].flat().map((line) => line.replace(/samesite=lax/i, 'samesite=none; secure')));
    } else {
      setHeader(name, value);
      // One library sends cookies along, though there are none for it.
      if (MORE.cors && name.toLowerCase() === 'access-control-allow-origin') setHeader('Access-Control-Allow-Credentials', 'true');
    }
    return response;
  };
}

/** An error response (Core 3.1.2.6) where the OP itself would not give one. */
function refuse(url, response, error) {
  const target = new URL(url.searchParams.get('redirect_uri'));
  for (const [name, value] of Object.entries({ error, iss: issuer, state: url.searchParams.get('state') })) {
    if (value) target.searchParams.set(name, value);
  }
  response.writeHead(303, { location: target.href }).end();
}

const op = http.createServer(async (request, response) => {
  const url = new URL(request.url, issuer);
  const entry = {
    method: request.method,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    status: null, // stays null if no answer was given
    browser: 'sec-fetch-mode' in request.headers, // else a site's server
    new_connection: !seenSockets.has(request.socket),
  };
  seenSockets.add(request.socket);
  log.push(entry);
  response.on('finish', () => { entry.status = response.statusCode; });
  openUp(response);
  const fault = faultFor(url);
  if (fault?.hang) return;
  if (fault?.close) { request.socket.destroy(); return; }
  if (fault?.delay) await new Promise((resume) => { setTimeout(resume, fault.delay); });
  if (fault?.error) { refuse(url, response, fault.error); return; }
  if (fault?.status) {
    response.writeHead(fault.status, fault.headers ?? {}).end(fault.body ?? 'made to fail');
    return;
  }
  if (fault?.late) { // done, but nobody hears of it yet
    const end = response.end;
    response.end = (...rest) => {
      entry.status = response.statusCode;
      setTimeout(() => end.apply(response, rest), fault.late);
      return response;
    };
  }
  handle(request, response);
});

if (MORE.keep) op.keepAliveTimeout = MORE.keep * 1000;

async function listen(server, port) {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

async function up() {
  if (!op.listening) await listen(op, opPort);
}

// ---- control --------------------------------------------------------------------------------------------------

const routes = {
  /** As after the start, for these redirect URIs. The keys stay: making them is slow. */
  'POST /reset': async ({ logout_at, ...body }) => {
    await up();
    memory.clear();
    log.length = 0;
    logouts.length = 0;
    faults = [];
    setLogout(logout_at);
    Object.assign(sites, body);
    build();
  },
  'POST /end-session': async () => {
    for (const row of remembered('Session')) {
      for (const { grantId } of Object.values(row.payload.authorizations ?? {})) revokeGrant(grantId);
      memory.delete(`Session:${row.id}`);
    }
  },
  /** The OP sessions of these browsers are another person's from now on. */
  'POST /switch-user': async ({ to }) => {
    for (const { payload } of remembered('Session')) {
      Object.assign(payload, { accountId: to, authorizations: {}, loginTs: Math.floor(Date.now() / 1000) });
    }
  },
  /** Without overlap: the old keys are gone at once. */
  'POST /rotate-keys': async () => { newKeys(); build(); },
  'POST /fault': async (fault) => { faults.push(fault); },
  'DELETE /fault': async () => { faults = []; },
  'GET /log': async () => log,
  'GET /logouts': async () => logouts,
  'DELETE /log': async () => { log.length = 0; },
  'POST /down': async () => {
    const closed = once(op, 'close');
    op.close();
    op.closeAllConnections();
    await closed;
  },
  'POST /up': up,
};

const control = http.createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const route = routes[`${request.method} ${request.url}`];
  let status = route ? 200 : 404;
  let answer = null;
  try {
    answer = await route?.(body ? JSON.parse(body) : {}) ?? null;
  } catch (error) {
    status = 500;
    answer = String(error.stack);
  }
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
});

let issuer = 'http://127.0.0.1';
const opPort = await listen(op, 0);
issuer = process.argv[3] ?? `http://127.0.0.1:${opPort}`;
newKeys();
build();
const controlPort = await listen(control, 0);
process.stdin.on('end', () => process.exit()).resume();
console.log(JSON.stringify({ issuer, control: `http://127.0.0.1:${controlPort}`, port: opPort }));
