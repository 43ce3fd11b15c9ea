"""A local receiver of webhooks, for `make run`."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_LONGEST_BODY_BYTES = 65_536


class LocalReceiver:
    """Answers 404 below `/moved` and 200 elsewhere."""

    def __init__(self, port: int | None = None) -> None:
        """Uses a free port when none is given or `port` is in use."""
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port or 0), _Handler)
        except OSError:
            self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True

    @property
    def host(self) -> str:
        """`address:port`, for OUTBOUND_ALLOWED_HOSTS."""
        return f"127.0.0.1:{self._server.server_port}"

    def start(self) -> "LocalReceiver":
        """Serves in a thread that ends with this process or with `stop`."""
        Thread(target=self._server.serve_forever, name="local receiver", daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    timeout = 10  # seconds, for an incomplete request

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LONGEST_BODY_BYTES:
            self.send_error(413)
            return
        self.rfile.read(int(length))
        self._answer()

    def _answer(self) -> None:
        is_known = not self.path.startswith("/moved")
        text = b"Thank you.\n" if is_known else b"This webhook has moved.\n"
        self.send_response(200 if is_known else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing: the API's log and `webhookDeliveries` have the requests."""
