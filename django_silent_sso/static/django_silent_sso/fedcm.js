// @ts-check
/**
 * The browser itself asks the OP who is there (FedCM, W3C Federated Credential Management), and shows a question of its
 * own where it must: no frame, no popup, no third-party cookie. The OP's answer is an ID Token for an attempt of ours,
 * whose nonce binds it. Loaded only where the site names the OP's FedCM configuration.
 *
 * @typedef {Record<string, any>} Answer
 * @typedef {(url: string, body?: BodyInit) => Promise<Answer>} Ask  a request to the site, that brings JSON
 * @typedef {{start_url: string, callback_url: string} & Record<string, any>} Urls
 */
const QUIET = 620_000; // milliseconds; for ten minutes browsers refuse to be silent once more
const PATIENCE = 8_000; // they take 3 seconds to say yes; to say no 1 to 5, and sometimes more
const LATE = ["state_expired", "state_unknown"]; // the person took longer than an attempt lives

/** @param {Urls} urls */
const key = ({ start_url }) => `silent-sso-fedcm:${start_url}`;
/** `used`: has this browser signed in here so? `until`: when it may be asked again. @param {Urls} urls */
function remembered(urls) {
  try { return Object(JSON.parse(localStorage.getItem(key(urls)) ?? "{}")); } catch { return {}; }
}
/** @param {Urls} urls @param {{used?: boolean, until?: number}} memo @returns {boolean} can it be? */
function remember(urls, memo) {
  try { localStorage.setItem(key(urls), JSON.stringify({ ...remembered(urls), ...memo })); return true; } catch { return false; }
}

/**
 * @param {Urls} urls @param {Ask} ask
 * @param {{mode?: "active"}} how  "active": after a click, by a dialog (unknown to older browsers; the other mode has no name in all)
 * @param {{mediation: string, signal?: AbortSignal}} options
 * @returns {Promise<Answer | undefined>} what the site said to the token; undefined: the browser brought none
 */
async function byBrowser(urls, ask, how, options) {
  if (!("IdentityCredential" in window)) return undefined;
  const { provider, attempt } = await ask(urls.start_url, new URLSearchParams({ transport: "fedcm", trigger: "call" }));
  if (!provider) return undefined;
  // The nonce has moved into `params`; browsers before that want it beside.
  const identity = { ...how, providers: [{ ...provider, params: { nonce: provider.nonce } }] };
  const wanted = /** @type {any} */ ({ ...options, identity });
  const credential = /** @type {any} */ (await navigator.credentials.get(wanted).catch(() => null));
  if (typeof credential?.token !== "string") return undefined;
  const answer = await ask(urls.callback_url, new URLSearchParams({ state: attempt, id_token: credential.token }));
  if (answer.status === "signed_in") remember(urls, { used: true });
  return answer;
}

/**
 * Nothing is asked of the person. `sure`: only where it has worked before, for a no takes seconds: no page shall learn
 * from the time that the OP was not even asked.
 * @param {Urls} urls @param {Ask} ask @param {boolean} sure @param {() => boolean} agreed  to be asked if it comes to it
 * @returns {Promise<Answer | undefined>} what the site said, if the browser brought anything; undefined: it was not tried
 */
export async function silently(urls, ask, sure, agreed) {
  const { used, until } = remembered(urls);
  const quiet = until > Date.now() && until <= Date.now() + QUIET; // farther ahead, the clock was changed
  if (!("IdentityCredential" in window) || quiet || (sure && !used) || !agreed()) return undefined;
  if (!remember(urls, { until: Date.now() + QUIET })) return undefined; // each page would wait for it
  const options = { mediation: "silent", signal: AbortSignal.timeout(PATIENCE) };
  return await byBrowser(urls, ask, {}, options).catch(Object) ?? {};
}

/**
 * To be called in a click. Whoever has used it before is asked nothing; where nobody is signed in at the OP, the browser
 * opens the OP's own page for it.
 * @param {Urls} urls @param {Ask} ask @param {"optional" | "required"} mediation  "required": let the person choose
 * @returns {Promise<Answer | undefined>} what the site said; undefined: the browser brought nothing
 */
export async function byClick(urls, ask, mediation) {
  const answer = await byBrowser(urls, ask, { mode: "active" }, { mediation });
  // No limit of ours closes the OP's page while a password is being typed. Now that all is said, once more is easy.
  return answer && LATE.includes(answer.reason) ? byBrowser(urls, ask, {}, { mediation: "silent" }) : answer;
}
