"""Names of objects: which are allowed, and which are equal.

Invisible characters are Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt, Unicode 16.0): soft hyphen, zero-width
space and joiners, direction controls, fillers, variation selectors, tags. Python's `unicodedata` lacks the property, so this
module lists its ranges. A name needs a visible character, and invisible ones do not make names different. They stay in the name:
Persian and Indic scripts use joiners, and emoji use joiners, variation selectors and tags. In emoji, joiners and tags change the
picture, so there they count.

A name's key is computed when the name is saved. A name that was saved under an older rule keeps its key until it is saved again.
"""

import re
import unicodedata

from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule

MAXIMUM = 64
# NFKC makes at most 18 characters of one (U+FDFA).
MAXIMUM_KEY = MAXIMUM * 18

# The property's ranges, and invisible characters without the property: U+2800, the Braille pattern without dots; U+FFF9 to
# U+FFFB, interlinear annotation marks; U+1D159, the null notehead.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff\u2800"
)
# Emoji in joined pictures: the emoji blocks, and those of older blocks in emoji-zwj-sequences.txt.
_PICTURE = (
    "\U0001f000-\U0001faff\u2194\u2195\u2620\u2640\u2642\u2695\u2696\u26a7\u26d3\u26f9\u2708\u2744\u2764\u27a1\u2b1b"
)
# The flags of England, Scotland and Wales (emoji-sequences.txt): a black flag, five tags, and the tag that ends them.
_FLAG = (
    "\U0001f3f4\U000e0067\U000e0062"
    "(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)\U000e007f"
)
# Kept in a key: a flag, and a joiner between pictures, the first of them perhaps with its selector. Selectors are dropped: most
# pictures look the same without.
_COUNTS = re.compile(
    f"(?P<kept>{_FLAG}|(?:(?<=[{_PICTURE}])|(?<=[{_PICTURE}]\ufe0f))\u200d(?=[{_PICTURE}]))|[{_IGNORABLE}]"
)
_INVISIBLE = re.compile(rf"[{_IGNORABLE}\s]*")


class NameRule(UserErrorRule):
    NAME_REQUIRED = UserErrorCode.REQUIRED, "A name of 1 to {maximum} characters is needed."
    NAME_TOO_LONG = UserErrorCode.TOO_LONG, "The name has {length} characters; at most {maximum} are allowed."
    NAME_INVISIBLE = UserErrorCode.INVALID, "The name has no visible character: add one."
    NAME_CONTROL_CHARACTER = (
        UserErrorCode.INVALID,
        "The name contains a control character (a line break, a tab, …); remove it.",
    )


def checked(name: str | None, problems: ErrorCollector, *path: str) -> str:
    """The trimmed name. Mistakes go to `problems` under `path`.

    A name has 1 to 64 code points, one of them visible: any Unicode except control characters and surrogates.
    """
    trimmed = (name or "").strip()
    if not trimmed:
        problems.add(NameRule.NAME_REQUIRED, *path, maximum=MAXIMUM)
    elif len(trimmed) > MAXIMUM:
        problems.add(NameRule.NAME_TOO_LONG, *path, length=len(trimmed), maximum=MAXIMUM)
    elif _INVISIBLE.fullmatch(trimmed):
        problems.add(NameRule.NAME_INVISIBLE, *path)
    elif has_control_characters(trimmed) or not _BREAKS.isdisjoint(trimmed):
        problems.add(NameRule.NAME_CONTROL_CHARACTER, *path)
    return trimmed


# Unicode's own line and paragraph breaks.
_BREAKS = frozenset("\u2028\u2029")


def has_control_characters(text: str) -> bool:
    """Whether a text holds controls (a line break, a tab, …) or halves of characters."""
    # Fast path: most texts are printable.
    return not text.isprintable() and any(unicodedata.category(one) in {"Cc", "Cs"} for one in text)


def key_within(text: str) -> str | None:
    """The text to search for in the keys of names; None when no name can contain it."""
    # No key is longer, and none contains NUL (PostgreSQL's texts cannot).
    if len(text) > MAXIMUM_KEY or "\0" in text:
        return None
    found = _folded(text)
    return None if len(found) > MAXIMUM_KEY else found


def key(name: str) -> str:
    """Equal names have equal keys: Unicode's toNFKC_Casefold (D146, R5), but joiners and tags stay in emoji.

    It can be longer than the name. Time grows with the square of the marks on one letter: bound the length of the text first.
    """
    return _folded(name).strip()  # a space may follow an invisible character


def _folded(name: str) -> str:
    shown = _COUNTS.sub(_kept, unicodedata.normalize("NFKC", name))
    # Removing characters may let others combine: normalize before case folding, and after it.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold())


def _kept(match: re.Match[str]) -> str:
    return match["kept"] or ""
