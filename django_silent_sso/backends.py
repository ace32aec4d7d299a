"""`SilentSSOBackend`: mozilla-django-oidc's backend with its hooks kept and its gaps closed.

A site's own subclass works after changing its base class: `filter_users_by_claims`, `create_user`, `update_user`,
`verify_claims`, `get_username`, `get_userinfo`, `get_or_create_user`, `store_tokens` and `describe_user_by_claims` are
called as upstream calls them. Tokens are validated before any of them runs (`flows.sign_in`). Reports of a fault in
one of them show neither tokens nor claims (L03).
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import DatabaseError, IntegrityError, transaction
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from django_silent_sso.conf import conf
from django_silent_sso.op import provider
from django_silent_sso.protocol.errors import (
    ConfigurationError,
    OPUnavailable,
    Reason,
    TokenError,
    UserNotAdmitted,
)
from django_silent_sso.protocol.userinfo import validate_userinfo
from django_silent_sso.storage import identities
from django_silent_sso.upstream import (
    ACCESS_TOKEN_SESSION_KEY,
    ID_TOKEN_SESSION_KEY,
    OIDCAuthenticationBackend,
)

__all__ = ["SilentSSOBackend"]

logger = logging.getLogger("django_silent_sso.users")

# Claims a scope promises (Core 5.4); where they are all in the ID Token, UserInfo is not asked.
SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "email": ("email",),
    "profile": ("name", "preferred_username", "given_name", "nickname"),
    "phone": ("phone_number",),
    "address": ("address",),
}

PROFILE_NAMES: Mapping[str, str] = {"first_name": "given_name", "last_name": "family_name"}


class SilentSSOBackend(OIDCAuthenticationBackend):  # type: ignore[misc]  # it has no types
    """Users by (issuer, subject); linked to an existing account only as `SILENT_SSO_LINK_USERS_BY` says."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Upstream's own reads settings that discovery answers here.
        self.UserModel = get_user_model()
        self.OIDC_RP_CLIENT_ID = conf.client_id
        self.OIDC_RP_CLIENT_SECRET = conf.client_secret
        self.request: HttpRequest | None = None
        self.last_claims: dict[str, Any] = {}
        self._known: Any = None  # the primary key of the user whose subject it is already

    def authenticate(self, request: HttpRequest | None, **kwargs: Any) -> None:
        """Nothing: a user is signed in by an Authentication Response alone, which other backends never see (G04)."""

    async def aauthenticate(self, request: HttpRequest | None, **kwargs: Any) -> None:
        """Nothing either: the one inherited from `ModelBackend` would take a password."""

    # -- claims -------------------------------------------------------------------------------------------------------
    @sensitive_variables()
    def collect_claims(self, access_token: str, id_token: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The ID Token's claims, with UserInfo's where a requested scope's claims are missing.

        Raises `TokenError` (userinfo_subject). A UserInfo endpoint that fails or answers nonsense costs the missing
        claims, not the sign-in (C48), unless `verify_claims` then refuses. A site's own `get_userinfo` is always asked.
        """
        own_hook = type(self).get_userinfo is not SilentSSOBackend.get_userinfo
        if not access_token or not (own_hook or self.claims_missing(payload)):
            return dict(payload)
        try:
            found: object = self.get_userinfo(access_token, id_token, payload)
        except (OPUnavailable, ConfigurationError, TokenError) as error:
            if isinstance(error, TokenError) and error.reason is not Reason.USERINFO_INVALID:
                raise
            logger.warning("%s: going on with the ID Token's claims", error.reason)
            return dict(payload)
        if not isinstance(found, dict):
            return dict(payload)
        if own_hook:  # it has the last word on all but who it is
            return {**payload, **found, "iss": payload["iss"], "sub": payload["sub"]}
        # The ID Token is signed; UserInfo adds, it never replaces.
        return {**found, **payload}

    def claims_missing(self, claims: Mapping[str, Any]) -> bool:
        if conf.link_users_by == "verified_email" and "email" in claims and "email_verified" not in claims:
            return True  # an account may wait for this one word
        wanted = [SCOPE_CLAIMS[scope] for scope in conf.scope.split() if scope in SCOPE_CLAIMS]
        return any(not any(name in claims for name in names) for names in wanted)

    @sensitive_variables()
    def get_userinfo(self, access_token: str, id_token: str, payload: dict[str, Any]) -> dict[str, Any]:
        """UserInfo's claims (Core 5.3.2): an object whose `sub` is the ID Token's, else `TokenError`."""
        answer = provider.userinfo(access_token)
        signed = answer.content_type == "application/jwt"
        claims = self._signed_userinfo(answer.body) if signed else answer.json()
        if not isinstance(claims, dict):
            raise TokenError(Reason.USERINFO_INVALID, "UserInfo is not a JSON object")
        subject = claims.get("sub")
        if not isinstance(subject, str) or subject != payload.get("sub"):
            raise TokenError(Reason.USERINFO_SUBJECT, "UserInfo speaks of another subject")
        return claims

    def _signed_userinfo(self, body: bytes) -> dict[str, Any]:
        """UserInfo as a signed JWT (Core 5.3.2): by the OP's key, for us, not one of its other tokens."""
        return validate_userinfo(
            body.decode("ascii", "replace").strip(),
            keys=provider.signing_key,
            issuer=conf.issuer or "",
            client_id=conf.client_id or "",
            algorithm=conf.sign_algorithm,
        )

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        """Whether these claims admit a user. Tokens are validated already; a site may ask for more."""
        return isinstance(claims.get("sub"), str)

    def describe_user_by_claims(self, claims: dict[str, Any]) -> str:
        return "a subject at the OP"  # never an e-mail address in a log

    # -- users --------------------------------------------------------------------------------------------------------
    @sensitive_variables()
    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> AbstractBaseUser | None:
        """The user these claims stand for; None where a site's own hook gave none.

        Raises `UserNotAdmitted` (claims_refused, user_ambiguous, user_unknown, user_inactive).
        """
        claims = self.last_claims = self.collect_claims(access_token, id_token, payload)
        if not self.verify_claims(claims):
            raise UserNotAdmitted(Reason.CLAIMS_REFUSED)
        users = list(self.filter_users_by_claims(claims)[:2])
        if len(users) > 1:
            raise UserNotAdmitted(Reason.USER_AMBIGUOUS)
        if users:
            user = self.update_user(users[0], claims)
        elif conf.create_user:
            user = self._create_once(claims)
        else:
            raise UserNotAdmitted(Reason.USER_UNKNOWN)
        if user is None:
            return None
        if not self.user_can_authenticate(user):
            raise UserNotAdmitted(Reason.USER_INACTIVE)
        if user.pk != self._known:
            identities.link(claims["iss"], claims["sub"], user)
        return user

    def filter_users_by_claims(self, claims: dict[str, Any]) -> Any:
        """The user with this (issuer, subject); else those the setting allows to link: a list or a query set."""
        known = identities.find_user(claims["iss"], claims["sub"])
        self._known = None if known is None else known.pk
        if known is not None:
            return [known]
        if conf.link_users_by == "email":
            return super().filter_users_by_claims(claims)
        if conf.link_users_by == "verified_email" and claims.get("email_verified") is True:
            return self._users_by_verified_email(claims.get("email"), claims["iss"])
        return []

    def _users_by_verified_email(self, email: object, issuer: str) -> list[AbstractBaseUser]:
        """Exact but for the case of the domain: no folding of look-alikes (U04)."""
        field = self.UserModel.get_email_field_name()
        if not isinstance(email, str) or not _is_email(email) or field not in self._columns():
            return []
        normal = BaseUserManager.normalize_email(email)
        candidates = self.UserModel._default_manager.filter(**{f"{field}__iexact": normal})[:20]
        return [
            user
            for user in candidates
            if BaseUserManager.normalize_email(getattr(user, field)) == normal
            and not identities.is_linked(user, issuer)
        ]

    @sensitive_variables()
    def _create_once(self, claims: dict[str, Any]) -> AbstractBaseUser | None:
        """Create the user and write down whose subject it is, both or neither.

        Where another request has just done so, take that one (U17). Where the user name or another unique value is
        taken, the account is somebody else's: a claim is no key to it.
        """
        issuer, subject = claims["iss"], claims["sub"]
        try:
            with transaction.atomic():
                user = self.create_user(claims)
                if user is not None:
                    identities.record(issuer, subject, user)
                return user
        except IntegrityError:
            found = identities.find_user(issuer, subject)
            if found is None:
                raise UserNotAdmitted(Reason.USER_AMBIGUOUS, "the user name is taken") from None
            return found

    @sensitive_variables()
    def create_user(self, claims: dict[str, Any]) -> AbstractBaseUser | None:
        """A new account. A site's own may return None to refuse."""
        profile = self._profile(claims)
        email = profile.pop(self.UserModel.get_email_field_name(), "")
        user: AbstractBaseUser = self.UserModel._default_manager.create_user(
            self.get_username(claims), email=email, **profile
        )
        return user

    @sensitive_variables()
    def update_user(self, user: AbstractBaseUser, claims: dict[str, Any]) -> AbstractBaseUser | None:
        """Take over a changed name or e-mail address; a value the database refuses is left as it was."""
        changed = {
            name: value for name, value in self._profile(claims).items() if value and getattr(user, name) != value
        }
        if changed:
            before = {name: getattr(user, name) for name in changed}
            for name, value in changed.items():
                setattr(user, name, value)
            try:
                with transaction.atomic():
                    user.save(update_fields=list(changed))
            except DatabaseError:
                logger.warning("a user's changed claims could not be saved")
                for name, value in before.items():
                    setattr(user, name, value)
        return user

    def get_username(self, claims: dict[str, Any]) -> str:
        """From (issuer, subject), as an e-mail address can change hands; `OIDC_USERNAME_ALGO` is asked if set."""
        if conf.username_algorithm:
            name = super().get_username(claims)
            if not name:
                raise UserNotAdmitted(Reason.CLAIMS_REFUSED, "OIDC_USERNAME_ALGO gave no user name")
            return str(name)
        digest = hashlib.sha256(f"{claims['iss']}\n{claims['sub']}".encode()).digest()[:21]
        return base64.urlsafe_b64encode(digest).decode()

    def get_user(self, user_id: Any) -> AbstractBaseUser | None:
        """The user, while the account is active (U10: upstream forgets to ask)."""
        user: AbstractBaseUser | None = super().get_user(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None

    async def aget_user(self, user_id: Any) -> AbstractBaseUser | None:
        try:
            user: AbstractBaseUser = await self.UserModel._default_manager.aget(pk=user_id)
        except self.UserModel.DoesNotExist:
            return None
        return user if self.user_can_authenticate(user) else None

    def _profile(self, claims: Mapping[str, Any]) -> dict[str, str]:
        """Claims that have a column here: names trimmed to its length, an e-mail address whole or not at all.

        An address that the OP says is not verified is not taken over.
        """
        room = self._columns()
        names = {name: claims.get(claim) for name, claim in PROFILE_NAMES.items()}
        profile = {
            name: value[: room[name]]
            for name, value in names.items()
            if name in room and isinstance(value, str) and "\x00" not in value
        }
        email, field = claims.get("email"), self.UserModel.get_email_field_name()
        denied = claims.get("email_verified") in (False, "false")
        if isinstance(email, str) and _is_email(email) and len(email) <= room.get(field, 0) and not denied:
            profile[field] = email
        return profile

    def _columns(self) -> dict[str, int]:
        """The user table's columns and how many characters they take."""
        return {field.name: getattr(field, "max_length", None) or 254 for field in self.UserModel._meta.concrete_fields}

    # -- tokens -------------------------------------------------------------------------------------------------------
    def store_tokens(self, access_token: str, id_token: str) -> None:
        """Keep the tokens under upstream's names where its settings ask for it."""
        if self.request is None:
            return
        if conf.store_access_token:
            self.request.session[ACCESS_TOKEN_SESSION_KEY] = access_token
        if conf.store_id_token:
            self.request.session[ID_TOKEN_SESSION_KEY] = id_token


def _is_email(value: object) -> bool:
    if not isinstance(value, str) or len(value) > 254:
        return False
    try:
        validate_email(value)
    except ValidationError:
        return False
    return True
