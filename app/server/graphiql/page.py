"""The GraphiQL page and its files. Its headers keep an API key that is typed into the page in the memory of its tab.

All files come from this server, and the Content-Security-Policy forbids connections to any other.
"""

import hashlib
import json
import secrets
from functools import cached_property
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.foundation.media_types import HTML, JSON, accepted
from app.server.graphiql.install import FOLDER_NAME, file_names, is_installed

_HERE = Path(__file__).parent
_OWN_FILES = ("start.js", "style.css")
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".txt": "text/plain"}
_ONE_YEAR_SECONDS = 31_536_000
# data: is for GraphiQL's fonts, which are in its stylesheet, and for the page's icon. The nonce is for the one <style> element
# with which its dialogs prevent scrolling. `frame-ancestors`: a page with a key may not be framed.
_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; style-src 'self' 'nonce-{nonce}'; font-src 'self' data:; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_NOT_INSTALLED = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>GraphiQL is not installed</title>
<link rel="stylesheet" href="/graphiql/style.css">
<div class="notice">
<h1>GraphiQL is not installed</h1>
<p>Run <code>make install</code> where this server runs, then reload this page. The API itself answers as usual.</p>
</div>
</html>
"""


class Explorer:
    """GraphiQL for browsers at `GET /graphql`; `make install` puts its files into `data_dir`."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER_NAME

    async def page(self, request: Request) -> HTMLResponse:
        """The page; 503 and a page with instructions while its files are not installed."""
        nonce = secrets.token_urlsafe(16)
        installed = is_installed(self._folder)
        return HTMLResponse(
            self._html.replace("{nonce}", nonce) if installed else _NOT_INSTALLED,
            status_code=200 if installed else 503,
            headers={
                "Content-Security-Policy": _CONTENT_SECURITY_POLICY.format(nonce=nonce),
                "X-Frame-Options": "DENY",
                "Referrer-Policy": "no-referrer",
                "Cross-Origin-Opener-Policy": "same-origin",
                # Also keeps the page, and a key in it, out of the browser's back-forward cache.
                "Cache-Control": "no-store",
                "Vary": "Authorization, Accept",
            },
        )

    def routes(self) -> list[Route]:
        """`/graphiql/<file>`, by exact name only, so that no path leaves the folder; and `/`, which redirects to the page."""
        return [Route("/graphiql/{name}", self._asset, methods=["GET"]), Route("/", self._root, methods=["GET"])]

    async def _root(self, request: Request) -> Response:
        if accepted(request.headers.get("accept", "").encode("latin-1"), (JSON, HTML)) != HTML:
            raise HTTPException(404)
        return RedirectResponse("/graphql", headers={"Vary": "Accept"})

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name in _OWN_FILES:
            content = self._own_files[name]
        elif name in file_names() and is_installed(self._folder):
            content = self._installed_files[name]
        else:
            raise HTTPException(404)
        version = _version(content)
        is_immutable = request.query_params.get("v") == version
        headers = {
            "ETag": f'"{version}"',
            "Cache-Control": f"public, max-age={_ONE_YEAR_SECONDS}, immutable" if is_immutable else "no-cache",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=_MEDIA_TYPES[Path(name).suffix], headers=headers)

    @cached_property
    def _own_files(self) -> dict[str, bytes]:
        return {name: (_HERE / name).read_bytes() for name in _OWN_FILES}

    @cached_property
    def _installed_files(self) -> dict[str, bytes]:
        """Read at the first use: `make install` may run after the server has started."""
        return {name: (self._folder / name).read_bytes() for name in file_names()}

    @cached_property
    def _html(self) -> str:
        """The page with the versions of its files and its tabs; `{nonce}` is replaced per request."""
        html = (_HERE / "page.html").read_text(encoding="utf-8")
        for name, content in (self._own_files | self._installed_files).items():
            html = html.replace(f'"/graphiql/{name}"', f'"/graphiql/{name}?v={_version(content)}"')
        return html.replace("{tabs}", _tabs().replace("<", "\\u003c"))


def _tabs() -> str:
    """The examples in the order of their file names, as the JSON that `start.js` reads."""
    tabs = []
    for document in sorted((_HERE / "tabs").glob("*.graphql")):
        variables = document.with_suffix(".json")
        tabs.append(
            {
                "query": document.read_text(encoding="utf-8").rstrip(),
                "variables": variables.read_text(encoding="utf-8").rstrip() if variables.exists() else "",
            }
        )
    return json.dumps(tabs, ensure_ascii=False)


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
