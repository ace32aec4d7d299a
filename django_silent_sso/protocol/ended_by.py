"""Who, or what, ended a session: six words for an audit trail. `Reason` has one for every way it can happen."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from django_silent_sso.protocol.errors import Reason

__all__ = ["EndedBy", "ended_by"]


class EndedBy(StrEnum):
    """Why a session is over."""

    USER = "user"  # signed out here
    OP_FRONT_CHANNEL = "op_front_channel"  # Front-Channel Logout
    OP_BACK_CHANNEL = "op_back_channel"  # Back-Channel Logout
    OP_SAID_NO = "op_said_no"  # asked, the OP no longer vouches for the user
    SUBJECT_CHANGED = "subject_changed"  # asked, the OP vouches for somebody else
    LIMIT = "limit"  # a rule of the site's own: its sessions' length, or who may sign in


_CAUSES: Final[Mapping[Reason, EndedBy]] = {
    Reason.SIGNED_OUT_BY_USER: EndedBy.USER,
    Reason.OP_FRONT_CHANNEL: EndedBy.OP_FRONT_CHANNEL,
    Reason.OP_BACK_CHANNEL: EndedBy.OP_BACK_CHANNEL,
    Reason.SUBJECT_CHANGED: EndedBy.SUBJECT_CHANGED,
    Reason.SESSION_MAX: EndedBy.LIMIT,
    Reason.SESSION_IDLE: EndedBy.LIMIT,
    Reason.USER_UNKNOWN: EndedBy.LIMIT,
    Reason.USER_AMBIGUOUS: EndedBy.LIMIT,
    Reason.USER_INACTIVE: EndedBy.LIMIT,
    Reason.CLAIMS_REFUSED: EndedBy.LIMIT,
}


def ended_by(reason: Reason) -> EndedBy:
    """The cause behind a reason. Any error of the OP may end a session, if the site says so: those are the rest."""
    return _CAUSES.get(reason, EndedBy.OP_SAID_NO)
