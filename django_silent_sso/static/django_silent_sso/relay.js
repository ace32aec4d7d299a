// @ts-check
/**
 * The page a hidden frame or popup ends on. It has no state and no cookie of its own can be counted on, so it only
 * hands the parameters of its address to the page of this very origin that asked, which knows what to do with them.
 */
{
  const text = document.getElementById("silent-sso-relay")?.textContent ?? "{}";
  const { site = null, parameters: posted } = JSON.parse(text);
  const { search, hash, pathname, origin } = location;
  // One of them: a query beside a fragment is the callback's own, or what an OP leaves behind ("#_=_").
  const parameters = posted ?? (new URLSearchParams(search).has("state") ? search : hash || search).slice(1);
  history.replaceState(null, "", pathname); // the code must not stay in the address (RFC 9700 4.2.4)

  const message = { type: "silent-sso:response", parameters, site };
  const asker = window.parent === window ? window.opener : window.parent;
  asker?.postMessage(message, origin);
  // An opener is cut off where the OP's pages are in a browsing context group of their own (COOP).
  const state = new URLSearchParams(parameters).get("state");
  if (state) new BroadcastChannel(`silent-sso:${state}`).postMessage(message);
  if (window.parent === window) window.close(); // a popup has done its work
}
