"""The one HTTP client: pooled, https (or loopback) only, no redirect followed, one deadline for all, a size cap.

Nothing it raises or logs holds a body, a header value or a query: they may carry codes and tokens (D26).
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import TimeoutError as ReadTimeout

from django_silent_sso.conf import conf
from django_silent_sso.op import breaker
from django_silent_sso.op.deadline import Deadline, watch
from django_silent_sso.protocol.errors import ConfigurationError, OPUnavailable, Reason, SilentSSOError
from django_silent_sso.protocol.provider_metadata import endpoint_problem

__all__ = ["Answer", "fetch", "loopback"]

logger = logging.getLogger("django_silent_sso.op")

CONNECT_TIMEOUT: Final = 3.0  # seconds
MAX_BODY: Final = 512 * 1024  # bytes, also after decompression
USER_AGENT: Final = "django-silent-sso"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the headers that matter, and the body (masked in `repr`)."""

    status: int
    content_type: str
    cache_control: str
    retry_after: int | None
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """all of them; what `fetch()` gives takes their names in any case"""

    def __repr__(self) -> str:
        return f"Answer(status={self.status}, content_type={self.content_type!r}, {len(self.body)} bytes)"

    def json(self) -> Any:
        """The body as JSON, whatever its content type says (C3, C28).

        Raises `OPUnavailable` (op_answer_invalid), also for what a parser takes and a database does not: NaN, 1e999, a
        lone surrogate, a member that comes twice (C27, DS05).
        """
        try:
            document = json.loads(self.body.decode("utf-8-sig"), object_pairs_hook=_without_repetition)
            json.dumps(document, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise OPUnavailable(Reason.OP_ANSWER_INVALID, "the answer is not JSON") from None
        return document


def _without_repetition(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member comes twice")
    return found


def loopback(url: str) -> tuple[str, str]:
    """`url` and its Host header, with names under `.localhost` turned into 127.0.0.1.

    RFC 6761 6.3 gives them to the loopback interface; browsers know, many system resolvers do not.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.scheme != "http" or not (host == "localhost" or host.endswith(".localhost")):
        return url, parts.netloc
    netloc = "127.0.0.1" if parts.port is None else f"127.0.0.1:{parts.port}"
    return urlunsplit(parts._replace(netloc=netloc)), parts.netloc


def fetch(
    method: str,
    url: str,
    *,
    data: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    longest: float | None = None,
    redirect_is_answer: bool = False,
) -> Answer:
    """One request, one answer, never a redirect. `longest`: seconds, where less than `OIDC_TIMEOUT` is bearable.
    `redirect_is_answer`: give a redirect back, for who wants to see where it leads; it is not followed either.

    Raises `ConfigurationError` (endpoint_insecure, metadata_invalid) for a URL that must not be called and
    `OPUnavailable` (op_unreachable, op_timeout, op_redirected, op_answer_too_large, op_answer_invalid).
    """
    problem = endpoint_problem(url)
    if problem is not None:
        raise ConfigurationError(problem, "an endpoint of the OP must be https")
    target, host = loopback(url)
    all_headers = {"Host": host, "Accept": "application/json", **(headers or {})}
    seconds = min(conf.timeout, longest or conf.timeout)
    deadline = Deadline(seconds)
    try:
        with (
            deadline,
            _send(
                _prepared(method, target, data=data, headers=all_headers, auth=auth),
                timeout=(min(CONNECT_TIMEOUT, seconds), seconds),
            ) as response,
        ):
            answer = _read(response, deadline, redirect_is_answer)
            if answer.status < 500:
                breaker.heard(url, time.time())
            return answer
    except SilentSSOError:
        raise
    except Exception as error:  # requests, urllib3, ssl and zlib each bring their own tree
        late = deadline.passed or isinstance(error, requests.Timeout | ReadTimeout)
        reason = Reason.OP_TIMEOUT if late else Reason.OP_UNREACHABLE
        path = urlsplit(url).path
        logger.warning("%s at the OP's %s (%s)", reason, path, type(error).__name__)
        raise OPUnavailable(reason, f"{type(error).__name__} at {path}") from None


def _read(response: requests.Response, deadline: Deadline, redirect_is_answer: bool = False) -> Answer:
    if 300 <= response.status_code < 400 and not redirect_is_answer:
        raise OPUnavailable(Reason.OP_REDIRECTED, "the OP redirected a call that must not be")
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "deflate"):
        raise OPUnavailable(Reason.OP_ANSWER_INVALID, "an encoding that was not asked for")
    body = bytearray()
    while chunk := response.raw.read1(65536, decode_content=False):
        body += chunk
        if len(body) > MAX_BODY:
            raise OPUnavailable(Reason.OP_ANSWER_TOO_LARGE)
        if deadline.passed:
            raise OPUnavailable(Reason.OP_TIMEOUT)
    if deadline.passed:
        raise OPUnavailable(Reason.OP_TIMEOUT)
    return Answer(
        status=response.status_code,
        content_type=response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        cache_control=response.headers.get("Cache-Control", "").lower(),
        retry_after=_retry_after(response.headers.get("Retry-After")),
        body=_inflate(bytes(body)) if encoding in ("gzip", "deflate") else bytes(body),
        headers=response.headers,
    )


def _inflate(body: bytes) -> bytes:
    """Decompressed up to the cap: a small bomb must not become a large one (DS04)."""
    opener = zlib.decompressobj(32 + zlib.MAX_WBITS)
    try:
        out = opener.decompress(body, MAX_BODY + 1)
    except zlib.error:
        raise OPUnavailable(Reason.OP_ANSWER_INVALID, "the body does not decompress") from None
    if len(out) > MAX_BODY:
        raise OPUnavailable(Reason.OP_ANSWER_TOO_LARGE)
    return out


def _retry_after(text: str | None) -> int | None:
    """Seconds, from a number or a date (RFC 9110 10.2.3)."""
    if not text:
        return None
    if text.strip().isdecimal():
        return min(int(text.strip()[:9]), 24 * 3600)
    try:
        return max(0, int(parsedate_to_datetime(text).timestamp() - time.time()))
    except (ValueError, TypeError, OverflowError):
        return None


# -- connections that a deadline can cut --------------------------------------------------------------------------


class _Connection(HTTPConnection):
    def getresponse(self) -> Any:
        watch(self.sock)
        return super().getresponse()


class _TLSConnection(HTTPSConnection):
    def getresponse(self) -> Any:
        watch(self.sock)
        return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}


_lock = threading.Lock()
_shared: requests.Session | None = None


def _forget_connections() -> None:
    """A process just forked must not speak on the connections of the one it comes from."""
    global _lock, _shared
    _lock, _shared = threading.Lock(), None


os.register_at_fork(after_in_child=_forget_connections)


def _prepared(
    method: str,
    url: str,
    *,
    data: Mapping[str, str] | None,
    headers: Mapping[str, str],
    auth: tuple[str, str] | None,
) -> requests.PreparedRequest:
    request = requests.PreparedRequest()
    request.prepare(
        method=method,
        url=url,
        headers={**_session().headers, **headers},
        data=None if data is None else dict(data),
        auth=auth,
    )
    return request


def _send(request: requests.PreparedRequest, *, timeout: tuple[float, float]) -> requests.Response:
    """Straight to the connections: a session's own way there is one of cookies, redirects and the environment."""
    adapter = _session().get_adapter(request.url or "")
    return adapter.send(request, stream=True, timeout=timeout, verify=conf.verify_ssl, proxies=conf.proxy)


def _session() -> requests.Session:
    """The process's session: connections are kept, `.netrc`, proxy variables and cookies are not (L04)."""
    global _shared
    with _lock:
        if _shared is None:
            session = requests.Session()
            session.trust_env = False
            session.headers.clear()
            session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
            session.cookies.set_policy(_NoCookies())
            adapter = _Adapter(pool_connections=8, pool_maxsize=32, max_retries=0)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            _shared = session
        return _shared


class _NoCookies(DefaultCookiePolicy):
    """An OP's cookie belongs to browsers."""

    def set_ok(self, cookie: Any, request: Any) -> bool:
        return False
