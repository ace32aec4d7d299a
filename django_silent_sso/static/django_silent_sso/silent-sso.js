// @ts-check
/**
 * Silent sign-in for the page this module is on: OpenID Connect Core 3.1.2.1, `prompt=none`, in a hidden frame.
 * `begin` says when to ask, `attempt` asks, `conclude` says what follows. The site alone knows who is signed in:
 * another tab's word only leads to asking it, and "unknown" is never "signed out".
 *
 * @typedef {{name: string} | null} User
 * @typedef {{credential?: string, user?: User, select_by?: string, error?: string, reason?: string}} News
 * @typedef {News & {status: string}} Result
 * @typedef {"before-sign-in" | "signed-in" | "sign-in-required" | "signed-out" | "subject-changed" | "error"} EventName
 * @typedef {Record<string, any>} Answer  JSON of the site's `silent/`, `callback/` and `session/`; times in seconds
 */
const config = /** @type {Record<string, any>} */ ({ // what `{% silent_sso %}` and `initialize()` did not say
  start_url: "", signed_in: false, user: null, visitors: "frame", monitor: ["visible"], poll_seconds: 900,
  frame_timeout: 8, top_level_hop: "known", auto: true, reload: true, attempt: {}, modules: {},
});
const RETURN_PAUSE = 15_000; // at most one question in this time when a tab comes back; milliseconds, like all these
const MUTE = 1_000; // a frame that loaded so long ago and said nothing shows a page to its user
const JUST_NOW = 5_000; // so long after loading or coming back the page may still leave for the OP
const MINUTE = 60_000; // back-off where no answer could name one
const SELDOM = 900_000; // how long a sign-out is remembered
const DAY = 86_400_000; // the most that is remembered
const REQUIRED = /_required$/; // login, consent, interaction, account_selection: the user has to do something
const BLIND = { reason: "inconclusive_frame", site: "cross-site", confirm: true };
const SILENCED = ["signed_out_by_user", "subject_changed", "session_max", "session_idle"]; // until the user signs in

let shown = { signed_in: false, user: /** @type {User} */ (null) }; // what this page was made for
let known = /** @type {Answer} */ ({}); // what the site said last; `fresh` until then
let since = 0, asked = -Infinity; // when the page was loaded or came back; when a return last led to a question
let touched = false; // the user has entered something
let before = Object({}); // what the page before this one in the tab has left
let [callback, news, flight] = /** @type {[((news: News) => void)?, News?, Promise<Result>?]} */ ([]);
let later = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
let [opened, channel] = /** @type {[Promise<void>?, BroadcastChannel?]} */ ([]);

const now = () => performance.now();
const key = () => `silent-sso:${config.start_url}`;
/** Is this stored time still to come? More than a day ahead, the clock was changed. @param {number} [time] */
const ahead = (time = 0) => time > Date.now() && time < Date.now() + DAY;
/** Conveniences from page to page; storage may be missing, refuse, or hold anything. @param {() => Storage} area */
const memory = (area) => ({
  read() { try { return Object(JSON.parse(area().getItem(key()) ?? "{}")); } catch { return {}; } },
  write(/** @type {object} */ memo) { try { area().setItem(key(), JSON.stringify(memo)); return true; } catch { return false; } },
});
const [browser, tab] = [memory(() => localStorage), memory(() => sessionStorage)];
/** @param {EventName} type @param {object} detail @returns {boolean} false: the page prevented it */
const emit = (type, detail) => document.dispatchEvent(
  new CustomEvent(`silent-sso:${type}`, { bubbles: true, cancelable: true, detail }));
/** An error in the callback is the page's, and reported as such. @param {News} what */
const tell = (what) => { news = what; queueMicrotask(() => callback?.(what)); };
/** @param {string} url @param {BodyInit} [body] @param {Record<string, string>} [headers] @returns {Promise<Answer>} */
const ask = (url, body, headers) => fetch(url, {
  method: body ? "POST" : "GET", body, headers: { Accept: "application/json", ...headers },
  cache: "no-store", redirect: "error", signal: AbortSignal.timeout(30_000),
}).then((response) => response.json()).then(Object, () => Promise.reject({ reason: "op_unreachable" }));

/** Nothing within a page depends on the browser's date. @param {Answer} answer */
const learn = ({ signed_in, status, expires_in = 0, ...more }) =>
  known = { ...more, signed_in: signed_in ?? status === "signed_in", fresh: now() + expires_in * 1000 };

/** What only some pages or browsers need is a module of its own. @param {string} name */
const part = (name) => import(config.modules[name] ?? new URL(`${name}.js`, import.meta.url).href);

/** Ask who is signed in, without the OP. Did the site say? */
const check = () => ask(config.session_url).then((answer) => typeof answer.signed_in === "boolean" && learn(answer), () => false);

/** Django's token is another one after a sign-in, and a form that was open before must still be accepted. */
function csrfToken() {
  const token = document.cookie.split("; ").find((pair) => pair.startsWith(`${config.csrf_cookie}=`))?.split("=")[1];
  for (const input of document.getElementsByName("csrfmiddlewaretoken")) if (token) input.setAttribute("value", token);
  return token ?? config.csrf_token;
}

/** Is there nothing on the page that a reload would lose? */
function quiet() {
  const { isContentEditable, tagName } = Object(document.activeElement);
  const fields = document.querySelectorAll("input, textarea, audio, video");
  return !touched && !isContentEditable && tagName !== "IFRAME" && [...fields].every((/** @type {any} */ field) => field.paused !== false
    && field.checked === field.defaultChecked && (!field.matches(":read-write") || field.value === field.defaultValue));
}

/** Is another user known than is shown? */
const swapped = () => shown.signed_in && (known.signed_in
  ? !!shown.user && !!known.user && shown.user.name !== known.user.name : known.reason === "subject_changed");

/** Show what is known: event, callback, other tabs, reload; without `facts` only news. @param {News} [facts] */
function show(facts, spread = true) {
  const { signed_in, user = null, select_by, credential } = known;
  const type = swapped() ? "subject-changed" : signed_in ? "signed-in" : "signed-out";
  const differs = swapped() || signed_in !== shown.signed_in;
  if (!facts && !differs) return false;
  const found = { reason: signed_in ? "signed_in" : "not_signed_in", transport: "session", duration: 0 };
  const { error = "login_required", reason } = /** @type {News} */ (facts ?? found);
  shown = { signed_in, user };
  csrfToken();
  stayOpen();
  if (differs && spread) channel?.postMessage(null);
  const wanted = emit(type, { ...found, ...facts, user, select_by }) && differs && config.reload && !callback;
  tell(signed_in ? { credential, user, select_by } : { credential: undefined, error, reason });
  // A page that does not show what the last reload was for came from a cache, and would reload for ever.
  const stuck = before.reloaded && (before.signed_in !== config.signed_in || before.name !== config.user?.name);
  const reload = wanted && quiet() && !(stuck && now() < RETURN_PAUSE);
  if (tab.write({ signed_in, name: user?.name, reloaded: reload }) && reload) location.reload(); // no mark, no reload
  return true;
}

/** The OP's own message in place of our result page. @param {any} data @param {string} state */
const fromMessage = ({ type, response, credential, error }, state) => new URLSearchParams(
  type === "authorization_response" ? Object.entries(Object(response)) // the other dialect: frame, origin and nonce bind it
    : credential ? { state, id_token: credential } : error ? { state, error } : "");

/** The OP's answer and the `Sec-Fetch-Site` our callback saw. @param {string} url @param {string} state */
function throughFrame(url, state) {
  const end = new AbortController(); // listeners, timers and the frame end with it, whatever happens
  const { signal } = end;
  const frame = document.createElement("iframe"); // a new one each time: a new address would be a step in the history
  const giveUp = () => end.abort({ reason: "op_timeout" });
  let mute = 0, focused = document.activeElement;
  const giveFocusBack = () => { // the OP's page can take it, inert or not
    if (document.activeElement !== frame) return;
    frame.blur();
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  };
  return /** @type {Promise<{parameters: string, site: string}>} */ (new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => { clearTimeout(mute); giveFocusBack(); frame.remove(); reject(signal.reason); });
    AbortSignal.timeout(config.frame_timeout * 1000).addEventListener("abort", giveUp, { signal });
    addEventListener("pagehide", () => end.abort({ reason: "exempt" }), { signal });
    addEventListener("blur", () => setTimeout(giveFocusBack), { signal }); // in the event itself Chromium half ignores it
    document.addEventListener("focusin", () => { focused = document.activeElement; }, { signal });
    addEventListener("message", ({ origin, source, data }) => {
      if (!source || source !== frame.contentWindow || !data) return;
      const ours = origin === location.origin && data.type === "silent-sso:response";
      if (!ours && origin !== new URL(url).origin) return;
      const parameters = ours ? String(data.parameters) : `${fromMessage(data, state)}`;
      if (new URLSearchParams(parameters).get("state") !== state) return;
      resolve({ parameters, site: ours ? `${data.site}` : BLIND.site });
      end.abort();
    }, { signal });
    // Another load may follow: the OP's page can go on by script.
    frame.addEventListener("load", () => { clearTimeout(mute); mute = window.setTimeout(giveUp, MUTE); }, { signal });
    Object.assign(frame, { // no way to the top window; but an OP may ask for its cookies, where the browser lets it
      sandbox: "allow-scripts allow-same-origin allow-forms allow-storage-access-by-user-activation",
      style: "position:fixed;width:0;height:0;border:0;visibility:hidden", // by script: any CSP allows it
      allow: "identity-credentials-get", ariaHidden: "true", inert: true, src: url,
    });
    (document.body ?? document.documentElement).append(frame);
  }));
}

/** One tab asks the OP at a time; whoever waits then asks the site, which knows by now. @param {string} trigger */
async function inTurn(trigger) {
  const { locks } = navigator; // not on plain http
  const mine = locks ? await locks.request(key(), { ifAvailable: true }, (lock) => lock && attempt(trigger)) : attempt(trigger);
  return mine ?? locks.request(key(), async () => {
    const answer = await ask(config.session_url).catch(Object);
    return answer.signed_in && !answer.stale ? { ...answer, status: "signed_in", reason: "signed_in" } : attempt(trigger);
  });
}

/** Begin and end by fetch: it carries all cookies in all browsers. @param {string} trigger @returns {Promise<Answer>} */
async function attempt(trigger) {
  if (trigger !== "call" && ahead(browser.read().blind)) return BLIND;
  const { attempt: ready } = config; // what a page that nobody else sees may bring along
  config.attempt = {};
  const begun = trigger === "load" && ready.authorization_url && now() < MINUTE ? ready
    : await ask(config.start_url, new URLSearchParams({ transport: "frame", trigger }));
  if (!begun.authorization_url) return { ...begun, refused: true };
  const { parameters, site } = await throughFrame(begun.authorization_url, begun.attempt);
  const error = new URLSearchParams(parameters).get("error") ?? "";
  // The site is not told of this no: it would end the session under a form, and the form's own page is to ask for more.
  const proven = site !== BLIND.site && REQUIRED.test(error);
  if (error && trigger === "input") return { reason: proven ? error : BLIND.reason, retry_after: MINUTE / 1000 };
  const headers = { "Content-Type": "application/x-www-form-urlencoded", "Silent-SSO-Site": site };
  return { site, ...await ask(config.callback_url, parameters, headers) };
}

/** What follows. @param {string} trigger @param {Answer} answer @param {number} start @returns {Promise<Result>} */
async function conclude(trigger, answer, start) {
  const doubtful = answer.site === BLIND.site && ["login_required", BLIND.reason].includes(answer.reason);
  if (answer.confirm || doubtful) {
    const handy = now() - since < JUST_NOW && window.top === window && quiet();
    answer = await part("without-frame").then(({ otherwise }) => otherwise(trigger, answer, core, handy)).catch(() => answer);
  }
  const { reason = "op_answer_invalid", refused, transport = "frame" } = answer;
  if (reason === "exempt") return { status: "failed", error: reason, reason }; // prevented, or the page is being left
  const facts = { reason, transport, duration: Math.round(now() - start) };
  if (answer.status === "signed_in") {
    learn(answer);
    if (config.credential_in_page) await check();
    browser.write({ hop: browser.read().hop });
    show(facts);
    return { status: "signed_in", reason, user: known.user, select_by: known.select_by };
  }
  if (answer.signed_in === false) learn(answer);
  const unasked = !shown.signed_in && (refused || reason === BLIND.reason);
  const error = answer.error ?? (unasked ? "login_required" : reason);
  const usual = SILENCED.includes(reason) ? SELDOM : reason === "op_timeout" ? MINUTE : 0;
  const wait = answer.retry_after === undefined ? usual : answer.retry_after * 1000;
  if (refused && trigger === "return" && answer.retry_after) later = setTimeout(() => document.hidden || comeBack(), wait);
  else if (wait) browser.write({ ...browser.read(), until: Date.now() + wait, reason, error });
  const ended = shown.signed_in && !known.signed_in, required = REQUIRED.test(error);
  if (ended) show({ ...facts, error });
  else if (required || !refused) emit(required ? "sign-in-required" : "error", { ...facts, error, user: shown.user });
  if (!ended && (required || !shown.signed_in)) tell({ credential: undefined, error, reason });
  return { status: "failed", error, reason };
}

/** Lent to the parts. */
const core = { config, memo: browser, tab, ask, emit, ahead, part, key, csrfToken, run, check, show, SILENCED, look: () => ({ known, shown }) };

/** One attempt at a time; whoever asks meanwhile shares it. @param {string} trigger @returns {Promise<Result>} */
function run(trigger) {
  const start = now();
  const wanted = !flight && emit("before-sign-in", { reason: trigger, user: shown.user, transport: "frame" });
  return flight ??= (wanted ? inTurn(trigger) : Promise.reject({ reason: "exempt" })).catch(({ reason }) => ({ reason }))
    .then((answer) => conclude(trigger, answer, start)).finally(() => { flight = undefined; });
}

/** The user is back at this page. @param {boolean} [restored] from the back-forward cache, as it was when left */
async function comeBack(restored = false) {
  const pause = asked + RETURN_PAUSE - now();
  const question = pause <= 0 && config.monitor.includes("visible");
  clearTimeout(later); // too soon is asked later; but two events in one moment are one return
  if (pause > 0 && pause < RETURN_PAUSE - 500) later = setTimeout(() => document.hidden || comeBack(), pause);
  if (question) asked = now();
  if (!(question || restored) || !(await check()) || ((known.signed_in || !question) && show()) || !question) return;
  const { until, reason } = browser.read();
  const open = config.auto && config.visitors !== "off" && !(ahead(until) && SILENCED.includes(reason));
  if (shown.signed_in || open) await run("return");
}

async function onLoad() {
  if (/** @type {any} */ (document).prerendering) return document.addEventListener("prerenderingchange", onLoad, { once: true });
  since = now();
  const { until, hop, left, blind, reason, error } = browser.read();
  if (before.scroll) scrollTo(before.scroll);
  if (shown.signed_in && config.expires_in !== 0) {
    // Whatever was refused before is history; and where the way round was one, a frame need not be tried for a day.
    browser.write({ hop: before.signed_in !== false && hop, blind: ahead(left) ? Date.now() + DAY : blind });
    if (callback && (await check()) && !show()) show({ reason: "fresh" });
  } else if (shown.signed_in || (config.auto && config.visitors === "frame")) {
    const waiting = { reason: SILENCED.includes(reason) ? reason : "backed_off", error, refused: true, retry_after: 0, confirm: ahead(left) };
    await (ahead(until) ? conclude("load", waiting, since) : run("load"));
  }
}

/** What is to be done while somebody is signed in, or is waited for. */
function stayOpen() {
  if (shown.signed_in || config.check_session || config.monitor.includes("poll")) opened ??= part("upkeep").then(({ keepUp }) => keepUp(core));
}

function begin() {
  shown = { signed_in: config.signed_in, user: config.user };
  known = { ...shown, fresh: now() + (config.expires_in ?? Infinity) * 1000 };
  before = tab.read();
  const onmessage = async () => (await check()) && show(undefined, false); // any message only says that there is news
  const open = () => { channel = Object.assign(new BroadcastChannel(key()), { onmessage }); };
  open();
  if (tab.write({ signed_in: shown.signed_in }) && before.signed_in === !shown.signed_in) channel?.postMessage(null);
  const back = (restored = false) => { since = now(); comeBack(restored); };
  document.addEventListener("input", () => { touched = true; }, { capture: true });
  document.addEventListener("visibilitychange", () => document.hidden || back());
  addEventListener("pagehide", () => channel?.close()); // open, it would keep the page out of the back-forward cache
  addEventListener("pageshow", ({ persisted }) => { if (persisted) { open(); back(true); } });
  stayOpen();
  // The page's own modules run before DOMContentLoaded: they can still say initialize({ auto_select: false }).
  if (/** @type {any} */ (performance.getEntriesByType("navigation")[0])?.domContentLoadedEventStart) queueMicrotask(onLoad);
  else document.addEventListener("DOMContentLoaded", onLoad, { once: true });
}

/**
 * Say what the page wants; `{% silent_sso %}` has done the rest. Without that tag the URLs are needed too: TypeError.
 * @param {Record<string, any> & {callback?: (news: News) => void, auto_select?: boolean, itp_support?: boolean}} [options]
 */
export function initialize(options = {}) {
  Object.assign(config, options);
  config.auto = options.auto_select ?? config.auto;
  if (options.itp_support) config.top_level_hop = "always";
  const complete = config.start_url && config.callback_url && config.session_url;
  if (!complete) throw new TypeError("initialize() needs URLs or {% silent_sso %}");
  callback = options.callback ?? callback;
  if (options.callback && news) tell(news);
  if (!channel) begin();
}

/** Ask the OP who is signed in there, unless there is a credential that lasts; never rejects. @returns {Promise<Result>} */
export async function signInSilently() {
  const { credential, user, select_by, fresh } = known;
  if (credential && now() < fresh - 30_000) return { status: "signed_in", reason: "fresh", user, select_by };
  return channel ? run("call") : { status: "failed", error: "not_configured", reason: "not_configured" };
}

/** `fetch`; if the site answers that the session ended: a silent sign-in, and once more. @type {typeof fetch} */
export const fetchSignedIn = async (...request) => (await part("page-calls")).fetchSignedIn(core, ...request);

/** Sign out here and at the OP: the page is left. */
export const signOut = async () => (await part("page-calls")).signOut(core);

const text = document.getElementById("silent-sso-config")?.textContent;
if (text) initialize(JSON.parse(text));
