// @ts-check
/**
 * The browser doctor: tries every way of signing in in this browser, draws what came of it, and says what to change.
 * Nothing is signed in or out by it. All words stand in the page (`<template>`), where they can be translated.
 *
 * @typedef {import("./doctor-transports.js").Outcome} Outcome
 * @typedef {"works" | "fails" | "unknown" | "absent"} Mark
 * @typedef {{mark: Mark, word: string, advice: string, fact?: string}} Verdict  `word`, `advice`: names of texts; "" is none
 * @typedef {Awaited<ReturnType<typeof import("./doctor-transports.js").askSessionFrame>>} Session
 */
const STEPS = /** @type {const} */ (["start", "provider", "callback"]);
const NOBODY = ["login_required", "interaction_required"];
const ASKS = ["consent_required", "account_selection_required"];
const MEMORY = "silent-sso:doctor";

const byId = (/** @type {string} */ name) => /** @type {HTMLElement} */ (document.getElementById(`silent-sso-${name}`));
const config = JSON.parse(byId("doctor").textContent ?? "{}");
const ways = /** @type {typeof import("./doctor-transports.js")} */ (await import(config.transports));
const texts = /** @type {HTMLTemplateElement} */ (byId("texts")).content;
const button = (/** @type {string} */ name) => /** @type {HTMLButtonElement} */ (byId(name));

/** @type {Partial<Record<string, Outcome>>} */
let outcomes = {};
let session = /** @type {Session | undefined} */ (undefined);
let request = 0; // what one request to this site takes, in milliseconds
let able = /** @type {Record<string, boolean | null>} */ ({});

/** @param {string} word @param {Record<string, string | number>} [facts] */
function say(word, facts = {}) {
  const text = texts.querySelector(`[data-word="${word}"]`)?.textContent?.trim() ?? word;
  return text.replace(/%(\w+)%/g, (_, name) => String(facts[name] ?? ""));
}

/** @param {string} tag @param {string} [text] @param {string} [className] */
function make(tag, text = "", className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}

// -- what it means -------------------------------------------------------------------------------------------------

/** What a way that shows the OP its own cookies has told: is the person signed in there? */
function truth() {
  const told = [outcomes.popup, outcomes.top].find((outcome) => outcome?.answered);
  return told && (told.error === "" || ASKS.includes(told.error) ? "somebody" : NOBODY.includes(told.error) ? "nobody" : undefined);
}

const sameSite = () => /^same-/.test(outcomes.frame?.seen.site ?? "");

/** @param {Outcome} outcome @param {boolean} framed @returns {Verdict} */
function judge(outcome, framed) {
  const { answered, error, why } = outcome;
  if (!answered) {
    const known = ["page", "nothing", "blocked", "closed", "not_back"].includes(why);
    const refused = framed && why === "page" && able.own_page === false;
    const advice = refused ? "own_page_refused" : known ? `${framed ? "frame" : "top"}_${why}` : "start_refused";
    return { mark: why === "closed" ? "unknown" : "fails", word: known ? why : "not_begun", advice, fact: why };
  }
  if (error === "") return { mark: "works", word: "signed_in", advice: "" };
  if (ASKS.includes(error)) return { mark: "works", word: "asks", advice: "asks_", fact: error };
  if (!NOBODY.includes(error)) return { mark: "fails", word: "refused", advice: "refused_", fact: error };
  if (!framed || sameSite()) {
    const lost = framed && truth() === "somebody";
    return { mark: lost ? "fails" : "works", word: "nobody", advice: lost ? "lost" : "" };
  }
  if (truth() === "somebody") {
    return { mark: "fails", word: "held_back", advice: config.top_level_hop === "never" ? "held_back_never" : "held_back_", fact: error };
  }
  return { mark: "unknown", word: "doubtful", advice: truth() === "nobody" ? "sign_in_first" : "ask_openly", fact: error };
}

/** @returns {Record<string, Verdict | undefined>} */
function verdicts() {
  const { frame, web_message, popup, top } = outcomes;
  const message = web_message && judge(web_message, true);
  const wanted = config.response_mode === "web_message";
  if (message && web_message.by !== "message" && message.word !== "not_begun") {
    Object.assign(message, { mark: wanted ? "fails" : "absent", word: "no_message", advice: wanted ? "no_message_" : "" });
  } else if (message?.mark === "works" && !wanted) message.advice = "use_web_message";
  return {
    frame: frame && judge(frame, true), web_message: message, popup: popup && judge(popup, false),
    top: top && judge(top, false), check_session: session ? judgeSession(session) : noSession(),
  };
}

/** @returns {Verdict | undefined} */
function noSession() {
  if (config.check_session) return undefined;
  const wanted = config.monitor.includes("check_session");
  return { mark: wanted ? "fails" : "absent", word: "no_session_frame", advice: wanted ? "no_session_frame_" : "" };
}

/** @param {Session} found @returns {Verdict} */
function judgeSession({ loaded, right, wrong, speaks }) {
  if (speaks) return { mark: "works", word: "speaks", advice: "", fact: speaks };
  if (!loaded || !wrong) return { mark: "fails", word: "session_mute", advice: "session_mute_" };
  if (right === "unchanged" && wrong !== "unchanged") return { mark: "works", word: "session_true", advice: "" };
  if (right || wrong === "unchanged") return { mark: "fails", word: "session_false", advice: "session_false_", fact: right || wrong };
  return { mark: "unknown", word: "session_answers", advice: "session_answers_", fact: wrong };
}

/** One sentence about all of it. */
function conclusion() {
  const { frame, web_message, popup, top } = verdicts();
  if (frame?.mark === "works" || web_message?.mark === "works") return "all_frames";
  if (frame?.mark === "unknown") return "all_unknown";
  if (popup?.mark === "works" || top?.mark === "works") return "all_top";
  return frame ? "all_fails" : "";
}

// -- drawing -------------------------------------------------------------------------------------------------------

/** @param {Outcome} outcome */
const total = ({ steps }) => STEPS.reduce((sum, step) => sum + (steps[step] ?? 0), 0);
const round = (/** @type {number} */ ms) => Math.max(1, Math.round(ms));

/** @param {Outcome} outcome */
function inWords(outcome) {
  const parts = STEPS.filter((step) => outcome.steps[step] !== undefined)
    .map((step) => `${say(`step_${step}`)} ${round(outcome.steps[step] ?? 0)} ms`);
  return `${parts.join(" · ")} · ${say("step_all")} ${round(total(outcome))} ms`;
}

/** @param {Outcome} outcome @param {number} longest @param {boolean} finishes */
function timeline(outcome, longest, finishes) {
  const bar = make("div", "", "bar");
  bar.setAttribute("aria-hidden", "true");
  const lengths = [...STEPS.map((step) => /** @type {const} */ ([step, outcome.steps[step] ?? 0])), ["finish", finishes ? request : 0]];
  for (const [step, ms] of lengths) {
    if (!ms) continue;
    const part = make("span", "", `part ${step}`);
    part.style.width = `${(100 * Number(ms)) / longest}%`;
    bar.append(part);
  }
  return [bar, make("p", inWords(outcome), "steps")];
}

function draw() {
  const found = verdicts();
  const longest = Math.max(100, ...Object.values(outcomes).map((outcome) => (outcome ? total(outcome) + request : 0)));
  for (const [way, verdict] of Object.entries(found)) {
    if (!verdict) {
      const [result, ...others] = ["result", "time", "advice"].map((part) => byId(`${way}-${part}`));
      result.textContent = say("not_tried");
      for (const one of others) one.replaceChildren();
      continue;
    }
    const outcome = way === "check_session" ? undefined : outcomes[way];
    const mark = make("span", say(`mark_${verdict.mark}`), `mark ${verdict.mark}`);
    byId(`${way}-result`).replaceChildren(mark, make("p", say(verdict.word, { fact: verdict.fact ?? "" })));
    const time = outcome ? timeline(outcome, longest, outcome.answered) : session && way === "check_session" ? [make("p", `${round(session.ms)} ms`, "steps")] : [];
    byId(`${way}-time`).replaceChildren(...time);
    const again = way === "web_message" && verdict.advice === found.frame?.advice;
    const advice = verdict.advice && (again ? "as_above" : verdict.advice);
    byId(`${way}-advice`).textContent = say(advice || "nothing_to_do", { fact: verdict.fact ?? "", hop: config.top_level_hop });
  }
  const held = found.frame?.word === "held_back" ? "fails" : found.frame?.mark === "works" ? "works" : "unknown";
  const browser = { third_party: sameSite() ? "same_site" : `third_party_${held}`, ...able };
  for (const [name, there] of Object.entries(browser)) {
    const word = typeof there === "string" ? there : there === null ? "not_known" : there ? "yes" : "no";
    const own = texts.querySelector(`[data-word="${name}_${word}"]`) ? `${name}_${word}` : word; // with what to do
    byId(`has-${name}`).textContent = say(own, { op: new URL(config.op_url || location.origin).origin });
  }
  const { site, mode, dest } = outcomes.frame?.seen ?? {};
  byId("has-seen").textContent = site ? `${site} / ${mode} / ${dest}` : say("not_known");
  byId("scale").textContent = say("scale", { ms: round(longest) });
  const [status, said] = [byId("status"), conclusion() ? say(conclusion()) : ""];
  if (status.textContent !== said) status.textContent = said; // it is read aloud
  byId("report").textContent = report(found);
}

/** Plain text without anything secret, for a colleague. @param {ReturnType<typeof verdicts>} found */
function report(found) {
  const lines = [`${say("report")} ${location.origin}`, new Date().toISOString(), navigator.userAgent, ""];
  for (const row of document.querySelectorAll("[data-setting]")) lines.push(row.textContent?.replace(/\s+/g, " ").trim() ?? "");
  lines.push("");
  for (const [way, verdict] of Object.entries(found)) {
    if (!verdict) continue;
    const outcome = outcomes[way];
    lines.push(`${byId(`${way}-name`).textContent}: ${say(`mark_${verdict.mark}`)} - ${say(verdict.word, { fact: verdict.fact ?? "" })}`);
    if (outcome) lines.push(`  ${inWords(outcome)}`);
    if (verdict.advice) lines.push(`  -> ${byId(`${way}-advice`).textContent}`);
  }
  lines.push("");
  for (const row of document.querySelectorAll("[data-ability]")) lines.push(row.textContent?.replace(/\s+/g, " ").trim() ?? "");
  return lines.join("\n");
}

// -- trying --------------------------------------------------------------------------------------------------------

/** @param {string} transport @returns {Promise<{begun?: import("./doctor-transports.js").Begun, start: number, reason: string}>} */
async function begin(transport) {
  const began = performance.now();
  const answer = await fetch(config.doctor_url, { method: "POST", body: new URLSearchParams({ transport }), cache: "no-store" })
    .then((response) => response.json()).then(Object, Object);
  const start = performance.now() - began;
  return answer.authorization_url ? { begun: answer, start, reason: "" } : { start, reason: String(answer.reason ?? "no_answer") };
}

const keep = (/** @type {object} */ more = {}) => {
  try { sessionStorage.setItem(MEMORY, JSON.stringify({ outcomes, session, request, ...more })); } catch { /* then it is forgotten */ }
};

async function run() {
  const buttons = ["run", "popup", "top"].map(button);
  for (const one of buttons) one.disabled = true;
  able = { ...ways.capabilities(), ...await ways.ownHeaders(config.callback_url, config.op_url) };
  const began = performance.now();
  await fetch(config.session_url, { cache: "no-store" }).then((response) => response.text()).catch(() => "");
  request = performance.now() - began;
  for (const way of ["frame", "web_message"]) {
    byId("progress").textContent = say(`trying_${way}`);
    const { begun, start, reason } = await begin(way);
    outcomes[way] = begun ? await ways.throughFrame(begun, config.frame_timeout, start) : ways.unanswered(reason, { start });
    draw();
  }
  await watch();
  keep();
  for (const one of buttons) one.disabled = false;
  byId("progress").textContent = say("done");
}

async function watch() {
  if (config.check_session) {
    byId("progress").textContent = say("trying_check_session");
    const state = [outcomes.popup, outcomes.frame, outcomes.web_message].find((outcome) => outcome?.session_state);
    session = await ways.askSessionFrame(config.check_session, config.client_id, state?.session_state);
  }
  draw();
}

async function tryPopup() {
  const popup = ways.openPopup();
  byId("progress").textContent = say("trying_popup");
  const { begun, start, reason } = popup ? await begin("popup") : { begun: undefined, start: 0, reason: "blocked" };
  outcomes.popup = popup && begun ? await ways.throughPopup(popup, begun, config.frame_timeout, start) : ways.unanswered(reason, { start });
  if (!begun) popup?.close();
  draw();
  if (!session?.right) await watch();
  keep();
  byId("progress").textContent = say("done");
}

async function tryTop() {
  const { begun, start, reason } = await begin("top");
  if (!begun) {
    byId("progress").textContent = say("not_begun", { fact: reason });
    return;
  }
  keep({ left: { attempt: begun.attempt, at: Date.now(), start } });
  location.assign(begun.authorization_url);
}

/** What a trip of the whole page came back with, or that it did not. @param {any} left @param {URLSearchParams} came @returns {Outcome} */
function comeBack({ attempt, at, start }, came) {
  const back = came.get("attempt") === attempt;
  const provider = Math.max(0, Date.now() - at);
  const seen = Object.fromEntries(["site", "mode", "dest"].map((name) => [name, came.get(name) ?? ""]));
  const facts = { answered: back, error: back ? came.get("error") ?? "" : "", why: back ? "" : "not_back", seen: back ? seen : {} };
  return { ...facts, by: back ? "page" : "", steps: { start, ...(back ? { provider } : {}) } };
}

async function open() {
  let kept = Object({});
  try { kept = Object(JSON.parse(sessionStorage.getItem(MEMORY) ?? "{}")); } catch { /* nothing was kept */ }
  const came = new URLSearchParams(location.hash.slice(1));
  if (location.hash) history.replaceState(null, "", location.pathname);
  button("run").addEventListener("click", () => { outcomes = {}; session = undefined; run(); });
  button("popup").addEventListener("click", tryPopup);
  button("top").addEventListener("click", tryTop);
  button("copy").addEventListener("click", async () => {
    const copied = await navigator.clipboard?.writeText(byId("report").textContent ?? "").then(() => true, () => false);
    byId("progress").textContent = say(copied ? "copied" : "copy_by_hand");
  });
  if (!kept.left) return run();
  ({ outcomes = {}, session, request = 0 } = kept);
  outcomes.top = comeBack(kept.left, came);
  able = { ...ways.capabilities(), ...await ways.ownHeaders(config.callback_url, config.op_url) };
  keep();
  draw();
  byId("progress").textContent = say("done");
}

addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); }); // left for the OP, and back by "back"
open();
export {};
