// @ts-check
/**
 * What is left where a hidden frame cannot know, for the browser held back the OP's cookie: the browser asks by itself
 * (FedCM), or the whole page leaves for the OP and comes straight back (OpenID Connect Core 3.1.2.1, `prompt=none`).
 * Loaded only when a frame was in doubt.
 *
 * @typedef {Record<string, any>} Answer
 * @typedef {{read: () => Answer, write: (memo: object) => boolean}} Memory
 * @typedef {{
 *   config: Record<string, any>, look: () => {shown: {signed_in: boolean, user: object | null}}, memo: Memory, tab: Memory,
 *   ask: (url: string, body?: BodyInit) => Promise<Answer>, emit: (type: string, detail: object) => boolean,
 *   ahead: (time?: number) => boolean, part: (name: string) => Promise<any>,
 * }} Core  what silent-sso.js lends
 */
const MINUTE = 60_000; // milliseconds; the shortest time between two such trips
const SELDOM = 900_000; // and where a user is signed in
const SHORTLY = 30_000; // by then the page is back

/**
 * @param {string} trigger @param {Answer} answer @param {Core} core
 * @param {boolean} handy  nothing is lost if the page leaves now
 * @returns {Promise<Answer>} what the attempt ended with after all
 */
export async function otherwise(trigger, answer, core, handy) {
  const { config, memo, tab, ask, emit, ahead, part } = core;
  const { shown } = core.look();
  const past = memo.read();
  const always = config.top_level_hop === "always";
  const fields = { transport: "top", itp_support: always ? "1" : "" };
  if (trigger === "load" && ahead(past.left)) { // back from the trip: what the OP has said, the site knows
    memo.write({ ...past, left: 0 });
    const { error, retry_after = answer.retry_after } = await ask(config.start_url, new URLSearchParams(fields)).catch(Object);
    return { ...answer, error, retry_after };
  }
  // What only the person can do is not undone by a browser's silence.
  if (!shown.signed_in && ahead(past.until)) answer = { error: past.error, ...answer };
  const allowed = always || (answer.confirm && config.top_level_hop !== "never");
  const leave = allowed && trigger !== "call" && handy && !ahead(past.hop);
  if (config.fedcm) {
    const agreed = () => emit("before-sign-in", { reason: trigger, user: shown.user, transport: "fedcm" });
    const found = await part("fedcm").then(({ silently }) => silently(config, ask, leave, agreed)).catch(() => undefined);
    // After the seconds that a no takes the person has begun to read: this page does not leave any more.
    if (found) return found.status ? { transport: "fedcm", ...found } : answer;
  }
  if (!leave || !emit("before-sign-in", { reason: trigger, user: shown.user, transport: "top" })) return answer;
  const return_to = location.href.slice(location.origin.length);
  const begun = await ask(config.start_url, new URLSearchParams({ ...fields, return_to })).catch(Object);
  if (!begun.authorization_url) return answer;
  const { blind } = memo.read();
  const until = Date.now() + Math.max((answer.retry_after ?? 0) * 1000, MINUTE);
  const hop = Math.max(until, shown.signed_in ? Date.now() + SELDOM : 0);
  // Whoever is signed in when the page is back was so at the OP before: the frame was blind.
  memo.write({ until, hop, blind, left: Date.now() + SHORTLY });
  tab.write({ signed_in: shown.signed_in, scroll: { left: scrollX, top: scrollY, behavior: "instant" } });
  location.replace(begun.authorization_url);
  return new Promise((resolve) => setTimeout(resolve, MINUTE, answer)); // a page that is left has no more to say
}
