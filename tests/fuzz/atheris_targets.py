"""Coverage-guided fuzzing of what reads foreign input. Not part of the test suite; it needs `atheris`.

    python -m tests.fuzz.atheris_targets id_token -max_total_time=600

Any name of `TARGETS`; what follows goes to libFuzzer. An exception that is not one of ours stops it, with the input in
a file.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable

import atheris  # type: ignore[import-not-found]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

with atheris.instrument_imports(include=["django_silent_sso"]):
    import django

    django.setup()
    from django.test import RequestFactory

    from django_silent_sso.browser import safe_return_to
    from django_silent_sso.protocol.authentication_response import parse_authentication_response, read_parameters
    from django_silent_sso.protocol.errors import ConfigurationError, ResponseError, TokenError
    from django_silent_sso.protocol.id_token import Expected, TokenHeader, validate_id_token
    from django_silent_sso.protocol.keys import choose_key
    from django_silent_sso.protocol.provider_metadata import ProviderMetadata
    from django_silent_sso.storage.sealing import unseal

ISSUER = "https://id.example.org"
EXPECTED = Expected(issuer=ISSUER, client_id="site", algorithm="HS256", nonce="n")


def id_token(data: bytes) -> None:
    try:
        validate_id_token(data.decode("latin-1"), keys=lambda header: b"secret", expected=EXPECTED, now=1_800_000_000)
    except TokenError:
        return
    raise AssertionError("a token was believed")


def jwk_set(data: bytes) -> None:
    document = _json(data)
    if isinstance(document, dict):
        with contextlib.suppress(TokenError):
            choose_key(document, TokenHeader(alg="RS256", kid="k", typ=None))


def metadata(data: bytes) -> None:
    with contextlib.suppress(ConfigurationError):
        ProviderMetadata.from_document(_json(data), issuer=ISSUER)


def response(data: bytes) -> None:
    pairs = [tuple(line.partition("=")[::2]) for line in data.decode("latin-1").split("&")]
    try:
        parameters = read_parameters(pairs)
        parse_authentication_response(
            parameters, state="a state nobody guesses", issuer=ISSUER, iss_required=True, response_type="code"
        )
    except ResponseError:
        return
    raise AssertionError("a response was believed")


def next_value(data: bytes) -> None:
    from tests.fuzz.invariants import leads_to

    text = data.decode("utf-8", "ignore")
    found = safe_return_to(RequestFactory().get("/"), text, frozenset({"/oidc/callback/"}))
    if found is not None and leads_to(found) != "testserver":
        raise AssertionError(f"leads to {leads_to(found)}")


def sealed(data: bytes) -> None:
    if unseal(data.decode("latin-1"), "pending", 1_800_000_000, 600) is not None:
        raise AssertionError("opened")


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (id_token, jwk_set, metadata, response, next_value, sealed)
}


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


if __name__ == "__main__":
    chosen = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, chosen)
    atheris.Fuzz()
