"""The faults of a server's answer, each with what the site makes of it. The names begin with their row."""

from __future__ import annotations

import json

from django_silent_sso.op.http import MAX_BODY
from tests.faults import proxy
from tests.faults.proxy import Fault, answer, redirect

JSON = "Content-Type: application/json"
HUGE = b"x" * (MAX_BODY + 1)
TWICE = b'{"access_token": "a", "access_token": "b", "token_type": "Bearer", "id_token": "x"}'

# Below HTTP, and HTTP that holds nothing: whatever was asked for.
ANY: dict[str, tuple[Fault, str]] = {
    "connection_reset": (proxy.reset, "op_unreachable"),
    "silence": (proxy.hang, "op_timeout"),
    "one_byte_at_a_time": (proxy.drip, "op_timeout"),
    "garbage": (proxy.garbage, "op_unreachable"),
    "cut_short": (proxy.truncate, "op_unreachable"),
    "500": (answer(500), "op_status"),
    "503": (answer(503, b"{}", JSON, "Retry-After: 9"), "op_status"),
    "html": (answer(200, b"<html>maintenance</html>", "Content-Type: text/html"), "op_answer_invalid"),
    "empty": (answer(200, b"", JSON), "op_answer_invalid"),
    "half_of_the_json": (answer(200, b'{"keys": [', JSON), "op_answer_invalid"),
    "invalid_utf8": (answer(200, b'{"a": "\xff"}', JSON), "op_answer_invalid"),
    "gzip_that_is_not": (answer(200, b"{}", JSON, "Content-Encoding: gzip"), "op_answer_invalid"),
    "redirect": (redirect(302), "op_redirected"),
    "giant": (proxy.giant, "op_answer_too_large"),
    "endless_chunks": (proxy.endless_chunks, "op_answer_too_large"),
    "gzip_bomb": (proxy.gzip_bomb, "op_answer_too_large"),
}

TOKEN: dict[str, tuple[Fault, str]] = {
    "c19_connection_reset": (proxy.reset, "op_unreachable"),
    "c19_garbage": (proxy.garbage, "op_unreachable"),
    "c20_silence": (proxy.hang, "op_timeout"),
    "c21_one_byte_at_a_time": (proxy.drip, "op_timeout"),
    "c23_500": (answer(500), "op_status"),
    "c23_502": (answer(502, b"<html>"), "op_status"),
    "c23_503": (answer(503, b"{}", JSON, "Retry-After: 9"), "op_status"),
    "c23_429": (answer(429, b"{}", JSON, "Retry-After: 9"), "op_status"),
    "c24_code_is_no_good": (answer(400, b'{"error": "invalid_grant"}', JSON), "invalid_grant"),
    "c25_secret_is_wrong": (answer(401, b'{"error": "invalid_client"}', JSON), "invalid_client"),
    "c26_400_html": (answer(400, b"<html>"), "op_status"),
    "c26_400_empty": (answer(400), "op_status"),
    "c26_400_huge": (answer(400, HUGE), "op_answer_too_large"),
    "c27_html": (answer(200, b"<html>"), "op_answer_invalid"),
    "c27_empty": (answer(200, b"", JSON), "op_answer_invalid"),
    "c27_list": (answer(200, b"[]", JSON), "token_answer_invalid"),
    "c27_null": (answer(200, b"null", JSON), "token_answer_invalid"),
    "c27_string": (answer(200, b'"tokens"', JSON), "token_answer_invalid"),
    "c27_half_of_the_json": (answer(200, b'{"access_token": "a', JSON), "op_answer_invalid"),
    "c27_cut_short": (proxy.truncate, "op_unreachable"),
    "c27_utf16": (answer(200, '{"a": 1}'.encode("utf-16"), JSON), "op_answer_invalid"),
    "c27_member_twice": (answer(200, TWICE, JSON), "op_answer_invalid"),
    "c27_byte_order_mark_and_no_tokens": (answer(200, b"\xef\xbb\xbf{}", JSON), "token_type_invalid"),
    "c30_301": (redirect(301), "op_redirected"),
    "c30_302": (redirect(302), "op_redirected"),
    "c30_303": (redirect(303), "op_redirected"),
    "c30_307": (redirect(307), "op_redirected"),
    "c30_308": (redirect(308), "op_redirected"),
    "c31_giant": (proxy.giant, "op_answer_too_large"),
    "c31_endless_chunks": (proxy.endless_chunks, "op_answer_too_large"),
    "c31_gzip_bomb": (proxy.gzip_bomb, "op_answer_too_large"),
    "c32_204": (answer(204), "op_status"),
    "c32_206": (answer(206, b"{}", JSON), "op_status"),
    "c32_304": (answer(304), "op_redirected"),
    "c32_flood_of_interim_answers": (proxy.flood_of_interim_answers, "op_timeout"),
    "c33_reset_after_the_code_was_used": (proxy.reset_after_work, "op_unreachable"),
}


def document(body: object) -> Fault:
    return answer(200, json.dumps(body).encode(), JSON)
