"""What this app tells a site. No signal carries a token, code, state, nonce or e-mail address.

Senders are the user's class (or the `User` model where nobody is known). Every signal has `request` (None where there
is none) and `reason` (a `django_silent_sso.protocol.errors.Reason`).
"""

from __future__ import annotations

from django.dispatch import Signal

__all__ = [
    "session_terminated",
    "silent_sign_in_failed",
    "silent_sign_in_succeeded",
    "subject_changed",
]

# A silent attempt signed a visitor in or renewed a session. Arguments: request, user, reason (signed_in or renewed).
silent_sign_in_succeeded = Signal()

# A silent attempt ended without a sign-in. Arguments: request, user (None for a visitor), reason.
silent_sign_in_failed = Signal()

# The OP answered a renewal with another subject. Arguments: request, user (whose session it was), reaction, reason.
subject_changed = Signal()

# A session opened by this app was ended. Arguments: request, user, reason, cause (a
# `django_silent_sso.protocol.ended_by.EndedBy`).
session_terminated = Signal()
