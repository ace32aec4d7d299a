"""What is broken, and the tests that should notice; the quick ones first, for the first to fail ends a run."""

from __future__ import annotations

from typing import Final

VALUES, TEXTS = "tests/protocol/test_value_types.py", "tests/protocol/test_same_texts.py"
CALLBACK = "tests/views/test_callback"
MODULES: Final[dict[str, tuple[str, ...]]] = {
    "protocol.authentication_request": ("tests/protocol/test_authentication_request.py", VALUES),
    "protocol.authentication_response": ("tests/protocol/test_authentication_response.py", VALUES, TEXTS),
    "protocol.claims": ("tests/protocol/test_claims.py", "tests/protocol/test_claims_boundaries.py", TEXTS),
    "protocol.errors": ("tests/protocol/test_errors.py",),
    "protocol.id_token": ("tests/protocol/test_id_token.py", VALUES),
    "protocol.keys": ("tests/protocol/test_keys.py", TEXTS),
    "protocol.logout_token": ("tests/protocol/test_logout_token.py", VALUES),
    "protocol.provider_metadata": ("tests/protocol/test_provider_metadata.py", VALUES, TEXTS),
    "protocol.response_parameters": ("tests/protocol/test_response_parameters.py", VALUES),
    "protocol.signed_token": ("tests/protocol/test_signed_token.py", VALUES, TEXTS),
    "protocol.step_up": ("tests/protocol/test_step_up.py", VALUES),
    "protocol.userinfo": ("tests/protocol/test_userinfo.py",),
    "policy": ("tests/test_policy.py", "tests/test_policy_refresh.py", "tests/test_policy_invariants.py"),
    "storage.pending": ("tests/storage/test_pending.py", "tests/storage/test_pending_limits.py"),
    "views.callback": (
        f"{CALLBACK}.py",
        f"{CALLBACK}_cookies.py",
        f"{CALLBACK}_reports.py",
        f"{CALLBACK}_fragment.py",
        f"{CALLBACK}_frames.py",
        f"{CALLBACK}_relayed.py",
        f"{CALLBACK}_refused.py",
        f"{CALLBACK}_errors.py",
        "tests/views/test_hops.py",
        "tests/views/test_endpoint.py",
        "tests/views/test_doctor.py",
    ),
}


def source_of(module: str) -> str:
    return f"django_silent_sso/{module.replace('.', '/')}.py"
