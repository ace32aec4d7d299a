// @ts-check
/**
 * `{% silent_sso_prompt %}`: what only the person can do, offered in a corner of the page. It says nothing until silent
 * sign-in has found that interaction is needed, takes no focus, and comes back after "Not now" in ever longer waits.
 *
 * A region, not a dialog: a dialog takes the focus when it opens and keeps a person until it is answered (ARIA practices,
 * "Dialog"); this one came unasked and may be left alone. A landmark can be found, and a polite message says that it is
 * there.
 *
 * An element of its own, for it works wherever and whenever it comes into the page: parsed, or put there by Turbo or
 * htmx. What it knows outlives it, for this module runs only once.
 *
 * @typedef {{error?: string, reason?: string, user?: {name: string} | null}} News
 */
const TAG = "silent-sso-prompt";
const HOUR = 3_600_000; // milliseconds
const WAITS = [HOUR, 24 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR]; // after the first, second, ... "Not now"
const GLANCE = 700; // milliseconds; nobody reads a question and closes it in less
const PAUSE = 100; // milliseconds: a message that is there as soon as its place is may not be read out

let required = /** @type {News | undefined} */ (undefined); // why the person is needed
let knownAs = ""; // of the user whom this page knows; never stored
let waiting = false; // the window for the sign-in was opened
let touched = false; // something was entered into the page
let asking = false;
let again = false; // there was news while the site was being asked
let off = Object({}); // what is stored of "Not now", where there is no storage
let channel = /** @type {BroadcastChannel | undefined} */ (undefined);
let browserAsked = false; // itself (FedCM): another click leads to the window

/** @returns {Prompt | null} the first is the one: a page needs no second */
const current = () => document.querySelector(TAG);
/** Storage may be missing, refuse, or hold anything. @param {string} key */
function stored(key) {
  try { return Object(JSON.parse(localStorage.getItem(key) ?? "{}")); } catch { return {}; }
}
/**
 * Is this time still to come? Farther ahead than it can have been set, the clock was changed.
 * @param {number} time @param {number} most
 */
const ahead = (time, most) => time > Date.now() && time <= Date.now() + most;

class Prompt extends HTMLElement {
  from = /** @type {HTMLElement | null} */ (null); // where the focus was before it came here
  // As high as the bar is, the page is made longer.
  size = new ResizeObserver(([{ target }]) => {
    const height = Math.ceil(target.getBoundingClientRect().height);
    document.documentElement.style.setProperty("--silent-sso-prompt-height", `${height}px`);
  });

  constructor() {
    super();
    this.addEventListener("click", (event) => this.clicked(event));
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
      event.preventDefault();
      this.dismiss();
    });
    this.addEventListener("focusin", ({ relatedTarget }) => {
      if (relatedTarget instanceof HTMLElement && !this.contains(relatedTarget)) this.from = relatedTarget;
    });
  }

  connectedCallback() {
    // Where the parser makes it, what is in it follows.
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.begin(), { once: true });
    else this.begin();
  }

  begin() {
    if (!this.isConnected || !this.piece("card")) return;
    if ("fresh" in this.dataset) this.forget(); // signed in meanwhile, wherever that was
    // The event may have been there first: this is what the page's script remembers of it, for the same reason.
    const { until = 0, error, reason } = stored(`silent-sso:${this.dataset.startUrl}`);
    if (error && !required && !("fresh" in this.dataset) && ahead(until, 24 * HOUR)) required = { error, reason };
    if (this.dataset.needed) required ??= { error: this.dataset.needed };
    this.piece("card").hidden = this.hidden = true; // a copy that Turbo kept may be of an open one
    this.update();
  }

  /** @param {string} which */
  piece(which) {
    return /** @type {any} */ (this.querySelector(`[data-part=${which}]`));
  }

  /** A text of the template, with the name in its place. @param {string} part @param {string} kind @param {string} which */
  say(part, kind, which) {
    const text = this.piece("texts").content.querySelector(`[data-${kind}="${which}"]`)?.cloneNode(true);
    for (const place of text?.querySelectorAll("[data-fill=name]") ?? []) place.textContent = knownAs;
    this.piece(part).replaceChildren(...(text?.childNodes ?? []));
  }

  get key() {
    return `${TAG}:${this.dataset.startUrl}`;
  }

  get notNow() {
    const { count, until } = { ...off, ...stored(this.key) };
    return { count: Math.max(0, Math.trunc(count) || 0), until: Number(until) || 0 };
  }

  get wanted() {
    const { error = "", reason } = required ?? {};
    const { count, until } = this.notNow;
    // Who has just signed out need not be asked to sign in.
    return current() === this && (this.dataset.errors ?? "").split(" ").includes(error) && reason !== "signed_out_by_user"
      && !ahead(until, WAITS[Math.min(count, WAITS.length) - 1] ?? 0);
  }

  /** Show what is known. */
  update(inWindow = waiting) {
    if (!this.wanted) return this.close();
    const { error = "", user } = /** @type {News} */ (required);
    const special = error === "account_selection_required" || error === "login_required";
    this.say("title", "title", error === "login_required" ? error : user ? "user" : "visitor");
    this.say("text", "text", inWindow ? "waiting" : error);
    this.say("link", "link", error === "account_selection_required" ? error : knownAs && !special ? "name" : "service");
    if (this.open) return;
    const card = this.piece("card");
    this.hidden = card.hidden = false;
    this.from = null;
    // In the top layer nothing of the page can cut or cover it; but it shall not lie over a dialog or a film.
    if (card.showPopover && !document.querySelector(":modal")) card.showPopover();
    this.size.observe(card);
    listen(this);
    const words = ["title", "text"].map((part) => this.piece(part).textContent).join(". ");
    setTimeout(() => { if (this.open) this.piece("status").textContent = words; }, PAUSE);
  }

  get open() {
    return !this.hidden && !this.piece("card").hidden;
  }

  /** @param {() => void} [last] what to say at the end; without it nothing is left */
  close(last) {
    if (!this.open) return;
    const card = this.piece("card");
    const had = card.contains(document.activeElement);
    card.hidePopover?.();
    card.hidden = true;
    this.hidden = !last;
    this.piece("status").textContent = "";
    waiting = false;
    channel?.close();
    channel = undefined;
    this.size.disconnect();
    if (had && this.from?.isConnected) this.from.focus({ preventScroll: true });
    if (last) setTimeout(last, PAUSE);
  }

  dismiss() {
    const count = this.notNow.count + 1;
    off = { count, until: Date.now() + WAITS[Math.min(count, WAITS.length) - 1] };
    try { localStorage.setItem(this.key, JSON.stringify(off)); } catch { /* then for this page only */ }
    this.close();
  }

  forget() {
    required = undefined;
    off = {};
    try { localStorage.removeItem(this.key); } catch { /* there was nothing */ }
  }

  /** Somebody is signed in. */
  finish() {
    this.forget();
    this.close(() => this.say("status", "done", knownAs ? "name" : "nobody"));
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const target = /** @type {Element} */ (event.target);
    if (target.closest("[data-act=dismiss]")) return this.dismiss();
    const link = target.closest("[data-part=link]");
    if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented) return;
    const inWindow = this.dataset.windowUrl ?? "";
    // A window may be refused. Then the page is left for the sign-in, and comes back; or, where that would lose what was
    // entered, the link opens a tab.
    link.target = touched ? "_blank" : "";
    if (touched) link.href = inWindow;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a tab was asked for
    if (this.dataset.fedcmUrl && !browserAsked && "IdentityCredential" in window) {
      event.preventDefault();
      this.askBrowser(link);
    } else if (this.openWindow()) event.preventDefault();
  }

  openWindow() {
    if (!window.open(this.dataset.windowUrl, "silent-sso-sign-in", "popup,width=640,height=760")) return false;
    waiting = true;
    this.update();
    return true;
  }

  /** The browser's own question first, and the window only if it had none. @param {HTMLAnchorElement} link */
  async askBrowser(link) {
    browserAsked = true;
    const { fedcmUrl = "", startUrl, callbackUrl } = this.dataset;
    const urls = { start_url: startUrl, callback_url: callbackUrl };
    const mediation = required?.error === "account_selection_required" ? "required" : "optional";
    const end = new AbortController();
    // What the browser shows takes the focus, for a moment even where it then finds nothing to ask.
    let shownAt = Infinity;
    addEventListener("blur", () => { shownAt = Math.min(shownAt, performance.now()); }, { signal: end.signal });
    const answer = await import(fedcmUrl).then(({ byClick }) => byClick(urls, ask, mediation)).catch(() => undefined);
    end.abort();
    if (answer?.status === "signed_in") {
      knownAs = answer.user?.name ?? knownAs;
      channel?.postMessage(null); // for the page's script, and other tabs
      this.finish();
    } else if (this.open && performance.now() - shownAt < GLANCE) {
      // Whoever closed the browser's question wants no window in its place.
      if (!this.openWindow() && !touched) location.assign(link.href);
    }
  }
}

/** @param {string} url @param {BodyInit} body */
const ask = (url, body) => fetch(url, { method: "POST", body, headers: { Accept: "application/json" }, cache: "no-store" })
  .then((response) => response.json());

/**
 * Has the person signed in meanwhile? Nothing is read out of the window: under COOP a live one passes for closed.
 * @returns {Promise<void>}
 */
async function look() {
  const element = current();
  if (!element?.open || !(waiting || required?.user)) return;
  again = asking;
  if (asking) return;
  asking = true;
  const { sessionUrl = "" } = element.dataset;
  const answer = await fetch(sessionUrl, { cache: "no-store", headers: { Accept: "application/json" } })
    .then((response) => response.json()).catch(Object);
  asking = false;
  if (answer.signed_in === true && !answer.stale) {
    knownAs = answer.user?.name ?? knownAs;
    current()?.finish();
  } else if (again) await look();
}

/** The other window says so to all pages of this site; and to the page that opened it. @param {Prompt} element */
function listen(element) {
  channel ??= new BroadcastChannel(`silent-sso:${element.dataset.startUrl}`);
  channel.onmessage = look;
}

/** The person is back at this page, done or not: the window may be gone, or behind. */
function back() {
  if (!waiting) return;
  current()?.update(false);
  look();
}

if (!customElements.get(TAG)) {
  for (const type of ["sign-in-required", "signed-out"]) {
    document.addEventListener(`silent-sso:${type}`, (event) => {
      const news = /** @type {CustomEvent<News | null>} */ (event).detail;
      if (!news?.error) return; // htmx's own event: the answer of the OP follows
      required = news;
      knownAs = news.user?.name ?? knownAs;
      current()?.update();
    });
  }
  document.addEventListener("silent-sso:signed-in", (event) => {
    required = undefined; // also where the prompt is not in the page now
    knownAs = /** @type {CustomEvent<News>} */ (event).detail?.user?.name ?? "";
    current()?.finish();
  });
  document.addEventListener("silent-sso:subject-changed", () => {
    required = undefined;
    knownAs = "";
    current()?.update();
  });
  document.addEventListener("input", () => { touched = true; }, { capture: true });
  addEventListener("message", ({ origin, data }) => {
    const state = new URLSearchParams(String(data?.parameters ?? "")).get("state");
    if (origin === location.origin && state === current()?.dataset.startUrl) look();
  });
  addEventListener("focus", back);
  document.addEventListener("visibilitychange", () => document.hidden || back());
  // "Not now", said in another tab.
  addEventListener("storage", ({ key, newValue }) => { if (newValue && key === current()?.key) current()?.update(); });
  // An open channel would keep the page out of the back-forward cache.
  addEventListener("pagehide", () => { channel?.close(); channel = undefined; });
  addEventListener("pageshow", ({ persisted }) => {
    const element = current();
    if (!persisted || !element?.open) return;
    listen(element);
    look();
  });
  customElements.define(TAG, Prompt);
}
