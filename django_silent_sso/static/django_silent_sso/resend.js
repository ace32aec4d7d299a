// @ts-check
/**
 * The page that keeps an overdue form: sign in silently, then send the form, once. What it keeps is sealed; nothing here
 * can read it. Whatever fails, the form stays on the page with a button.
 */
const PERSON = [ // what only the person can help with
  "login_required", "consent_required", "interaction_required", "account_selection_required", "inconclusive_frame",
  "session_max", "session_idle", "signed_out_by_user", "not_signed_in",
];
const PATIENCE = 20_000; // milliseconds until the person may press the button again
const element = (/** @type {string} */ name) => /** @type {any} */ (document.getElementById(`silent-sso-${name}`));
const { module, silently, any_sign_in, script } = JSON.parse(element("resend").textContent);
const [form, send, signIn, status] = ["form", "send", "sign-in", "status"].map(element);
const texts = element("texts").content;

let sent = false;
let waiting = false; // for a sign-in elsewhere; without it nothing is sent that nobody asked for
let asking = false;

/** @param {string} when */
function say(when) {
  status.replaceChildren(texts.querySelector(`[data-when=${when}]`).cloneNode(true));
}

/** @param {boolean} on */
function offer(on) {
  send.disabled = !on;
  signIn.hidden = !on;
}

function submit() {
  if (sent) return;
  sent = true;
  waiting = false;
  say("sending");
  offer(false);
  // "Back" then loads the page of this address; it would send what was sent first again, after a question.
  history.replaceState(null, "", location.href);
  form.submit();
  setTimeout(release, PATIENCE);
}

/** Stopped, or the way there is broken. The site takes a form only once, so that another try does no harm. */
function release() {
  sent = false;
  say("slow");
  offer(true);
}

/** Does the site know who is here by now? */
async function look() {
  if (!waiting || asking) return;
  asking = true;
  const answer = await fetch(script.session_url, { cache: "no-store", headers: { Accept: "application/json" } })
    .then((response) => response.json()).catch(Object);
  asking = false;
  if (waiting && answer.signed_in === true) submit();
}

async function sendSilently() {
  say("asking");
  offer(false);
  const result = await import(module).then(({ initialize, signInSilently }) => {
    initialize(script);
    return signInSilently();
  }).catch(() => ({ status: "failed" }));
  if (result.status === "signed_in") return submit();
  waiting = true;
  const other = result.error === "subject_changed" ? "another" : "failed";
  say(PERSON.includes(result.error) ? "sign_in" : other);
  offer(true);
}

form.addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault(); // the second click of a double one too
  submit();
});
signIn.addEventListener("click", (/** @type {Event} */ event) => {
  waiting = true;
  say("waiting");
  // Where no window may be opened, the link opens a tab.
  if (window.open(signIn.href, "silent-sso-sign-in", "popup,width=640,height=760")) event.preventDefault();
});
// The other window says so, directly or to all pages of this site. Where neither is heard, the person comes back; but
// the site cannot be asked whether one who was signed in all the time has done what a single page demands.
addEventListener("message", ({ origin }) => { if (origin === location.origin) look(); });
new BroadcastChannel(`silent-sso:${script.start_url}`).addEventListener("message", look);
if (any_sign_in) {
  addEventListener("focus", look);
  document.addEventListener("visibilitychange", look);
}
addEventListener("pageshow", ({ persisted }) => { if (persisted && sent) release(); });

signIn.textContent = signIn.dataset.label; // a window, not a tab
if (silently) sendSilently();
