"""UserInfo as a signed JWT (Core 5.3.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import claims as rules
from .errors import Reason, TokenError
from .signed_token import TokenHeader, read_header, verified_claims

__all__ = ["validate_userinfo"]


def validate_userinfo(
    token: str, *, keys: Callable[[TokenHeader], Any], issuer: str, client_id: str, algorithm: str
) -> dict[str, Any]:
    """The claims of a signed UserInfo answer.

    `iss` and `aud` must be there and right (Core 5.3.2 says SHOULD; a token that does not say whom it is for may be
    anybody's). Raises `TokenError`: the reason of a signed token, or `USERINFO_INVALID` for one that is another token.
    """
    header = read_header(token, algorithm=algorithm)
    claims = verified_claims(token, key=keys(header), algorithm=header.alg)
    rules.check_issuer(claims, issuer)
    rules.check_audience(claims, client_id)
    if "nonce" in claims or "events" in claims:
        raise TokenError(Reason.USERINFO_INVALID, "an ID Token or a logout token")
    return claims
