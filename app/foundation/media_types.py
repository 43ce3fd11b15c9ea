"""Which media type a client likes best, by its Accept header (RFC 9110, 12.5.1)."""

import functools
import re

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"
_QUALITY = re.compile(r"0(\.\d*)?|1(\.0*)?")


@functools.lru_cache(maxsize=64)
def accepted(accept: bytes | None, offers: tuple[str, ...]) -> str | None:
    """The media type of `offers` that an Accept header likes best.

    Ties go to the one that is named more exactly, then to the one that is named first, then to the first offer; so do
    requests without the header. None: nothing fits.
    """
    if not accept or not accept.strip(b", \t"):
        return offers[0]
    ranges = [_range(part) for part in accept.decode("latin-1").split(",")]
    best, best_rank = None, (0.0, 0, 0)
    for offer in offers:
        # The most specific range that covers the offer decides.
        covering = [
            (specificity, -place, quality)
            for place, (media, quality) in enumerate(ranges)
            if (specificity := _specificity(media, offer))
        ]
        specificity, place, quality = max(covering, default=(0, 0, 0.0))
        if quality > 0 and (best is None or (quality, specificity, place) > best_rank):
            best, best_rank = offer, (quality, specificity, place)
    return best


def _range(part: str) -> tuple[str, float]:
    """A media range and how much it is liked, from 0 to 1; what is not written as a number counts as 0."""
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
