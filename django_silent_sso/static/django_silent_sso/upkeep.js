// @ts-check
/**
 * What a page does while it stays open and somebody is signed in: what takes long to type is renewed in time, htmx's
 * refused requests are mended, and, where the site wants it, the OP is watched. Loaded after the sign-in itself.
 *
 * @typedef {Record<string, any>} Answer
 * @typedef {{
 *   config: Record<string, any>, part: (name: string) => Promise<any>, run: (trigger: string) => Promise<Answer>,
 *   key: () => string, ahead: (time?: number) => boolean, memo: {read: () => Answer}, check: () => Promise<unknown>,
 *   show: () => boolean, SILENCED: string[], look: () => {known: Answer, shown: {signed_in: boolean, user: object | null}},
 * }} Core  what silent-sso.js lends
 */
const MINUTE = 60_000; // milliseconds, like all these: so long before its end a sign-in counts as old
const PAUSE = 15_000; // between two questions because of typing
const POLL = 900; // seconds, at least

/** @param {Core} core */
export function keepUp({ config, part, run, key, ahead, memo, check, show, look, SILENCED }) {
  let asked = -Infinity;
  document.addEventListener("input", () => {
    const { known } = look();
    const due = Math.max(known.fresh - MINUTE, asked + PAUSE);
    if (!known.signed_in || performance.now() <= due || ahead(memo.read().until)) return;
    asked = performance.now();
    run("input");
  }, { capture: true });
  /** htmx makes an event of our 401: sign in, and the next click works; but links load a page. @param {any} event */
  const mend = ({ target, detail }) => target.href || detail?.transport || run("call");
  document.addEventListener("silent-sso:sign-in-required", mend);
  if (config.monitor.includes("poll")) {
    setInterval(() => document.hidden || run("return"), Math.max(POLL, config.poll_seconds) * 1000);
  }
  const { check_session } = config;
  if (!check_session) return;
  const options = {
    ...check_session,
    key: key(),
    state: () => look().known.session_state ?? check_session.session_state,
    signedIn: () => look().shown.signed_in,
    user: () => look().shown.user,
    look: async () => (await check()) && show(), // another tab may know more, and then the OP is not asked
  };
  /** A visitor's page may have said that nothing is to be tried, and a sign-out is remembered. */
  const open = () => {
    const { until, reason } = memo.read();
    return look().shown.signed_in || (config.auto && config.visitors !== "off" && !(ahead(until) && SILENCED.includes(reason)));
  };
  const ask = async () => (open() ? run("check_session") : { status: "failed", reason: "exempt" });
  part("session-watch").then(({ watch }) => watch(options, ask));
}
