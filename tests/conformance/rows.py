"""The modules of the OpenID Foundation's suite for relying parties, by number, and where each of them stands.

A1 to A57 are OpenID Connect, A58 to A87 FAPI, A88 to A104 only in the retired Python suite.
"""

from __future__ import annotations

ROWS = range(1, 105)

REQUEST_OBJECTS = "request objects: what we ask for is no secret, and a request can be pushed instead (RFC 9126)"
WEBFINGER = "WebFinger: a site has one OP, named in its settings; no visitor types an identifier"
CLAIMS_ELSEWHERE = "aggregated and distributed claims: nobody but the OP itself says who a user is"
JARM = "JARM: never asked for; an answer with `response` is refused"
ENCRYPTION = "encrypted tokens: they travel over TLS, and what comes through the browser holds no secret"
CLAIMS_PARAMETER = "the `claims` parameter: scopes say what we need; a site may add it as an extra parameter"

NOT_HERE: dict[int, str] = {
    25: WEBFINGER,
    26: WEBFINGER,
    27: "dynamic registration: a site is registered once, by hand, with its secret in its settings",
    28: REQUEST_OBJECTS,
    29: REQUEST_OBJECTS,
    54: "the access token in UserInfo's body: the header is what every OP has to take (RFC 6750 2.1)",
    55: CLAIMS_ELSEWHERE,
    56: CLAIMS_ELSEWHERE,
    57: "mTLS: client certificates belong to the proxy in front of a site",
    69: "a missing s_hash: demanded by FAPI alone; one that is there is checked (A68)",
    **dict.fromkeys(range(78, 86), JARM),
    86: ENCRYPTION,
    88: WEBFINGER,
    89: WEBFINGER,
    90: CLAIMS_PARAMETER,
    91: CLAIMS_PARAMETER,
    94: ENCRYPTION,
    95: ENCRYPTION,
    96: ENCRYPTION,
    97: REQUEST_OBJECTS,
    98: REQUEST_OBJECTS,
    103: ENCRYPTION,
    104: ENCRYPTION,
}
