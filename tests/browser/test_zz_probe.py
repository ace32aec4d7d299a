import pytest, json
from tests.browser import urls_kinds
from tests.browser.urls_kinds import notes
from tests.browser import npm
@pytest.fixture
def make_site(make_site, settings):
    settings.ROOT_URLCONF = "tests.browser.urls_kinds"
    settings.MIDDLEWARE = ["tests.browser.urls_kinds.note_answers", *settings.MIDDLEWARE]
    return make_site
def show(p):
    for n in notes.of(p):
        h={k:v for k,v in n.headers.items() if k.startswith(("sec-","hx-","turbo","x-","accept","upgrade","purpose","range")) and not k.startswith(("sec-ch","accept-e","accept-l"))}
        print(p, n.method, n.status, h, {k:v for k,v in n.answer.items() if k in("location","www-authenticate") or k.startswith("hx")})
FIRE = {
"fetch": "fetch(u).then(r=>r.status)",
"fetch-post": "fetch(u,{method:'POST',body:'x'}).then(r=>r.status)",
"head": "fetch(u,{method:'HEAD'}).then(r=>r.status)",
"options": "fetch(u,{method:'OPTIONS'}).then(r=>r.status)",
"xhr": "new Promise(d=>{const x=new XMLHttpRequest();x.open('GET',u);x.onloadend=()=>d(x.status);x.send()})",
"image": "new Promise(d=>{const i=new Image();i.onload=()=>d('load');i.onerror=()=>d('error');i.src=u})",
"iframe": "new Promise(d=>{const i=document.createElement('iframe');i.onload=()=>d(i.contentDocument.body.innerText);i.src=u;document.body.append(i)})",
"worker": "new Promise(d=>{const w=new Worker(u);w.onmessage=()=>d('message');w.onerror=()=>d('error')})",
"event-source": "new Promise(d=>{const w=new EventSource(u);w.onmessage=()=>{w.close();d('message')};w.onerror=()=>{d('error '+w.readyState);w.close()}})",
"websocket": "new Promise(d=>{const w=new WebSocket(u.replace('http','ws'));w.onopen=()=>d('open');w.onerror=()=>d('error')})",
"prefetch": "new Promise(d=>{const l=document.createElement('link');l.rel='prefetch';l.href=u;l.onload=()=>d('load');l.onerror=()=>d('error');document.head.append(l)})",
"beacon": "navigator.sendBeacon(u,'x')",
}
@pytest.mark.parametrize("state",["stale","overdue"])
def test_probe(site, state):
    site.sign_in("alice", "/plain/")
    getattr(site,"make_"+state)()
    notes.forget()
    for k,js in FIRE.items():
        print(k, site.tab.run("(u=>%s)(location.origin+'/answer/%s/')"%(js,k)))
        notes.first(f"/answer/{k}/"); show(f"/answer/{k}/")
    print(len(site.provider.calls_to("authorize")))
    site.tab.click("#download"); notes.first("/answer/download/"); show("/answer/download/")
    print(len(site.provider.calls_to("authorize")))
    for kind in ("prefetch","prerender"):
        site.tab.run("""{const s=document.createElement('script');s.type='speculationrules';s.textContent=JSON.stringify({%s:[{source:'list',urls:['/answer/spec-%s/'],eagerness:'immediate'}]});document.head.append(s)}"""%(kind,kind))
        notes.first(f"/answer/spec-{kind}/"); show(f"/answer/spec-{kind}/")
    site.tab.run("location.href='/answer/spec-prerender/'; void 0")
    site.tab.until("document.querySelector('#received')?.textContent==='spec-prerender'")
    print(site.tab.run("[performance.getEntriesByType('navigation')[0].activationStart, performance.getEntriesByType('navigation')[0].deliveryType]"))
    show(f"/answer/spec-prerender/")
