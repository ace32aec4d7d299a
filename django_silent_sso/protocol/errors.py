"""Every way it can end, by name.

    SilentSSOError
     ├─ ConfigurationError     our settings or the OP's metadata cannot be used
     ├─ ResponseError          the Authentication Response is malformed or does not answer our request
     ├─ OPRefused              the OP answered with an error (``error``: its code)
     ├─ OPUnavailable          the OP cannot be reached or failed (``retry_after``: seconds, if it said so)
     ├─ TokenError             an ID Token, a token answer or a UserInfo answer does not hold
     ├─ UserNotAdmitted        the user database or the site says no
     └─ StorageUnavailable     our own cache or database failed

The class says who has to act, the reason says what happened. The same reason word appears in the exception,
the log line, the signal, the JSON and the browser event.
"""

# ruff: noqa: S105 - "id_token_expired" is a reason, not a secret

from __future__ import annotations

import re
from enum import StrEnum

#: What an OP's error code may look like before we repeat it anywhere. RFC 6749 4.1.2.1 allows more, but a
#: code with spaces or brackets in it is either broken or meant for somebody's log viewer.
_PLAIN_CODE = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def plain_error_code(error: str) -> str:
    """An OP's error code, fit for logs and pages: itself if it is plain text, else ``"op_error"``."""
    return error if _PLAIN_CODE.fullmatch(error) else "op_error"


class Reason(StrEnum):
    """Every reason code of the package."""

    # The Authentication Response (Core 3.1.2.7; RFC 9207; Multiple Response Types)
    MALFORMED_RESPONSE = "malformed_response"
    REPEATED_PARAMETER = "repeated_parameter"
    STATE_MISSING = "state_missing"
    STATE_UNKNOWN = "state_unknown"
    STATE_EXPIRED = "state_expired"
    STATE_USED = "state_used"
    ISSUER_MISMATCH = "issuer_mismatch"
    ISSUER_MISSING = "issuer_missing"
    UNEXPECTED_RESPONSE_MODE = "unexpected_response_mode"
    UNEXPECTED_PARAMETER = "unexpected_parameter"
    WRONG_TRANSPORT = "wrong_transport"
    VOIDED_BY_SIGN_OUT = "voided_by_sign_out"
    CROSS_SITE_REQUEST = "cross_site_request"

    # What the OP itself says (Core 3.1.2.6; RFC 6749 4.1.2.1)
    LOGIN_REQUIRED = "login_required"
    CONSENT_REQUIRED = "consent_required"
    INTERACTION_REQUIRED = "interaction_required"
    ACCOUNT_SELECTION_REQUIRED = "account_selection_required"
    ACCESS_DENIED = "access_denied"
    INVALID_REQUEST = "invalid_request"
    INVALID_SCOPE = "invalid_scope"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
    SERVER_ERROR = "server_error"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    REQUEST_NOT_SUPPORTED = "request_not_supported"
    REQUEST_URI_NOT_SUPPORTED = "request_uri_not_supported"
    REGISTRATION_NOT_SUPPORTED = "registration_not_supported"
    INVALID_REQUEST_URI = "invalid_request_uri"
    INVALID_REQUEST_OBJECT = "invalid_request_object"
    OP_ERROR = "op_error"  # a code we do not know

    # The token endpoint (RFC 6749 5; Core 3.1.3)
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    TOKEN_ANSWER_INVALID = "token_answer_invalid"
    TOKEN_TYPE_INVALID = "token_type_invalid"
    ID_TOKEN_MISSING = "id_token_missing"
    ACCESS_TOKEN_MISSING = "access_token_missing"

    # The network between us and the OP
    OP_UNREACHABLE = "op_unreachable"
    OP_TIMEOUT = "op_timeout"
    OP_STATUS = "op_status"
    OP_ANSWER_INVALID = "op_answer_invalid"
    OP_ANSWER_TOO_LARGE = "op_answer_too_large"
    OP_REDIRECTED = "op_redirected"

    # The OP's metadata (Discovery 3, 4.3) and our settings
    METADATA_INVALID = "metadata_invalid"
    METADATA_ISSUER_MISMATCH = "metadata_issuer_mismatch"
    ENDPOINT_MISSING = "endpoint_missing"
    ENDPOINT_INSECURE = "endpoint_insecure"
    NOT_CONFIGURED = "not_configured"

    # The ID Token (Core 2, 3.1.3.7; RFC 8725)
    ID_TOKEN_MALFORMED = "id_token_malformed"
    ID_TOKEN_ALGORITHM = "id_token_algorithm"
    ID_TOKEN_CRITICAL_HEADER = "id_token_critical_header"
    ID_TOKEN_TYPE = "id_token_type"
    ID_TOKEN_SIGNATURE = "id_token_signature"
    ID_TOKEN_KEY_UNKNOWN = "id_token_key_unknown"
    ID_TOKEN_KEY_AMBIGUOUS = "id_token_key_ambiguous"
    ID_TOKEN_ISSUER = "id_token_issuer"
    ID_TOKEN_AUDIENCE = "id_token_audience"
    ID_TOKEN_AUTHORIZED_PARTY = "id_token_authorized_party"
    ID_TOKEN_EXPIRED = "id_token_expired"
    ID_TOKEN_ISSUED_AT = "id_token_issued_at"
    ID_TOKEN_NOT_BEFORE = "id_token_not_before"
    ID_TOKEN_NONCE = "id_token_nonce"
    ID_TOKEN_ACCESS_TOKEN_HASH = "id_token_access_token_hash"
    ID_TOKEN_CODE_HASH = "id_token_code_hash"
    ID_TOKEN_STATE_HASH = "id_token_state_hash"
    ID_TOKEN_SUBJECT = "id_token_subject"
    ID_TOKEN_AUTH_TIME = "id_token_auth_time"
    ID_TOKEN_ACR = "id_token_acr"

    # Logout by the OP (Back-Channel Logout 2.4, 2.6; Front-Channel Logout 2)
    LOGOUT_REQUEST_MALFORMED = "logout_request_malformed"
    LOGOUT_TOKEN_MALFORMED = "logout_token_malformed"
    LOGOUT_TOKEN_ALGORITHM = "logout_token_algorithm"
    LOGOUT_TOKEN_CRITICAL_HEADER = "logout_token_critical_header"
    LOGOUT_TOKEN_TYPE = "logout_token_type"
    LOGOUT_TOKEN_SIGNATURE = "logout_token_signature"
    LOGOUT_TOKEN_KEY_UNKNOWN = "logout_token_key_unknown"
    LOGOUT_TOKEN_KEY_AMBIGUOUS = "logout_token_key_ambiguous"
    LOGOUT_TOKEN_ISSUER = "logout_token_issuer"
    LOGOUT_TOKEN_AUDIENCE = "logout_token_audience"
    LOGOUT_TOKEN_AUTHORIZED_PARTY = "logout_token_authorized_party"
    LOGOUT_TOKEN_ISSUED_AT = "logout_token_issued_at"
    LOGOUT_TOKEN_EXPIRED = "logout_token_expired"
    LOGOUT_TOKEN_NOT_BEFORE = "logout_token_not_before"
    LOGOUT_TOKEN_SUBJECT = "logout_token_subject"
    LOGOUT_TOKEN_EVENTS = "logout_token_events"
    LOGOUT_TOKEN_NONCE = "logout_token_nonce"
    LOGOUT_TOKEN_ID = "logout_token_id"
    LOGOUT_TOKEN_REPLAYED = "logout_token_replayed"
    LOGOUT_INCOMPLETE = "logout_incomplete"
    OP_BACK_CHANNEL = "op_back_channel"
    OP_FRONT_CHANNEL = "op_front_channel"

    # UserInfo (Core 5.3)
    USERINFO_INVALID = "userinfo_invalid"
    USERINFO_SUBJECT = "userinfo_subject"

    # The user
    USER_UNKNOWN = "user_unknown"
    USER_AMBIGUOUS = "user_ambiguous"
    USER_INACTIVE = "user_inactive"
    CLAIMS_REFUSED = "claims_refused"
    SUBJECT_CHANGED = "subject_changed"

    # What we decided
    FRESH = "fresh"
    STALE = "stale"
    OVERDUE = "overdue"
    RENEWED = "renewed"
    SIGNED_IN = "signed_in"
    BACKED_OFF = "backed_off"
    SIGNED_OUT_BY_USER = "signed_out_by_user"
    ATTEMPT_UNDER_WAY = "attempt_under_way"
    EXEMPT = "exempt"
    NOT_SIGNED_IN = "not_signed_in"
    NOT_OUR_SESSION = "not_our_session"
    NOT_A_DOCUMENT = "not_a_document"
    VISITORS_OFF = "visitors_off"
    ROBOT = "robot"
    PRIVACY_SIGNAL = "privacy_signal"
    GRACE_ENDED = "grace_ended"
    SESSION_MAX = "session_max"
    SESSION_IDLE = "session_idle"
    LOOP_STOPPED = "loop_stopped"
    INCONCLUSIVE_FRAME = "inconclusive_frame"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    COOKIES_BLOCKED = "cookies_blocked"

    # A form that is sent again after its sign-in was confirmed
    FORM_UNREADABLE = "form_unreadable"
    FORM_EXPIRED = "form_expired"
    FORM_OF_ANOTHER_PAGE = "form_of_another_page"
    FORM_OF_ANOTHER_USER = "form_of_another_user"
    FORM_SENT = "form_sent"
    RECENT_SIGN_IN_REQUIRED = "recent_sign_in_required"


class OPErrorCode(StrEnum):
    """The Authentication Error Response codes we know (Core 3.1.2.6; RFC 6749 4.1.2.1)."""

    LOGIN_REQUIRED = "login_required"
    CONSENT_REQUIRED = "consent_required"
    INTERACTION_REQUIRED = "interaction_required"
    ACCOUNT_SELECTION_REQUIRED = "account_selection_required"
    ACCESS_DENIED = "access_denied"
    INVALID_REQUEST = "invalid_request"
    INVALID_SCOPE = "invalid_scope"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
    SERVER_ERROR = "server_error"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    REQUEST_NOT_SUPPORTED = "request_not_supported"
    REQUEST_URI_NOT_SUPPORTED = "request_uri_not_supported"
    REGISTRATION_NOT_SUPPORTED = "registration_not_supported"
    INVALID_REQUEST_URI = "invalid_request_uri"
    INVALID_REQUEST_OBJECT = "invalid_request_object"

    @property
    def reason(self) -> Reason:
        """The reason of the same name."""
        return Reason(self.value)

    @classmethod
    def known(cls, error: str) -> OPErrorCode | None:
        """The code an OP sent, or ``None`` if it is not one of ours (compared exactly)."""
        try:
            return cls(error)
        except ValueError:
            return None


class SilentSSOError(Exception):
    """The root. ``reason`` says what happened; ``detail`` is text for developers.

    ``detail`` never holds a token, a code, a state, a nonce or an e-mail address: it goes to logs.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)


class ConfigurationError(SilentSSOError):
    """Our settings or the OP's metadata cannot be used."""


class ResponseError(SilentSSOError):
    """The Authentication Response is malformed or does not answer our request (Core 3.1.2.7)."""


class OPRefused(SilentSSOError):
    """The OP answered with an error (Core 3.1.2.6; RFC 6749 5.2).

    ``error`` is the code as the OP sent it, or ``"op_error"`` if it is not plain text of at most 100
    characters (letters, digits, ``_.-``). Left out, it is the reason itself.
    """

    def __init__(self, reason: Reason, detail: str = "", *, error: str | None = None) -> None:
        super().__init__(reason, detail)
        self.error = plain_error_code(str(reason) if error is None else error)

    @classmethod
    def at_authorization(cls, error: str, detail: str = "") -> OPRefused:
        """The refusal for an ``error`` parameter of an Authentication Response."""
        # Never Reason(error): an OP that answers "signed_in" must not borrow one of our own words.
        known = OPErrorCode.known(error)
        return cls(known.reason if known else Reason.OP_ERROR, detail, error=error)


class OPUnavailable(SilentSSOError):
    """The OP cannot be reached or failed. ``retry_after``: seconds it asked us to wait, if it did."""

    def __init__(self, reason: Reason, detail: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(reason, detail)
        self.retry_after = retry_after


class TokenError(SilentSSOError):
    """An ID Token, a token answer or a UserInfo answer does not hold (Core 3.1.3.7, 5.3.4)."""


class UserNotAdmitted(SilentSSOError):
    """The user database or the site says no."""


class StorageUnavailable(SilentSSOError):
    """Our own cache or database failed."""
