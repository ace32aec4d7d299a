"""What django-oauth-toolkit lacks for single sign-out: telling the sites (OpenID Connect Back-Channel Logout 1.0).

Its sessions have no `sid`, so a logout token names the user alone, and the sites end all sessions of that user.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from secrets import token_urlsafe
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from jwcrypto import jwt
from oauth2_provider.models import get_application_model

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from oauth2_provider.models import AbstractApplication

logger = logging.getLogger("demo_op")

EVENT = "http://schemas.openid.net/event/backchannel-logout"
PATIENCE = 3  # seconds for a site; who signs out here waits for it


def tell_the_sites(user: User) -> None:
    """One logout token for each site. One that does not answer is told by nobody again: its session ends at its next
    renewal."""
    sites = {"news": settings.NEWS_URL, "shop": settings.SHOP_URL}
    for application in get_application_model().objects.filter(client_id__in=sites):
        url = f"{sites[application.client_id]}/oidc/backchannel-logout/"
        try:
            status = _post(url, logout_token(application, user))
        except (OSError, HTTPException) as error:
            logger.warning("%s was not told of the sign-out (%s)", application.name, type(error).__name__)
        else:
            logger.info("%s was told of the sign-out: HTTP %s", application.name, status)


def logout_token(application: AbstractApplication, user: User) -> str:
    """Back-Channel Logout 2.4, signed with the key of the ID Tokens."""
    key, now = application.jwk_key, int(time.time())
    token = jwt.JWT(
        header={"alg": "RS256", "typ": "logout+jwt", "kid": key.thumbprint()},
        claims={
            "iss": settings.OP_URL,
            "aud": application.client_id,
            "sub": str(user.pk),
            "iat": now,
            "exp": now + 120,
            "jti": token_urlsafe(16),
            "events": {EVENT: {}},
        },
    )
    token.make_signed_token(key)
    return str(token.serialize())


def _post(url: str, token: str) -> int:
    """Python need not know the names below .localhost, so the address is given."""
    parts = urlsplit(url)
    headers = {"Host": parts.netloc, "Content-Type": "application/x-www-form-urlencoded"}
    with closing(HTTPConnection("127.0.0.1", parts.port, timeout=PATIENCE)) as connection:
        connection.request("POST", parts.path, urlencode({"logout_token": token}), headers)
        return connection.getresponse().status
