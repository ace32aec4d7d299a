from __future__ import annotations

import json
import time

import pytest

from tests.browsers.matrix import KINDS, Case, Table


def scen(world): ...


T = Table("FedCM", False, "never", (scen,), (scen,))
CASE = Case(KINDS[1], T, scen)

GET = """(async () => { const t = performance.now();
 try { const c = await navigator.credentials.get({ identity: { %s providers: [{ configURL: "%s", clientId: "site", nonce: "n", params: {nonce: "n"} }] }, mediation: "%s" });
  return ["ok", Math.round(performance.now()-t), c.isAutoSelected, c.token.length] } catch (e) { return ["no", Math.round(performance.now()-t), String(e)] } })()"""


@pytest.fixture
def fed(new_world, front, settings):
    w = new_world
    w.provider.fedcm = True
    settings.SILENT_SSO_FEDCM_CONFIG_URL = w.provider.url_of("fedcm_config")
    with front.serving(w.host.replace("app.shop", "corp"), w.provider.port):
        yield w


def start(w, name, mediation, extra=""):
    w.browser.run(
        f"void ({GET % (extra, w.provider.url_of('fedcm_config'), mediation)}).then((x) => (window.{name} = x))"
    )


def finish(w, name):
    t0 = time.time()
    while time.time() - t0 < 100:
        v = w.browser.run(f"window.{name}")
        if v:
            return v
        time.sleep(0.1)



def clickget(w, name, mediation, extra):
    b = w.browser
    b.run(f"""void (document.body.onclick = (e) => {{ e.preventDefault(); window.{name}_f = []; onblur = () => window.{name}_f.push('blur'); onfocus = () => window.{name}_f.push('focus'); ({GET % (extra, w.provider.url_of('fedcm_config'), mediation)}).then((x) => (window.{name} = [...x, navigator.userActivation.isActive, document.hasFocus(), window.{name}_f])) }})""")
    b.click("#here")

@pytest.mark.parametrize("case", [CASE], ids=str)
def test_exp(fed):
    w, b = fed, fed.browser
    out = []
    b.command("FedCm.enable", disableRejectionDelay=False)
    b.command("FedCm.resetCooldown")
    def calls():
        out.append([c.endpoint for c in w.provider.calls]); w.provider.forget_calls()
    w.open("/elsewhere/"); b.until("!!document.getElementById('elsewhere')")
    for mode in ("passive", "active"):
        e = f'mode: "{mode}",'
        clickget(w, "a", "optional", e)
        if mode == "active":
            time.sleep(3)
            out.append([(t["url"], t["type"]) for t in b.command("Target.getTargets")["targetInfos"]])
            for t in b.command("Target.getTargets")["targetInfos"]:
                if "fedcm/login" in t["url"]: b.command("Target.closeTarget", targetId=t["targetId"])
        out.append((mode, "nobody at op, status unknown", finish(w, "a"))); calls()
        b.run("void (window.a = 0)")
    w.sign_in_at_op()
    w.open("/elsewhere/"); b.until("!!document.getElementById('elsewhere')")
    for mode in ("passive", "active"):
        e = f'mode: "{mode}",'
        clickget(w, "a", "optional", e)
        d = b.event("FedCm.dialogShown"); out.append((d["dialogType"], d["title"]))
        b.command("FedCm.dismissDialog", dialogId=d["dialogId"])
        out.append((mode, "dismissed", finish(w, "a"))); calls()
        b.run("void (window.a = 0)")
    clickget(w, "a", "optional", e)
    d = b.event("FedCm.dialogShown"); out.append((d["dialogType"], d["title"]))
    b.command("FedCm.selectAccount", dialogId=d["dialogId"], accountIndex=0)
    out.append((mode, "selected", finish(w, "a"))); calls()
    b.run("void (window.a = 0)")
    clickget(w, "a", "optional", e)
    try:
        d = b.event("FedCm.dialogShown"); out.append((d["dialogType"], d["title"]))
        b.command("FedCm.selectAccount", dialogId=d["dialogId"], accountIndex=0)
    except Exception as x: out.append(str(x))
    out.append((mode, "again", finish(w, "a"))); calls()
    b.run("void (window.a = 0)")
    # sign out by front: Set-Login
    b.open(w.provider.url_of("end_session")); b.until("document.title == 'Signed out'")
    w.open("/elsewhere/"); b.until("!!document.getElementById('elsewhere')")
    for mode in ("passive", "active"):
        e = f'mode: "{mode}",'
        clickget(w, "a", "optional", e)
        if mode == "active":
            time.sleep(3)
            out.append([(t["url"], t["type"]) for t in b.command("Target.getTargets")["targetInfos"]])
            for t in b.command("Target.getTargets")["targetInfos"]:
                if "fedcm/login" in t["url"]: b.command("Target.closeTarget", targetId=t["targetId"])
        out.append((mode, "logged out", finish(w, "a"))); calls()
        b.run("void (window.a = 0)")
    print(json.dumps(out))
    assert 0
