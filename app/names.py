"""Names that people give: which are allowed, and which count as the same."""

import unicodedata

from app.errors import Problems, UserErrorCode

MAXIMUM = 64
# NFKC makes at most 18 characters of one (U+FDFA).
MAXIMUM_KEY = MAXIMUM * 18


def checked(name: str | None, problems: Problems, *path: str) -> str:
    """The trimmed name: 1 to 64 code points, any Unicode (emoji too) but control characters and surrogates.

    What is wrong goes to `problems` under `path`.
    """
    trimmed = (name or "").strip()
    if not trimmed:
        problems.add(UserErrorCode.REQUIRED, f"A name of 1 to {MAXIMUM} characters is needed.", *path)
    elif len(trimmed) > MAXIMUM:
        problems.add(
            UserErrorCode.TOO_LONG, f"The name has {len(trimmed)} characters; at most {MAXIMUM} are allowed.", *path
        )
    # Most are printable, which is told at once.
    elif not trimmed.isprintable() and any(unicodedata.category(character) in {"Cc", "Cs"} for character in trimmed):
        problems.add(
            UserErrorCode.INVALID, "The name holds a control character (a line break, a tab, …); remove it.", *path
        )
    return trimmed


def key_within(text: str) -> str | None:
    """What the keys of names are searched for when somebody looks for a text within them; None when no name can hold it."""
    # No name's key is longer (SQLite refuses a pattern of 50,000), and none holds NUL (PostgreSQL's texts cannot).
    if len(text) > MAXIMUM_KEY or "\0" in text:
        return None
    found = key(text)
    return None if len(found) > MAXIMUM_KEY else found


def key(name: str) -> str:
    """What makes two names the same: NFKC(casefold(NFKC(name))), Unicode's caseless compatibility matching (D146).

    It can be longer than the name. Takes time by the square of the marks on one letter: only for texts of a bounded length.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
