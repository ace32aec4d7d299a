// @ts-check
/** Sends what the OP put into the fragment to this very address, as a form: a fragment never reaches a server. */
const fragment = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, "", location.pathname); // no token stays in the address bar or the history
const form = /** @type {HTMLFormElement | null} */ (document.getElementById("silent-sso-fragment"));
if (form && fragment.has("state")) {
  for (const [name, value] of [...fragment, ["silent_sso_fragment", "1"]]) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  form.submit();
} else {
  document.getElementById("silent-sso-nothing")?.removeAttribute("hidden");
}
