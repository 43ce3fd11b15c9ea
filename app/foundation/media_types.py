"""Content negotiation by the Accept header (RFC 9110, 12.5.1)."""

import functools
import re

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"
_QUALITY = re.compile(r"0(\.\d*)?|1(\.0*)?")


@functools.lru_cache(maxsize=64)
def accepted(accept: bytes | None, offers: tuple[str, ...]) -> str | None:
    """The media type of `offers` that an Accept header prefers, or None when it accepts none of them.

    Ties go to the more specific range, then to the earlier one, then to the earlier offer. Without the header: the first offer.
    """
    if not accept or not accept.strip(b", \t"):
        return offers[0]
    ranges = [_range(part) for part in accept.decode("latin-1").split(",")]
    best, best_rank = None, (0.0, 0, 0)
    for offer in offers:
        # The most specific range that covers the offer decides.
        covering = [
            (specificity, -position, quality)
            for position, (media, quality) in enumerate(ranges)
            if (specificity := _specificity(media, offer))
        ]
        specificity, position, quality = max(covering, default=(0, 0, 0.0))
        if quality > 0 and (best is None or (quality, specificity, position) > best_rank):
            best, best_rank = offer, (quality, specificity, position)
    return best


def _range(part: str) -> tuple[str, float]:
    """A media range and its quality, from 0 to 1; a malformed quality counts as 0."""
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            quality = float(value) if _QUALITY.fullmatch(value) else 0.0
    return media, quality


def _specificity(media: str, offer: str) -> int:
    if media == offer:
        return 3
    if media == f"{offer.partition('/')[0]}/*":
        return 2
    return 1 if media == "*/*" else 0
