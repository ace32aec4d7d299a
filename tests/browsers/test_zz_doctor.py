from __future__ import annotations
import pytest, tempfile, time
from pathlib import Path
from tests.browsers.conftest import *
from tests.browsers.firefox import firefox
from tests.browsers.webkit import webkit
from functools import partial
KINDS={"firefox":partial(firefox,strict=False),"webkit":partial(webkit,prevention=True)}
@pytest.mark.parametrize("kind,same_site",[("firefox",False),("webkit",False),("webkit",True)])
def test_doc(kind, same_site, front, database, settings):
    with KINDS[kind](Launch(Path(tempfile.mkdtemp()), front.url, front.authority)) as browser:
        def configure(wanted):
            for n,v in wanted.items(): setattr(settings,n,v)
            settings.DEBUG=True
        with world(browser, front, configure, same_site=same_site) as w:
            w.sign_in_at_op()
            w.open("/oidc/doctor/")
            done="document.getElementById('silent-sso-progress')?.textContent.trim() === 'Done.'"
            browser.until(done)
            for way in ("popup","top"):
                try:
                    browser.run("void (document.getElementById('silent-sso-progress').textContent = '')")
                    browser.run(f"void document.getElementById('silent-sso-{way}').scrollIntoView({{block:'center'}})")
                    browser.click(f"#silent-sso-{way}"); browser.until(done)
                except AssertionError as e: print(way, str(e)[:300])
            print("=====",kind,same_site)
            print(browser.run("document.getElementById('silent-sso-report').textContent"))
            print(browser.run("document.getElementById('silent-sso-status').textContent"))
