// @ts-check
/**
 * Watching the OP's session while a page is open (OpenID Connect Session Management 1.0), loaded only where the site
 * wants it. A hidden frame of the OP is asked every few seconds, by message and without the network; or it speaks by
 * itself, in another dialect: `{status: "logged_in" | "logged_out" | "unchanged"}`. Neither is believed: `ask` asks the
 * OP silently, and does all that follows from its answer. A frame that goes on saying what the OP then denies, or says
 * nothing, is left alone for a while in this browser.
 *
 * @typedef {{status: string, reason: string, error?: string}} Result
 * @typedef {{until?: number, pause?: number, doubts?: number, over?: boolean}} Memo  `until`: ms since the epoch
 * @typedef {{
 *   url: string, client_id: string, key: string,
 *   state: () => string | null | undefined, signedIn: () => boolean, user?: () => object | null, look?: () => Promise<any>,
 * }} Options  `state`: the newest session_state; `signedIn`: does the page show somebody?; `look`: ask the site who is
 *   signed in, and show it; `key`: names site and OP
 */
const INTERVAL = 5_000; // between two questions to the frame; milliseconds, like all these
const PATIENCE = 2; // questions, or intervals, without an answer
const PAUSE = 30_000; // after an answer of the OP that contradicts its frame; twice as long after each one more
const LONGEST_PAUSE = 900_000;
const CONTRADICTIONS = 2; // in a row: the frame is not worth asking
const HOUR = 3_600_000; // so long a frame is left alone that does not answer
const DAY = 86_400_000; // or that says what is not true
const STANDARD = ["changed", "unchanged", "error"];
const DIALECT = ["logged_in", "logged_out", "unchanged"];
/** Says nothing about the user, nor about the frame. */
const NO_ANSWER = /^(op_|server_error|temporarily_unavailable|attempt_under_way|backed_off|exempt|storage_)/;

/**
 * Watch as long as the page lives: in one visible tab of all that this browser has open, while it is online.
 *
 * @param {Options} options
 * @param {() => Promise<Result>} ask  never rejects
 */
export function watch(options, ask) {
  const { origin } = new URL(options.url); // as browsers write it: without a default port
  let end = /** @type {AbortController | undefined} */ (undefined); // of the run; the lock, the frame, all ends with it
  let memo = /** @type {Memo} */ ({});
  let [stored, asking] = [true, false]; // where nothing can be stored, `memo` lasts as long as the page

  /** Visitors' pages and users' pages do not wait for one another: they ask different things. */
  const place = () => `${options.key}:watch:${options.signedIn() ? "user" : "visitor"}`;
  /** @param {string} name @returns {Memo} */
  const recall = (name) => {
    try { memo = stored ? Object(JSON.parse(localStorage.getItem(name) ?? "{}")) : memo; } catch { /* or anything in it */ }
    return Math.abs(Date.now() - Number(memo.until)) <= DAY ? memo : {}; // else long ago, or the clock was changed
  };
  /** @param {string} name @param {Memo} next */
  const keep = (name, next) => {
    memo = next;
    try { localStorage.setItem(name, JSON.stringify(next)); } catch { stored = false; }
  };
  const resting = (/** @type {Memo} */ { until = 0 }) => until > Date.now();
  let doubts = recall(place()).doubts ?? 0; // of this tab, going on where the page before it was: the state is its own

  const stop = () => { end?.abort(); end = undefined; };

  function start() {
    // A visitor who wants no traces with others leaves none: the frame would tell the OP of the visit.
    if (end || document.hidden || !navigator.onLine || (Object(navigator).globalPrivacyControl && !options.signedIn())) return;
    const { signal } = (end = new AbortController());
    const name = place();
    const hold = () => new Promise((release) => {
      const found = recall(name);
      if (signal.aborted || (found.over && resting(found))) return release(undefined);
      signal.addEventListener("abort", release); // and the next tab's turn comes
      listen(name, signal);
    });
    if (navigator.locks) navigator.locks.request(name, { signal }, hold).catch(() => {}); // hidden before its turn came
    else hold(); // plain http: each tab that is seen asks for itself
  }

  /** @param {string} name @param {string} reason  "": nothing that should work does not @param {number} time */
  function giveUp(name, reason, time) {
    keep(name, { until: Date.now() + time, over: true });
    doubts = 0;
    stop();
    if (!reason) return;
    const detail = { error: reason, reason, transport: "check_session", duration: 0, user: options.user?.() ?? null };
    document.dispatchEvent(new CustomEvent("silent-sso:error", { bubbles: true, detail }));
  }

  /** The frame says that something is new. @param {string} name @param {boolean} somebody @param {string} said */
  async function confirm(name, somebody, said) {
    asking = true;
    const state = options.state();
    await options.look?.(); // another tab may know already
    const newer = said === "changed" && options.state() !== state; // it has not been asked about that one yet
    const { reason } = newer || options.signedIn() !== somebody ? { reason: "" } : await ask();
    asking = false;
    const confirmed = options.signedIn() !== somebody;
    doubts = confirmed ? 0 : newer || NO_ANSWER.test(reason) ? doubts : doubts + 1;
    if (confirmed) return keep(name, {});
    if (newer) return;
    if (doubts >= CONTRADICTIONS) return giveUp(name, somebody ? "inconclusive_frame" : "", DAY);
    const pause = Math.min(2 * (recall(name).pause ?? PAUSE / 2), LONGEST_PAUSE);
    keep(name, { doubts, pause, until: Date.now() + pause });
  }

  /** @param {string} name @param {AbortSignal} signal */
  function listen(name, signal) {
    const somebody = options.signedIn(); // does the page show anybody?
    const frame = document.createElement("iframe");
    let [loaded, unheard, speaks, word, focused] = [false, 0, false, "", document.activeElement];

    const act = () => {
      if (!word || asking || resting(recall(name))) return;
      const said = word;
      word = "";
      if (said === "error") return giveUp(name, "op_error", HOUR); // it cannot tell: that is no sign-out (3.1)
      if ((somebody ? ["changed", "logged_out"] : ["logged_in"]).includes(said)) return confirm(name, somebody, said);
      if (doubts) keep(name, { ...recall(name), doubts: (doubts = 0) });
    };
    const tick = () => {
      if (place() !== name) { stop(); return start(); }
      act();
      if (signal.aborted || asking || resting(recall(name)) || speaks) return;
      const state = somebody ? options.state() : null; // without one there is nothing to ask, only to listen to
      if (++unheard > PATIENCE) return giveUp(name, state ? "op_timeout" : "", somebody ? HOUR : DAY);
      if (loaded && state) frame.contentWindow?.postMessage(`${options.client_id} ${state}`, origin);
    };
    const giveFocusBack = () => { // the OP's page can take it, inert or not
      if (document.activeElement !== frame) return;
      frame.blur();
      if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
    };
    const timer = setInterval(tick, INTERVAL);
    signal.addEventListener("abort", () => { clearInterval(timer); giveFocusBack(); frame.remove(); });
    addEventListener("message", (message) => {
      if (message.origin !== origin || !message.source || message.source !== frame.contentWindow) return;
      const { status } = Object(message.data);
      if (!(status ? DIALECT : STANDARD).includes(status ?? message.data)) return;
      [word, unheard, speaks] = [status ?? message.data, 0, speaks || !!status];
      act();
    }, { signal });
    addEventListener("blur", () => setTimeout(giveFocusBack), { signal }); // in the event itself Chromium half ignores it
    document.addEventListener("focusin", () => { focused = document.activeElement; }, { signal });
    frame.addEventListener("load", () => { loaded = true; tick(); }, { signal }); // also of an error page
    frame.setAttribute("sandbox", "allow-scripts allow-same-origin"); // no way to the top window
    Object.assign(frame, { title: "Session", ariaHidden: "true", inert: true, tabIndex: -1, src: options.url });
    frame.style.cssText = "position:fixed;width:0;height:0;border:0;visibility:hidden"; // by script: any CSP allows it
    document.documentElement.append(frame);
  }

  const resume = () => (document.hidden ? stop() : start());
  document.addEventListener("visibilitychange", resume);
  addEventListener("offline", stop);
  for (const event of ["online", "pageshow"]) addEventListener(event, resume);
  addEventListener("pagehide", stop); // a lock or a busy frame would keep the page out of the back-forward cache
  start();
}
