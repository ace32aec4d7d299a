"""Puts the two accounts and the two sites into the new database."""

from __future__ import annotations

import os

from django.conf import settings
from django.contrib.auth.models import User
from oauth2_provider.models import get_application_model

ACCOUNTS = {"demo": ("Dana", "Demo"), "other": ("Olly", "Other")}


def seed() -> None:
    for username, (first_name, last_name) in ACCOUNTS.items():
        User.objects.create_user(
            username, f"{username}@demo.localhost", username, first_name=first_name, last_name=last_name
        )
    application = get_application_model()
    for client_id, name, url, secret in (
        ("news", "The Daily Loopback", settings.NEWS_URL, os.environ["DEMO_NEWS_SECRET"]),
        ("shop", "Teapot 418", settings.SHOP_URL, os.environ["DEMO_SHOP_SECRET"]),
    ):
        application.objects.create(
            client_id=client_id,
            name=name,
            client_secret=secret,
            # A long random secret needs no slow hash, and a slow one would be paid at every silent sign-in.
            hash_client_secret=False,
            client_type=application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=application.GRANT_AUTHORIZATION_CODE,
            algorithm=application.RS256_ALGORITHM,
            redirect_uris=f"{url}/oidc/callback/",
            post_logout_redirect_uris=f"{url}/",
            skip_authorization=True,
        )
