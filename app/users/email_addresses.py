"""E-mail addresses: which are allowed, and which count as the same."""

import re
import unicodedata

from app.foundation import names
from app.foundation.errors import ErrorCollector, UserErrorCode

MAXIMUM = 254
# Whether somebody reads mail there is not to be told from its form; what is refused here cannot be one at all.
_FORM = re.compile(r'[^\s@"(),:;<>\[\\\]]{1,64}@[^\s@"(),:;<>\[\\\].]+(\.[^\s@"(),:;<>\[\\\].]+)+')
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}


def checked(email: str | None, errors: ErrorCollector, *path: str) -> str:
    """The trimmed address. What is wrong goes to `errors` under `path`."""
    trimmed = (email or "").strip()
    if not trimmed:
        errors.add(UserErrorCode.REQUIRED, "An e-mail address is needed.", *path)
    elif len(trimmed) > MAXIMUM:
        message = f"The e-mail address has {len(trimmed)} characters; at most {MAXIMUM} are allowed."
        errors.add(UserErrorCode.TOO_LONG, message, *path)
    elif not _is_address(trimmed):
        errors.add(UserErrorCode.INVALID, "This is no e-mail address, such as ann@example.com.", *path)
    return trimmed


def email_key(email: str) -> str:
    """What makes two addresses the same (upper and lower case do not differ); empty for what can be no address."""
    trimmed = email.strip()
    return names.key(trimmed) if len(trimmed) <= MAXIMUM and _is_address(trimmed) else ""


def _is_address(text: str) -> bool:
    return bool(_FORM.fullmatch(text)) and not any(unicodedata.category(one) in _UNSEEN for one in text)


def search_key(text: str) -> str | None:
    """What a part of an address is in its key; None for what is in none."""
    if len(text) > MAXIMUM or "\0" in text or any(unicodedata.category(one) == "Cs" for one in text):
        return None
    return names.key(text)
