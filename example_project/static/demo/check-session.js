// @ts-check
/** Says to the page around this frame who is signed in at Demo ID: at first, and whenever that changes. */
{
  const { cookie = "", sites = "" } = document.currentScript?.dataset ?? {};
  const look = () => document.cookie.split("; ").find((pair) => pair.startsWith(`${cookie}=`))?.split("=")[1] ?? "";
  let before = "?";
  const say = () => {
    const now = look();
    if (now === before) return;
    before = now;
    // Whose page it is, the frame is not told: the browser hands the word to this origin only, or to nobody.
    for (const site of sites.split(" ")) parent.postMessage({ status: now ? "logged_in" : "logged_out" }, site);
  };
  say();
  setInterval(say, 1000);
}
