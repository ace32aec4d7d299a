// @ts-check
/**
 * Fills in what only the browser knows: how long silent sign-in took and what the page's script met. It listens
 * to the events of django_silent_sso like any page may. Measurements are kept in this tab only, so that they
 * outlive the reload that shows the user.
 *
 * @typedef {{ name: string, how: string, took: string, events: { at: number, text: string }[] }} Memory
 * @typedef {{ reason?: string, transport?: string, duration?: number, user?: { name: string } | null }} Detail
 */

const KEPT = "demo-panel";
const EVENTS = ["before-sign-in", "signed-in", "sign-in-required", "signed-out", "subject-changed", "error"];
const OCCASIONS = {
  load: "while you were reading", return: "when you came back to this tab", call: "as the page asked",
  check_session: "as Demo ID said",
};

/**
 * @type {{ name: string, silently: boolean, visitors: string, renew_after: number,
 *   explanations: Record<string, string> }}
 */
const facts = JSON.parse(document.getElementById("demo-panel")?.textContent ?? "{}");
/** @type {Memory} */
const memory = { name: "", how: "", took: "", events: [], ...JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") };
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const verdict = /** @type {HTMLElement | null} */ (document.querySelector("[data-verdict]"));
// Reasons not to ask Demo ID at all: no time was spent on it.
const NOT_ASKED = ["backed_off", "signed_out_by_user", "subject_changed", "session_max", "exempt"];
let ticking = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
let occasion = ""; // of the question under way; "" if Demo ID is not being asked

/** @param {string} name */
const fact = (name) => document.querySelector(`[data-fact=${name}]`);

/** Writes a fact and shows its row. @param {string} name @param {string} text */
function show(name, text) {
  const element = fact(name);
  if (!element || !text) return;
  element.textContent = text;
  element.closest("dl > div")?.removeAttribute("hidden");
}

function keep() {
  sessionStorage.setItem(KEPT, JSON.stringify(memory));
}

function listEvents() {
  fact("events")?.replaceChildren(
    ...memory.events.map(({ at, text }) => {
      const item = document.createElement("li");
      const time = document.createElement("time");
      time.dateTime = new Date(at).toISOString();
      time.textContent = clock.format(at);
      item.append(time, text);
      return item;
    }),
  );
}

/** @param {(string | undefined | false)[]} words */
function note(...words) {
  memory.events = [{ at: Date.now(), text: words.filter(Boolean).join(" ") }, ...memory.events].slice(0, 8);
  keep();
  listEvents();
}

/** @param {string} name @param {Detail} detail */
function ask(name, { transport, reason }) {
  occasion = OCCASIONS[/** @type {keyof OCCASIONS} */ (reason)] ?? "";
  show("took", "Asking Demo ID …");
  note(name, transport === "top" ? "by a redirect" : "in a hidden frame");
}

/** @param {string} name @param {Detail} detail */
function learn(name, { transport, duration, reason = "", user }) {
  const took = occasion && transport === "frame" && !NOT_ASKED.includes(reason) && `${duration} ms`;
  const signedIn = name === "signed-in";
  if (took) {
    memory.took = signedIn ? took : `${took} to hear the answer`;
    memory.how = signedIn ? `Silently, by a hidden frame, ${occasion}` : "";
  } else if (signedIn) {
    memory.took = "No time: the site knew it already, from another tab";
    memory.how = "";
  } else {
    memory.took = memory.how = "";
  }
  occasion = "";
  memory.name = signedIn ? (user?.name ?? "") : "";
  show("took", memory.took || "Demo ID was not asked");
  show("reason", reason);
  show("explanation", facts.explanations[reason] ?? " ");
  note(name, user?.name, reason && `(${reason})`, took);
  // Usually the page is loaded again now. Where it is not, at least the verdict must not be out of date.
  if (signedIn && took) countDown(Date.now());
  if (signedIn) decide("in", `You are signed in as ${memory.name}`);
  if (name === "signed-out") {
    decide("out", "You have been signed out");
    clearTimeout(ticking);
    for (const stale of ["how", "due"]) fact(stale)?.closest("div")?.setAttribute("hidden", "");
  }
}

/** @param {string} state @param {string} text */
function decide(state, text) {
  if (!verdict || verdict.dataset.verdict === state) return;
  verdict.dataset.verdict = state;
  const line = Object.assign(document.createElement("span"), { textContent: `${text}. ` });
  line.append(Object.assign(document.createElement("a"), { href: location.href, textContent: "Load the page again" }));
  verdict.replaceChildren(line);
}

/** The hop to the OpenID Provider and back happened before this page began, in the same navigation. */
function measureRedirect() {
  const [navigation] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  // Browsers hide what happened at another origin; what they tell is when the last leg began. Without a redirect
  // that is at once.
  if (!navigation || navigation.type === "back_forward" || navigation.fetchStart < 20) return "";
  return `${Math.round(navigation.fetchStart)} ms`;
}

/** @param {number} [renewed] the renewal that has just happened, without a new page */
function countDown(renewed) {
  const due = /** @type {HTMLTimeElement | null} */ (fact("due"));
  if (!due) return;
  const moment = renewed ? renewed + 1000 * facts.renew_after : Date.parse(due.dateTime);
  due.textContent = clock.format(moment);
  clearTimeout(ticking);
  const tick = () => {
    const left = Math.round((moment - Date.now()) / 1000);
    show("countdown", left > 0 ? `, in ${left} s` : ": it is due, and happens when the next page is opened");
    if (left > 0) ticking = setTimeout(tick, 1000);
  };
  tick();
}

for (const name of EVENTS) {
  document.addEventListener(`silent-sso:${name}`, (event) => {
    const { detail } = /** @type {CustomEvent<Detail | null>} */ (event);
    (name === "before-sign-in" ? ask : learn)(name, detail ?? {});
  });
}
if (facts.name !== memory.name) {
  Object.assign(memory, { name: facts.name, how: "", took: "" });
  if (facts.silently && facts.visitors === "redirect") memory.took = measureRedirect();
  keep();
}
show("took", memory.took);
if (facts.silently) show("how", memory.how);
listEvents();
countDown();
