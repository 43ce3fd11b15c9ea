"""Masks: texts that forms, logs and our audit trail show instead of a secret. They must not be saved as secrets."""

import re

_BULLETS = "•●∙⬤＊◦○∗✱▪■□█▒░"
_SIGNS = f"*{_BULLETS}.…·"
_WORDS = "hidden|redacted|masked|filtered|removed|secret|password|unchanged|encrypted|sensitive|not shown"
_MASK = re.compile(
    rf"[{_SIGNS}\s]+"  # nothing else
    rf"|[^{_SIGNS}]{{0,8}}[{_BULLETS}]{{3,}}[^{_SIGNS}]{{0,8}}"  # abcd••••, ••••wxyz, ab••••yz
    rf"|[^{_SIGNS}]{{0,4}}\*{{3,}}[^{_SIGNS}]{{0,4}}"  # people type asterisks: fewer other characters are allowed
    rf"|[^{_SIGNS}]{{0,8}}\*{{6,}}[^{_SIGNS}]{{0,8}}"
    rf"|[<‹«\[({{*_%#-]+\s*(?:{_WORDS})(?:\s*[:,=]\s*[\w .-]{{1,32}})?\s*[>›»\])}}*_%#-]+"
    r"|redacted",
    re.IGNORECASE,
)


def is_mask(text: str) -> bool:
    """Whether a text stands for a secret. An empty text does not."""
    return _MASK.fullmatch(text.strip()) is not None
