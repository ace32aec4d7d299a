"""The OP, the sites and the browser of one run, and a visit in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import files
from tests.benchmarks.peers.network import Watched
from tests.benchmarks.peers.visitor import Visitor, visitor
from tests.benchmarks.sites import UPSTREAM
from tests.benchmarks.sites import site_settings as upstream_settings
from tests.concurrency.running_site import running_site, site_settings
from tests.concurrency.stores import settings_of
from tests.interop.oidc_provider.install import VERSION
from tests.interop.oidc_provider.process import running

OP = "id.corp.localhost"
HOMES = {"same": "app.corp.localhost", "other": "app.rp-site.localhost"}
"""The site's name: of the OP's site, and of another one."""
KINDS: Mapping[str, str] = {  # the page, and which of the sites serves it
    "floor": "message",
    "by-hand": "plain",
    "ours-ready": "message",
    "ours": "plain",
    "oidc-client-ts": "plain",
    "oidc-client-ts-told": "plain",
    "keycloak-js": "plain",
    "keycloak-js-told": "plain",
    "auth0-spa-js": "plain",
    "redirect": "upstream",
}
REQUEST = "django.template.context_processors.request"
TEMPLATES = {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}

Numbers = dict[str, float]
"""What one visit has shown: `time` and `known` in milliseconds; counts; sizes in bytes."""


@dataclass(frozen=True)
class Hop:
    """A request of anybody's; `sent` and `answered` in milliseconds since the navigation began."""

    path: str
    sent: float
    answered: float


@dataclass(frozen=True)
class Visit:
    numbers: Numbers
    hops: Sequence[Hop]


@dataclass(frozen=True)
class World:
    browser: Visitor
    sites: Mapping[str, Watched]
    to_op: Watched
    """the browser's way; the sites have `from_site`"""
    from_site: Watched
    folder: Path

    def set_distance(self, seconds: float) -> None:
        """Added to every round trip of anybody's."""
        for proxy in (*self.sites.values(), self.to_op, self.from_site):
            proxy.seconds = seconds

    def visit(self, kind: str, home: str, *, cold: bool) -> Visit:
        """By somebody whom the OP knows, and the site does not. Raises RuntimeError if that did not sign in."""
        site = self.sites[KINDS[kind]]
        origin = f"http://{HOMES[home]}:{site.port}"
        proxies = (site, self.to_op, self.from_site)
        seconds = site.seconds
        site.seconds = 0  # the way there is not measured
        self.browser.become_unknown(origin, cold=cold)
        site.seconds = seconds
        for proxy in proxies[:2]:  # the site's own connections are kept, as it serves others, too
            proxy.hang_up()
        for proxy in proxies:
            proxy.forget()
        found = self.browser.visit(f"{origin}/{kind}/")
        if found["outcome"] != "signed in":
            raise RuntimeError(f"{kind}: {found['outcome']}")
        start = found["began"] / 1000
        end = start + found["at"] / 1000
        at_site, at_op, by_site = ([one for one in proxy.requests if one.sent <= end] for proxy in proxies)
        received = [size for one in at_site + at_op for at, size in one.received if at <= end]
        numbers: Numbers = {
            "time": found["at"],
            "known": found["known"],
            "site": len(at_site),
            "op": len(at_op),
            "server": len(by_site),
            "bytes": sum(received),
            "script": sum(self._size(one.path) for one in at_site if one.path.endswith(".js")),
        }
        hops = [
            Hop(one.path.partition("?")[0], (one.sent - start) * 1000, (one.answered - start) * 1000)
            for one in sorted(at_site + at_op + by_site, key=lambda one: one.sent)
        ]
        return Visit(numbers, hops)

    def _size(self, path: str) -> int:
        return (self.folder / (path.removeprefix("/static/") + ".gz")).stat().st_size


@contextmanager
def world() -> Iterator[World]:
    """Everything started, somebody signed in at the OP."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="peers-")))
        files.make(folder)
        to_op, from_site = stack.enter_context(Watched()), stack.enter_context(Watched())
        sites = {name: stack.enter_context(Watched()) for name in sorted(set(KINDS.values()))}
        origins = [f"http://{home}:{site.port}" for home in HOMES.values() for site in sites.values()]
        issuer = f"http://{OP}:{to_op.port}/"  # one of the libraries insists on the slash
        provider = stack.enter_context(running(VERSION, issuer, more=_wishes(origins)))
        to_op.upstream = from_site.upstream = provider.port
        for name, site in sites.items():
            store = stack.enter_context(settings_of("sqlite"))
            settings = _settings(name, issuer, f"{from_site.origin}/", store, folder)
            started = stack.enter_context(running_site(settings))
            site.upstream = int(started.origin.rpartition(":")[2])
        provider.reset(*origins)
        browser = stack.enter_context(visitor())
        back = f"{origins[0]}/"
        challenge = f"code_challenge={'c' * 43}&code_challenge_method=S256"
        client = f"client_id=spa&redirect_uri={back}"
        browser.sign_in(f"{issuer}authorize?{client}&response_type=code&scope=openid&{challenge}", back)
        yield World(browser, sites, to_op, from_site, folder)


def _wishes(origins: Sequence[str]) -> dict[str, Any]:
    """Of the OP: a client without a secret, the addresses that one of the libraries knows no others of, and CORS."""
    pages = ["/", *(f"/static/{name}.html" for name in files.PAGES if name != "empty")]
    client = {
        "grant_types": ["authorization_code"],
        "redirect_uris": [origin + page for origin in origins for page in pages],
        "token_endpoint_auth_method": "none",
    }
    routes = {"authorization": "/authorize", "token": "/oauth/token"}
    return {
        "clients": {"spa": client, "keycloak-js": client},
        "jwt": ["keycloak-js"],  # which reads them
        "configuration": {"conformIdTokenClaims": False, "routes": routes},  # nobody needs UserInfo
        "cors": True,
        "framed": True,
        "keep": 75,  # as with nginx: a site that others visit, too, has a connection
    }


def _settings(name: str, issuer: str, to_op: str, store: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """As the README says; `to_op`: where the site's own requests go."""
    ours = name != "upstream"
    base = site_settings(issuer, store) if ours else upstream_settings(UPSTREAM, issuer, store)
    endpoints = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}authorize",
        "token_endpoint": f"{issuer}oauth/token",
        "userinfo_endpoint": f"{issuer}me",
        "jwks_uri": f"{issuer}jwks",
    }
    more = {
        "ROOT_URLCONF": "tests.benchmarks.peers.urls",
        "ALLOWED_HOSTS": [".localhost"],
        "STATIC_URL": "/static/",
        "LOGIN_URL": "oidc_authentication_init",
        "MIDDLEWARE": ["tests.benchmarks.peers.urls.static_files", *base["MIDDLEWARE"]],
        "TEMPLATES": [{**base.get("TEMPLATES", [TEMPLATES])[0], "OPTIONS": {"context_processors": [REQUEST]}}],
        "OIDC_OP_AUTHORIZATION_ENDPOINT": f"{issuer}authorize",
        "OIDC_OP_TOKEN_ENDPOINT": f"{to_op}oauth/token",
        "OIDC_OP_USER_ENDPOINT": f"{to_op}me",
        "OIDC_OP_JWKS_ENDPOINT": f"{to_op}jwks",
        "PEERS": {"issuer": issuer, "endpoints": endpoints, "keys": f"{to_op}jwks", "files": str(folder)},
        "workers": 1,
        "threads": 8,
    }
    if name == "message":
        more["SILENT_SSO_RESPONSE_MODE"] = "web_message"
    return {**base, **more}
