// @ts-check
/**
 * The ways of signing in as the browser doctor tries them. Each ends with an outcome and never rejects: what was
 * answered, how long each step took, what our callback saw. Codes and tokens are dropped where they arrive.
 *
 * @typedef {{authorization_url: string, attempt: string}} Begun
 * @typedef {"start" | "provider" | "callback"} Step
 * @typedef {{
 *   answered: boolean, by: "page" | "message" | "", error: string, why: string, steps: Partial<Record<Step, number>>,
 *   seen: Record<string, string>, session_state?: string,
 * }} Outcome  `error`: "" is a sign-in; `why` there was no answer: "page", "nothing", "blocked", "closed", or a reason
 */
const MUTE = 1_000; // a frame that loaded so long ago and said nothing shows a page to its user; milliseconds
const ANSWER = 3_000; // for the session frame

/** @param {string} why @param {Partial<Record<Step, number>>} steps @returns {Outcome} */
export const unanswered = (why, steps) => ({ answered: false, by: "", error: "", why, steps, seen: {} });

/** @param {string} parameters @param {"page" | "message"} by @param {Partial<Record<Step, number>>} steps @returns {Outcome} */
function answer(parameters, by, steps) {
  const all = new URLSearchParams(parameters);
  const error = (all.get("error") ?? "").replace(/[^\w.-]/g, "").slice(0, 100);
  return { answered: true, by, error, why: "", steps, seen: {}, session_state: all.get("session_state") ?? undefined };
}

/** The parameters in the OP's own message: of the draft, or of the dialect without a state. @param {any} data @param {string} state */
function inMessage(data, state) {
  const { type, response, credential, error } = Object(data);
  if (type === "authorization_response") return `${new URLSearchParams(Object.entries(Object(response)))}`;
  return credential ? `state=${state}` : typeof error === "string" ? `${new URLSearchParams({ state, error })}` : "";
}

/** @param {Begun} begun @param {number} seconds @param {number} start what it took to begin @returns {Promise<Outcome>} */
export function throughFrame({ authorization_url, attempt }, seconds, start) {
  const frame = document.createElement("iframe");
  const end = new AbortController();
  const { signal } = end;
  const began = performance.now();
  let mute = 0;
  /** When the request for our own page left, if the browser tells: what is before it is the OP's. */
  const handedOver = () => {
    try {
      const { timeOrigin, getEntriesByType } = /** @type {Window} */ (frame.contentWindow).performance;
      const [entry] = getEntriesByType.call(frame.contentWindow?.performance, "navigation");
      const at = timeOrigin + /** @type {PerformanceNavigationTiming} */ (entry).requestStart - performance.timeOrigin;
      return at > began && at < performance.now() ? at : undefined;
    } catch { return undefined; }
  };
  const seen = () => {
    try {
      const text = frame.contentDocument?.getElementById("silent-sso-relay")?.textContent;
      return Object.fromEntries(Object.entries(JSON.parse(text ?? "{}")).map(([name, value]) => [name, String(value ?? "")]));
    } catch { return {}; }
  };
  return /** @type {Promise<Outcome>} */ (new Promise((resolve) => {
    /** @param {Outcome} outcome */
    const finish = (outcome) => { clearTimeout(mute); resolve(outcome); end.abort(); frame.remove(); };
    const giveUp = (/** @type {string} */ why) => finish(unanswered(why, { start, provider: performance.now() - began }));
    AbortSignal.timeout(seconds * 1000).addEventListener("abort", () => giveUp(mute ? "page" : "nothing"), { signal });
    addEventListener("message", ({ origin, source, data }) => {
      if (!source || source !== frame.contentWindow) return;
      const ours = origin === location.origin && Object(data).type === "silent-sso:response";
      if (!ours && origin !== new URL(authorization_url).origin) return;
      const parameters = ours ? String(data.parameters) : inMessage(data, attempt);
      if (new URLSearchParams(parameters).get("state") !== attempt) return;
      const [now, handed] = [performance.now(), ours ? handedOver() : undefined];
      const steps = handed ? { start, provider: handed - began, callback: now - handed } : { start, provider: now - began };
      finish({ ...answer(parameters, ours ? "page" : "message", steps), seen: ours ? seen() : {} });
    }, { signal });
    // Another load may follow: the OP's page can go on by script.
    frame.addEventListener("load", () => { clearTimeout(mute); mute = window.setTimeout(() => giveUp("page"), MUTE); }, { signal });
    // As the page's own script makes it.
    frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-forms allow-storage-access-by-user-activation");
    Object.assign(frame, { title: "Sign-in", ariaHidden: "true", inert: true, src: authorization_url });
    frame.style.cssText = "position:fixed;width:0;height:0;border:0;visibility:hidden";
    document.body.append(frame);
  }));
}

/** Only in a gesture of a person, and before anything is waited for. */
export const openPopup = () => window.open("about:blank", "", "popup,width=520,height=640");

/** @param {Window} popup @param {Begun} begun @param {number} seconds @param {number} start @returns {Promise<Outcome>} */
export function throughPopup(popup, { authorization_url, attempt }, seconds, start) {
  const end = new AbortController();
  const { signal } = end;
  const began = performance.now();
  const channel = new BroadcastChannel(`silent-sso:${attempt}`); // where the OP's pages cut the opener off
  return /** @type {Promise<Outcome>} */ (new Promise((resolve) => {
    /** @param {Outcome} outcome */
    const finish = (outcome) => { clearInterval(watch); channel.close(); end.abort(); popup.close(); resolve(outcome); };
    const giveUp = (/** @type {string} */ why) => finish(unanswered(why, { start, provider: performance.now() - began }));
    /** @param {any} data */
    const hear = (data) => {
      const parameters = Object(data).type === "silent-sso:response" ? String(data.parameters) : "";
      if (new URLSearchParams(parameters).get("state") !== attempt) return;
      const steps = { start, provider: performance.now() - began };
      finish({ ...answer(parameters, "page", steps), seen: data.site ? { site: String(data.site) } : {} });
    };
    AbortSignal.timeout(seconds * 1000).addEventListener("abort", () => giveUp("page"), { signal });
    addEventListener("message", ({ origin, source, data }) => {
      if (origin === location.origin && source === popup) hear(data);
    }, { signal });
    channel.addEventListener("message", ({ data }) => hear(data), { signal });
    // A window that is cut off looks closed: what it has to say comes by the channel, a moment later.
    let [closed, watch] = [0, 0];
    watch = window.setInterval(() => { if (popup.closed && ++closed > 8) giveUp("closed"); }, 250);
    popup.location.replace(authorization_url);
  }));
}

/**
 * The OP's session frame (Session Management 1.0), asked about the true state and about one that is made up.
 * @param {string} url @param {string} client_id @param {string} [session_state]
 * @returns {Promise<{loaded: boolean, right: string, wrong: string, speaks: string, ms: number}>} "": no answer
 */
export async function askSessionFrame(url, client_id, session_state) {
  const frame = document.createElement("iframe");
  const end = new AbortController();
  const { origin } = new URL(url);
  const began = performance.now();
  let [speaks, hear] = ["", (/** @type {string} */ _said) => {}];
  addEventListener("message", ({ origin: from, source, data }) => {
    if (from !== origin || !source || source !== frame.contentWindow) return;
    if (typeof data === "string") hear(data);
    else if (typeof Object(data).status === "string") speaks = data.status.replace(/[^\w-]/g, "").slice(0, 30);
  }, { signal: end.signal });
  /** @param {string} state @returns {Promise<string>} */
  const ask = (state) => new Promise((resolve) => {
    hear = (said) => { if (["changed", "unchanged", "error"].includes(said)) resolve(said); };
    setTimeout(resolve, ANSWER, "");
    frame.contentWindow?.postMessage(`${client_id} ${state}`, origin);
  });
  const loaded = await new Promise((resolve) => {
    frame.addEventListener("load", () => resolve(true));
    setTimeout(resolve, 2 * ANSWER, false);
    Object.assign(frame, { title: "Session", ariaHidden: "true", inert: true, src: url });
    frame.style.cssText = "position:fixed;width:0;height:0;border:0;visibility:hidden";
    document.body.append(frame);
  });
  const ms = performance.now() - began;
  const wrong = loaded ? await ask("0123456789abcdef.doctor") : "";
  const right = wrong && session_state ? await ask(session_state) : "";
  end.abort();
  frame.remove();
  return { loaded, right, wrong, speaks, ms };
}

/** @param {string | null} header @param {string[]} names @returns {string[][]} the sources of each policy that has one of them */
function directives(header, names) {
  return (header ?? "").split(",").flatMap((policy) => {
    const all = policy.split(";").map((part) => part.trim().toLowerCase().split(/\s+/));
    const found = names.map((name) => all.find(([first]) => first === name)).find(Boolean);
    return found ? [found.slice(1)] : [];
  });
}

/** @param {string} source @param {URL} url */
function lets(source, { protocol, origin, hostname, host }) {
  const name = source.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  return source === "*" || source === protocol || source === origin || name === host
    || (name.startsWith("*.") && hostname.endsWith(name.slice(1)));
}

/**
 * What the headers of this site's own answers do to a hidden frame, or null where they cannot be had.
 * @param {string} callback @param {string} op  the authorization endpoint
 * @returns {Promise<{own_page: boolean | null, policy: boolean | null}>}  may our page be framed here; may the OP's
 */
export async function ownHeaders(callback, op) {
  const get = (/** @type {string} */ url) => fetch(url, { cache: "no-store" }).then(({ headers }) => headers, () => null);
  // A popup's state gets our page for the end of a frame, whoever asks.
  const [ours, home] = await Promise.all([get(`${callback}?state=p.doctor`), get("/")]);
  const own = new URL(location.origin);
  const ancestors = directives(ours?.get("Content-Security-Policy") ?? null, ["frame-ancestors"]);
  const options = (ours?.get("X-Frame-Options") ?? "").toUpperCase().split(",").map((word) => word.trim());
  const framed = ancestors.length // it overrules X-Frame-Options
    ? ancestors.every((sources) => sources.includes("'self'") || sources.some((source) => lets(source, own)))
    : !options.includes("DENY");
  const frames = directives(home?.get("Content-Security-Policy") ?? null, ["frame-src", "child-src", "default-src"]);
  const allowed = frames.every((sources) => (sources.includes("'self'") || sources.some((source) => lets(source, own)))
    && (!op || sources.some((source) => lets(source, new URL(op)))));
  return { own_page: ours && framed, policy: home && allowed };
}

/** What this browser has: true, false, or null where it does not say. @returns {Record<string, boolean | null>} */
export function capabilities() {
  const works = (/** @type {() => unknown} */ test) => { try { return !!test(); } catch { return false; } };
  return {
    cookies: navigator.cookieEnabled,
    local_storage: works(() => { localStorage.setItem("silent-sso:doctor", "1"); localStorage.removeItem("silent-sso:doctor"); return true; }),
    broadcast_channel: "BroadcastChannel" in window,
    locks: "locks" in navigator,
    storage_access: "requestStorageAccess" in Document.prototype,
    fedcm: "IdentityCredential" in window,
    secure: window.isSecureContext,
    privacy: Object(navigator).globalPrivacyControl === true,
  };
}
