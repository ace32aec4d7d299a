"""The programmable OpenID Provider."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from django_silent_sso.testing import authorization, endpoints, fedcm, pushed_requests, session_management
from django_silent_sso.testing.authorization import Interaction
from django_silent_sso.testing.calls import Call, CallLog
from django_silent_sso.testing.defects import Point, Situation
from django_silent_sso.testing.faults import Faults
from django_silent_sso.testing.keys import KeyRing, SigningKey
from django_silent_sso.testing.logouts import Logouts
from django_silent_sso.testing.messages import Pairs, Reply, Request
from django_silent_sso.testing.people import People
from django_silent_sso.testing.server import Server
from django_silent_sso.testing.visitor import Answer, Visitor


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path below the issuer, and what answers there. `for_browsers`: a person's browser goes there."""

    path: str
    work: Callable[[OpenIDProvider, Request], Reply]
    methods: tuple[str, ...] = ("GET", "POST")
    for_browsers: bool = False
    at_root: bool = False
    """not below the issuer's path"""


ENDPOINTS = {
    "discovery": Endpoint("/.well-known/openid-configuration", endpoints.discovery, ("GET",)),
    "jwks": Endpoint("/jwks", endpoints.jwks, ("GET",)),
    "authorize": Endpoint("/authorize", authorization.authorize, for_browsers=True),
    "resume": Endpoint("/authorize/resume", authorization.resume, ("GET",), for_browsers=True),
    "login": Endpoint("/login", authorization.login, ("POST",), for_browsers=True),
    "consent": Endpoint("/consent", authorization.consent, ("POST",), for_browsers=True),
    "pushed_request": Endpoint("/request", pushed_requests.push, ("POST",)),
    "token": Endpoint("/token", endpoints.token, ("POST",)),
    "userinfo": Endpoint("/userinfo", endpoints.userinfo),
    "revocation": Endpoint("/revoke", endpoints.revocation, ("POST",)),
    "end_session": Endpoint("/end-session", endpoints.end_session, for_browsers=True),
    "check_session": Endpoint("/check-session", session_management.check_session, for_browsers=True),
    "fedcm": Endpoint("/.well-known/web-identity", fedcm.well_known, ("GET",), for_browsers=True, at_root=True),
    "fedcm_config": Endpoint("/fedcm.json", fedcm.config, ("GET",), for_browsers=True),
    "fedcm_accounts": Endpoint("/fedcm/accounts", fedcm.accounts, ("GET",), for_browsers=True),
    "fedcm_client_metadata": Endpoint("/fedcm/client", fedcm.client_metadata, ("GET",), for_browsers=True),
    "fedcm_assertion": Endpoint("/fedcm/assertion", fedcm.assertion, ("POST",), for_browsers=True),
    "fedcm_login": Endpoint("/fedcm/login", fedcm.login, for_browsers=True),
}


class OpenIDProvider(People, Faults):
    """A real OpenID Provider on loopback, for tests.

        with OpenIDProvider() as provider:
            provider.sign_in("alice")
            answer = provider.answer(authorization_url)

    It answers as npm oidc-provider 9 does, the provider best known for keeping to the letter, until a test
    tells it otherwise. It listens on `host`:`port` (0: a free one). Its name for browsers is `public_host`,
    for example `id.corp.localhost`, which browsers resolve to loopback by themselves; the endpoints that
    servers call then stay on `host`, because Python does not. `issuer` overrules both, for a provider behind
    a proxy.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        issuer: str | None = None,
        public_host: str | None = None,
        client_id: str = "site",
        client_secret: str = "a-secret-of-the-site-and-the-provider",  # noqa: S107 (made up for tests)
        algorithm: str = "RS256",
    ) -> None:
        People.__init__(self)
        self.endpoints = dict(ENDPOINTS)
        Faults.__init__(self, self.endpoints)
        self.host = host
        self.public_host = public_host
        self.client_id = client_id
        self.client_secret = client_secret
        self.keys = KeyRing(algorithm, client_secret)
        self.logouts = Logouts(self)
        """how sites are told that a session has ended, and what they said"""
        self.on_sign_out.append(self.logouts.end)
        self.interactions: dict[str, Interaction] = {}
        self.pushed_requests: dict[str, pushed_requests.PushedRequest] = {}
        self.used_assertions: set[tuple[str, str]] = set()
        self.errors: list[Exception] = []
        """exceptions out of the provider itself or a test's own changes; leaving the `with` block raises the
        first"""

        self.framing: str | None = None
        """X-Frame-Options (and frame-ancestors) of its pages and redirects: "DENY", "SAMEORIGIN" or `None`"""
        self.pkce_required = False
        self.require_pushed_requests = False
        """take an Authentication Request only by reference, and say so in the metadata (RFC 9126 5)"""
        self.state_hash = False
        """`s_hash` in ID Tokens of the authorization endpoint, as FAPI 1.0 wants it"""
        self.always_auth_time = False
        """`auth_time` in every ID Token; otherwise only where `max_age` asked for it"""
        self.claims_in_id_token = False
        """the user's claims in every ID Token; otherwise in UserInfo only (Core 5.4)"""
        self.userinfo_signed = False
        self.refresh_tokens: Literal["always", "offline", "never"] = "offline"
        """"offline": only with the scope `offline_access`"""
        self.rotate_refresh_tokens = True
        self.confirm_sign_out = False
        """ask the person at `end_session`"""
        self.session_management = False
        """`session_state` and `check_session_iframe`"""
        self.check_session_frame: session_management.Frame = "standard"
        """what the OP iframe does: "standard"; "speaks": posts `{status: "logged_in"}` and the like by itself,
        "logged_in" and "logged_out": only this; "changed" and "error": answers only this; "mute": never answers;
        "rubbish": a lot of nonsense, then as it should"""
        self.credential_messages = False
        """`response_mode=web_message` posts `{credential: ID Token}` or `{error}` in place of the draft's message"""
        self.fedcm = False
        """browsers may ask by themselves: `url_of("fedcm_config")`"""
        self.code_seconds = 60
        self.access_token_seconds = 3600
        self.id_token_seconds = 3600

        self._port = port
        self._issuer = issuer
        self._server: Server | None = None
        self._log = CallLog()
        self.add_client(client_id, client_secret)

    # Up and down

    def start(self) -> Self:
        """Listen. After `stop()`, on the same port as before. `OSError`: the port is taken."""
        if self._server is None:
            self._server = Server(self.host, self._port, self._handle, self._log.record_connection)
            self._port = self._server.port
        return self

    def stop(self) -> None:
        """Close the port and all connections. What hangs is let go; sessions, tokens and keys are kept."""
        for switch in self.defects.on:
            if switch.defect.when_off is not None:
                switch.off()
        if self._server is not None:
            self._server.stop()
            self._server = None

    @property
    def running(self) -> bool:
        return self._server is not None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if kind is None and self.errors:
            raise self.errors[0]

    # Names

    @property
    def port(self) -> int:
        """Raises `RuntimeError` before the first start, when nobody knows it."""
        if not self._port:
            raise RuntimeError("the provider has no port yet: start() it first")
        return self._port

    @property
    def issuer(self) -> str:
        return self._issuer or f"http://{self.public_host or self.host}:{self.port}"

    def path_of(self, endpoint: str) -> str:
        """The path of an endpoint, with that of the issuer before it."""
        found = self.endpoints[endpoint]
        return found.path if found.at_root else urlsplit(self.issuer).path.rstrip("/") + found.path

    def url_of(self, endpoint: str) -> str:
        """The URL of an endpoint: on the public host for browsers, on the address it listens at for
        servers."""
        if self._issuer is None and not self.endpoints[endpoint].for_browsers:
            return f"http://{self.host}:{self.port}{self.path_of(endpoint)}"
        return self.issuer.rstrip("/") + self.endpoints[endpoint].path

    def settings(self) -> dict[str, Any]:
        """Django settings that make a site use this provider."""
        settings: dict[str, Any] = {
            "SILENT_SSO_ISSUER": self.issuer,
            "OIDC_RP_CLIENT_ID": self.client_id,
            "OIDC_RP_CLIENT_SECRET": self.client_secret,
        }
        if self.keys.algorithm != "RS256":
            settings["OIDC_RP_SIGN_ALGO"] = self.keys.algorithm
        return settings

    def endpoint_settings(self) -> dict[str, str]:
        """mozilla-django-oidc's settings for single endpoints; with them no discovery is made."""
        return {
            "OIDC_OP_AUTHORIZATION_ENDPOINT": self.url_of("authorize"),
            "OIDC_OP_TOKEN_ENDPOINT": self.url_of("token"),
            "OIDC_OP_USER_ENDPOINT": self.url_of("userinfo"),
            "OIDC_OP_JWKS_ENDPOINT": self.url_of("jwks"),
            "OIDC_OP_LOGOUT_ENDPOINT": self.url_of("end_session"),
            **({"OIDC_OP_CHECK_SESSION_ENDPOINT": self.url_of("check_session")} if self.session_management else {}),
        }

    @property
    def framing_headers(self) -> Pairs:
        if self.framing is None:
            return ()
        ancestors = "'none'" if self.framing.upper() == "DENY" else "'self'"
        policy = f"frame-ancestors {ancestors}"
        return (("X-Frame-Options", self.framing), ("Content-Security-Policy", policy))

    # What a test asks for

    def answer(self, url: str, *, sign_in_as: str | None = None, method: str = "GET", **form: str) -> Answer:
        """Go where the site sends a browser, and come back with what the provider answers. See
        `Visitor.answer`."""
        return self.visitor().answer(url, sign_in_as=sign_in_as, method=method, **form)

    def visitor(self) -> Visitor:
        """A browser with cookies of its own."""
        return Visitor(self.host, self.port, self.issuer)

    def rotate_keys(self, *, keep: bool = False) -> SigningKey:
        """Sign with a new key from now on. `keep`: go on publishing the old one too."""
        return self.keys.rotate(keep=keep)

    def logout_token(
        self,
        subject: str | None = None,
        *,
        sid: str | None = None,
        client_id: str | None = None,
        **claims: Any,
    ) -> str:
        """A logout token for the site's back-channel; `claims` are added or replace others."""
        client = client_id or self.client_id
        return self.logouts.token(client_id=client, subject=subject, sid=sid, claims=claims)

    # What was asked of the provider

    @property
    def calls(self) -> list[Call]:
        """Every request answered since the start, or since `forget_calls()`, in order."""
        return self._log.calls

    def calls_to(self, *endpoints: str) -> list[Call]:
        """Those to these endpoints."""
        return self._log.to(*(self._checked(name) for name in endpoints))

    @property
    def connections(self) -> int:
        """TCP connections accepted since the start or `forget_calls()`, those of `answer()` and browsers
        too."""
        return self._log.connections

    def connections_to(self, *endpoints: str) -> int:
        """TCP connections that carried at least one call to these endpoints."""
        return len({call.connection for call in self.calls_to(*endpoints)})

    def forget_calls(self) -> None:
        self._log.forget()

    # Serving

    def _handle(self, request: Request) -> Reply:
        name = next((n for n in self.endpoints if self.path_of(n) == request.path), "unknown")
        situation = Situation(provider=self, endpoint=name, request=request)
        try:
            instead: Reply | None = self.defects.first(Point.REQUEST, None, situation)
            reply = self._work(name, request) if instead is None else instead
            reply = self.defects.transform(Point.REPLY, reply, situation)
        except Exception as error:
            # A fault of ours, or of a test's own change: it must not pass for something the provider does.
            self.errors.append(error)
            reply = Reply(500, repr(error).encode())
        self._log.record(name, request, reply.status)
        return reply

    def _work(self, name: str, request: Request) -> Reply:
        endpoint = self.endpoints.get(name)
        if endpoint is None:
            return Reply(404)
        method = "GET" if request.method == "HEAD" else request.method
        if method not in endpoint.methods:
            return Reply(405, headers=(("Allow", ", ".join(endpoint.methods)),))
        return endpoint.work(self, request)
