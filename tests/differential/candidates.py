"""The packages that are compared: what each is called, how it is driven, and with which settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """`start`: where a sign-in begins, to be followed by the address to come back to. `by_form`: only by POST."""

    kind: str
    title: str
    packages: tuple[str, ...]
    settings: str
    """what was set beyond client id, secret and the OP's address, in words for the page"""
    start: str
    callback: str
    logout: str | None
    by_form: bool = False
    renews: bool = True
    discovers: bool = True


CANDIDATES = (
    Candidate(
        kind="django-silent-sso",
        title="django-silent-sso",
        packages=("django-silent-sso",),
        settings="as in the README; a stale session is renewed by redirect",
        start="/oidc/authenticate/?next=",
        callback="/oidc/callback/",
        logout="/oidc/logout/",
    ),
    Candidate(
        kind="mozilla-django-oidc",
        title="mozilla-django-oidc",
        packages=("mozilla-django-oidc",),
        settings='as in its documentation: `OIDC_RP_SIGN_ALGO = "RS256"`, the four endpoints, `SessionRefresh`',
        start="/oidc/authenticate/?next=",
        callback="/oidc/callback/",
        logout="/oidc/logout/",
        discovers=False,
    ),
    Candidate(
        kind="allauth",
        title="django-allauth",
        packages=("django-allauth",),
        settings="the `openid_connect` provider with `server_url`; everything else as it comes (no PKCE)",
        start="/accounts/oidc/op/login/?process=login&next=",
        callback="/accounts/oidc/op/login/callback/",
        logout="/accounts/logout/",
        by_form=True,
        renews=False,
    ),
    Candidate(
        kind="social-auth",
        title="social-auth-app-django",
        packages=("social-auth-app-django", "social-auth-core"),
        settings="the generic `oidc` backend, `SocialAuthExceptionMiddleware` and an error page; "
        "everything else as it comes (no PKCE)",
        start="/login/oidc/?next=",
        callback="/complete/oidc/",
        logout=None,
        by_form=True,
        renews=False,
    ),
)
