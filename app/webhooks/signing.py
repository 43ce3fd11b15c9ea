"""The signature of webhook calls: the header `Jambonz-Signature`.

    Jambonz-Signature: t=<seconds since 1970>,v1=<hex HMAC-SHA256(secret, "<t>." + raw body)>

During a rotation's overlap there is one `v1=` for each secret, the newest first; one match is enough. The secret is used with
its prefix `wh_secret_`. A call without a body (GET) signs `"<t>."`. A test vector:

    secret   wh_secret_2NEpo7TZRRrLZSi2UZaQWX
    t        1767225600
    body     {"kind":"REGISTRATION","username":"6001"}
    header   t=1767225600,v1=2e842b350683448814169a7e880181de83c56b0afeda6e1b20b2266345868f98

During the overlap with the previous secret wh_secret_4Ab9dEfGhJkLmNpQrStUvW, this follows:

    ,v1=4c0eeddc17d4151c84a80647198ff1fd4254c4d04956d5a1278316c66b6895da
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

HEADER = "Jambonz-Signature"
TOLERANCE_SECONDS = 300


def signature(secrets: Sequence[str], body: bytes, at: int) -> str:
    """The header for a body sent `at` seconds since 1970: one `v1=` per secret, in this order."""
    return ",".join((f"t={at}", *(f"v1={_digest(secret, str(at), body)}" for secret in secrets)))


def is_genuine(secret: str, header: str, body: bytes, now: float) -> bool:
    """Whether a header was made with this secret, for this body, within 300 s of `now` (seconds since 1970) either way.

    False for an invalid header. Compares every signature in constant time.
    """
    parts = [part.strip().partition("=")[::2] for part in header.split(",")]
    times = [value for name, value in parts if name == "t"]
    if len(times) != 1 or not _SECONDS.fullmatch(times[0]) or abs(now - int(times[0])) > TOLERANCE_SECONDS:
        return False
    expected = _digest(secret, times[0], body).encode()
    found = [hmac.compare_digest(expected, value.encode()) for name, value in parts if name == "v1"]
    return any(found)


def _digest(secret: str, at: str, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
