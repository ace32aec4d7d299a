// @ts-check
/**
 * The browser itself asks the OP who is there (FedCM, W3C Federated Credential Management), and shows a question of its
 * own where it must: no frame, no popup, no third-party cookie. The OP's answer is an ID Token for an attempt of ours,
 * whose nonce binds it. Loaded only where the site names the OP's FedCM configuration.
 *
 * @typedef {Record<string, any>} Answer
 * @typedef {(url: string, body?: BodyInit) => Promise<Answer>} Ask  a request to the site, that brings JSON
 */
const LONGEST = 60_000; // milliseconds that a person may take

/**
 * @param {{start_url: string, callback_url: string}} urls @param {Ask} ask
 * @param {"silent" | "optional"} mediation  "silent": nothing is shown, whatever comes of it
 * @returns {Promise<Answer | undefined>} what the site said to the token; undefined: the browser brought none
 */
export async function byBrowser(urls, ask, mediation) {
  if (!("IdentityCredential" in window)) return undefined;
  const { provider, attempt } = await ask(urls.start_url, new URLSearchParams({ transport: "fedcm", trigger: "call" }));
  if (!provider) return undefined;
  // The nonce has moved into `params`; browsers before that want it beside.
  const identity = { context: "signin", providers: [{ ...provider, params: { nonce: provider.nonce } }] };
  const options = /** @type {any} */ ({ identity, mediation, signal: AbortSignal.timeout(LONGEST) });
  const credential = /** @type {any} */ (await navigator.credentials.get(options).catch(() => null));
  if (typeof credential?.token !== "string") return undefined;
  return ask(urls.callback_url, new URLSearchParams({ state: attempt, id_token: credential.token }));
}
