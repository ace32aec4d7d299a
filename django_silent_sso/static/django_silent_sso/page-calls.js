// @ts-check
/**
 * What a page's own code asks of silent-sso.js, which loads this module for the first such call.
 *
 * @typedef {{
 *   config: Record<string, any>, memo: {write: (memo: object) => boolean}, csrfToken: () => string,
 *   run: (trigger: string) => Promise<{status: string}>,
 * }} Core  what silent-sso.js lends
 */
const REMEMBERED = 900_000; // milliseconds in which nothing is tried after a sign-out; the site knows for longer

/**
 * `fetch`; if the site answers that the session ended: a silent sign-in, and once more.
 * @param {Core} core @param {RequestInfo | URL} input @param {RequestInit} [init]
 */
export async function fetchSignedIn({ config, run }, input, init) {
  const request = new Request(input, init);
  const [again, response] = [request.clone(), await fetch(request)]; // a body can be read only once
  const ended = /^SilentSSO(?!.*recent_sign_in)/.test(response.headers.get("WWW-Authenticate") ?? ""); // always a 401
  return ended && config.start_url && (await run("call")).status === "signed_in" ? fetch(again) : response;
}

/** Sign out here and at the OP: the page is left. @param {Core} core */
export function signOut({ config, memo, csrfToken }) {
  memo.write({ until: Date.now() + REMEMBERED, reason: "signed_out_by_user" });
  const form = Object.assign(document.createElement("form"), { method: "post", action: config.sign_out_url, hidden: true });
  form.append(Object.assign(document.createElement("input"), { name: "csrfmiddlewaretoken", value: csrfToken() }));
  document.body.appendChild(form).submit();
}
