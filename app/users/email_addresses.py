"""Validates and compares e-mail addresses."""

import re
import unicodedata

from app.foundation import names
from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule

MAXIMUM = 254
# Loose on purpose: it rejects only what cannot be an address. Only a delivered mail proves one.
_FORM = re.compile(r'[^\s@"(),:;<>\[\\\]]{1,64}@[^\s@"(),:;<>\[\\\].]+(\.[^\s@"(),:;<>\[\\\].]+)+')
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}


class EmailRule(UserErrorRule):
    EMAIL_REQUIRED = UserErrorCode.REQUIRED, "An e-mail address is required."
    EMAIL_TOO_LONG = (
        UserErrorCode.TOO_LONG,
        "The e-mail address has {length} characters; at most {maximum} are allowed.",
    )
    EMAIL_FORM = UserErrorCode.INVALID, "This is not an e-mail address such as ann@example.com."


def checked(email: str | None, errors: ErrorCollector, *path: str) -> str:
    """Returns the trimmed address. Errors go to `errors` at `path`."""
    trimmed = (email or "").strip()
    if not trimmed:
        errors.add(EmailRule.EMAIL_REQUIRED, *path)
    elif len(trimmed) > MAXIMUM:
        errors.add(EmailRule.EMAIL_TOO_LONG, *path, length=len(trimmed), maximum=MAXIMUM)
    elif not _is_address(trimmed):
        errors.add(EmailRule.EMAIL_FORM, *path)
    return trimmed


def email_key(email: str) -> str:
    """The key under which addresses are compared, ignoring case. Empty if the text cannot be an address."""
    trimmed = email.strip()
    return names.key(trimmed) if len(trimmed) <= MAXIMUM and _is_address(trimmed) else ""


def _is_address(text: str) -> bool:
    return bool(_FORM.fullmatch(text)) and not any(unicodedata.category(char) in _INVISIBLE for char in text)


def search_key(text: str) -> str | None:
    """The form that a part of an address has in its key. None if no key can contain the text."""
    if len(text) > MAXIMUM or "\0" in text or any(unicodedata.category(char) == "Cs" for char in text):
        return None
    return names.key(text)
