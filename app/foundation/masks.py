"""Masks: what forms, logs and our own audit trail show in the place of a secret, and what must not be saved as one."""

import re

_BULLETS = "•●∙⬤＊◦○∗✱▪■□█▒░"
_SIGNS = f"*{_BULLETS}.…·"
_WORDS = "hidden|redacted|masked|filtered|removed|secret|password|unchanged|encrypted|sensitive|not shown"
_MASK = re.compile(
    rf"[{_SIGNS}\s]+"  # nothing else
    rf"|[^{_SIGNS}]{{0,8}}[{_BULLETS}]{{3,}}[^{_SIGNS}]{{0,8}}"  # abcd••••, ••••wxyz, ab••••yz
    rf"|[^{_SIGNS}]{{0,4}}\*{{3,}}[^{_SIGNS}]{{0,4}}"  # people type asterisks: fewer of the secret may stand beside them
    rf"|[^{_SIGNS}]{{0,8}}\*{{6,}}[^{_SIGNS}]{{0,8}}"
    rf"|[<‹«\[({{*_%#-]+\s*(?:{_WORDS})(?:\s*[:,=]\s*[\w .-]{{1,32}})?\s*[>›»\])}}*_%#-]+"
    r"|redacted",
    re.IGNORECASE,
)


def is_mask(text: str) -> bool:
    """Whether a text is no secret but stands for one. An empty text is no mask."""
    return _MASK.fullmatch(text.strip()) is not None
