"""Names that people give: which are allowed, and which count as the same.

Characters that show nothing are Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt, Unicode 16.0, part of the
Unicode Character Database): soft hyphen, zero-width space and joiners, controls of the writing direction, fillers, variation
selectors, tags. Python's `unicodedata` does not have the property, so its ranges stand here. A name needs one character that
shows, and such characters do not make two names different. They stay in the name: Persian and Indic scripts are written with
joiners, and emoji with joiners, variation selectors and tags. In emoji joiners and tags change the picture: there they count.

Keys are made when a name is saved. A name that was saved under another rule keeps its key until it is saved again.
"""

import re
import unicodedata

from app.foundation.errors import ErrorCollector, UserErrorCode

MAXIMUM = 64
# NFKC makes at most 18 characters of one (U+FDFA).
MAXIMUM_KEY = MAXIMUM * 18

# The property's ranges, and what shows nothing without it: U+2800, the Braille pattern without dots, U+FFF9 to U+FFFB, the marks
# of interlinear annotations, and U+1D159, the notehead that is none.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff\u2800"
)
# Emoji of which joined pictures consist: those of the emoji blocks, and those of older blocks in emoji-zwj-sequences.txt.
_PICTURE = (
    "\U0001f000-\U0001faff\u2194\u2195\u2620\u2640\u2642\u2695\u2696\u26a7\u26d3\u26f9\u2708\u2744\u2764\u27a1\u2b1b"
)
# The flags of England, Scotland and Wales (emoji-sequences.txt): a black flag, five tags, and the tag that ends them.
_FLAG = (
    "\U0001f3f4\U000e0067\U000e0062"
    "(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)\U000e007f"
)
# What stays in a key: a flag, and a joiner between pictures, the first of them perhaps with its selector. Selectors do not stay:
# most pictures look the same with and without.
_COUNTS = re.compile(
    f"(?P<kept>{_FLAG}|(?:(?<=[{_PICTURE}])|(?<=[{_PICTURE}]\ufe0f))\u200d(?=[{_PICTURE}]))|[{_IGNORABLE}]"
)
_NOTHING = re.compile(rf"[{_IGNORABLE}\s]*")


def checked(name: str | None, problems: ErrorCollector, *path: str) -> str:
    """The trimmed name: 1 to 64 code points, one of them visible, any Unicode (emoji too) but control characters and surrogates.

    What is wrong goes to `problems` under `path`.
    """
    trimmed = (name or "").strip()
    if not trimmed:
        problems.add(UserErrorCode.REQUIRED, f"A name of 1 to {MAXIMUM} characters is needed.", *path)
    elif len(trimmed) > MAXIMUM:
        problems.add(
            UserErrorCode.TOO_LONG, f"The name has {len(trimmed)} characters; at most {MAXIMUM} are allowed.", *path
        )
    elif _NOTHING.fullmatch(trimmed):
        problems.add(UserErrorCode.INVALID, "The name shows nothing: give it a visible character.", *path)
    elif has_control_characters(trimmed) or not _BREAKS.isdisjoint(trimmed):
        problems.add(
            UserErrorCode.INVALID, "The name holds a control character (a line break, a tab, …); remove it.", *path
        )
    return trimmed


# Unicode's own line and paragraph breaks.
_BREAKS = frozenset("\u2028\u2029")


def has_control_characters(text: str) -> bool:
    """Whether a text holds controls (a line break, a tab, …) or halves of characters."""
    # Most texts are printable, which Python tells at once.
    return not text.isprintable() and any(unicodedata.category(one) in {"Cc", "Cs"} for one in text)


def key_within(text: str) -> str | None:
    """What the keys of names are searched for when somebody looks for a text within them; None when no name can hold it."""
    # No name's key is longer, and none holds NUL (PostgreSQL's texts cannot).
    if len(text) > MAXIMUM_KEY or "\0" in text:
        return None
    found = _folded(text)
    return None if len(found) > MAXIMUM_KEY else found


def key(name: str) -> str:
    """What makes two names the same: Unicode's toNFKC_Casefold (D146, R5), which leaves out what shows nothing; but in emoji
    it stays where it changes the picture.

    It can be longer than the name. Takes time by the square of the marks on one letter: only for texts of a bounded length.
    """
    return _folded(name).strip()  # a space may have stood behind what shows nothing


def _folded(name: str) -> str:
    shown = _COUNTS.sub(_kept, unicodedata.normalize("NFKC", name))
    # What stood apart may combine now, so that it is normalized before its case is folded, and after.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold())


def _kept(match: re.Match[str]) -> str:
    return match["kept"] or ""
