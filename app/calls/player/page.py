"""The player page and its files. Numbers and names come from untrusted callers: all values are escaped."""

import hashlib
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.calls.model import Call, CallDirection

_HERE = Path(__file__).parent
_MEDIA_TYPES = {"player.js": "text/javascript", "player.css": "text/css"}
_ONE_YEAR_SECONDS = 31_536_000
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; media-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    # The page's own URL grants access: do not send it to other sites.
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_DIRECTIONS = {CallDirection.INBOUND: "Incoming call", CallDirection.OUTBOUND: "Outgoing call", None: "Call"}
_UNKNOWN = "unknown"
_HIDDEN = "hidden"


class Player:
    """Renders the page of a call."""

    def __init__(self) -> None:
        self._files = {name: (_HERE / name).read_bytes() for name in _MEDIA_TYPES}
        versions = {name.replace(".", "_"): self._address(name) for name in self._files}
        self._page = Template(Template((_HERE / "page.html").read_text("utf-8")).safe_substitute(versions))
        self._refusal = Template(Template((_HERE / "refusal.html").read_text("utf-8")).safe_substitute(versions))

    def page(self, call: Call, address: str, *, with_numbers: bool) -> HTMLResponse:
        """`address` is the URL of the audio, relative to the page. Without numbers it has no direction either."""
        seconds = (call.recording_duration_ms or 0) / 1000
        values: dict[str, str] = {
            "caller": (call.from_number or _UNKNOWN) if with_numbers else _HIDDEN,
            "callee": (call.to_number or _UNKNOWN) if with_numbers else _HIDDEN,
            "kind": _DIRECTIONS[call.direction if with_numbers else None],
            "started_at": call.started_at.isoformat(),
            "started": f"{call.started_at:%Y-%m-%d %H:%M:%S} UTC",
            "seconds": f"{seconds:g}",
            "duration": f"{int(seconds) // 60}:{int(seconds) % 60:02}",
            "bytes": str(call.recording_size_bytes or 0),
            "format": call.recording_format.name if call.recording_format else "",
            "address": address,
        }
        return HTMLResponse(
            self._page.substitute({name: escape(text) for name, text in values.items()}), headers=_HEADERS
        )

    def refusal(self, status: int, message: str, headers: Mapping[str, str]) -> HTMLResponse:
        """A page that says why there is nothing to play."""
        page = self._refusal.substitute(message=escape(message))
        return HTMLResponse(page, status, headers={**headers, **_HEADERS})

    async def asset(self, request: Request) -> Response:
        """The files, by exact name."""
        name = request.path_params["name"]
        if name not in self._files:
            raise HTTPException(404)
        is_versioned = request.query_params.get("v") == _version(self._files[name])
        headers = {
            "Cache-Control": f"public, max-age={_ONE_YEAR_SECONDS}, immutable" if is_versioned else "no-cache",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        return Response(self._files[name], media_type=_MEDIA_TYPES[name], headers=headers)

    def _address(self, name: str) -> str:
        # Relative to the page, which may be below the prefix of a proxy.
        return f"../player/{name}?v={_version(self._files[name])}"


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
