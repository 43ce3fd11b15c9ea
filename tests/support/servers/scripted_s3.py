"""An S3 server with scripted answers, for what no local server does: wrong regions, clock skew, hanging up.

It is a small S3 that works, in memory and without checking signatures; `s3.answers["put"] = error(503, "SlowDown")`
changes one of its calls: bucket (HEAD of it), put (parts too), head, get, tags, create (complete too), abort, delete, uploads.
"""

import asyncio
import contextlib
import enum
import inspect
import secrets
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass
class Request:
    """A received request; `call` is the name of the S3 operation."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def call(self) -> str:
        if self.method == "DELETE":
            return "abort" if "uploadId" in self.query else "delete"
        if self.method == "GET":
            return "tags" if "tagging" in self.query else "uploads" if "uploads" in self.query else "get"
        if self.method == "HEAD":
            return "head" if self.path.count("/") > 1 else "bucket"
        return {"PUT": "put", "POST": "create"}[self.method]


@dataclass
class Answer:
    """A response; its length is added."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Behaviour = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
Script = Answer | Behaviour | Callable[[Request], "Answer | None"]


def error(status: int, code: str, message: str = "", *, headers: dict[str, str] | None = None, **fields: str) -> Answer:
    """An S3 error document; `fields` are further elements, such as Region."""
    more = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>"
    return Answer(status, body.encode(), {"Content-Type": "application/xml", **(headers or {})})


async def hang(_: Request, __: asyncio.StreamWriter) -> None:
    """Reads the request and never answers."""
    await asyncio.Event().wait()


async def reset(_: Request, writer: asyncio.StreamWriter) -> None:
    """Ends the connection with a TCP reset."""
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def close(_: Request, writer: asyncio.StreamWriter) -> None:
    """Closes the connection without an answer."""
    writer.close()


async def endless_body(_: Request, writer: asyncio.StreamWriter) -> None:
    """Answers 400 with an error whose XML never ends, as fast as it is read."""
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/xml\r\n\r\n<Error><Code>")
    while True:
        writer.write(b"A" * 65536)
        await writer.drain()


async def endless_object(_: Request, writer: asyncio.StreamWriter) -> None:
    """Answers 200 with an object that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: binary/octet-stream\r\n\r\n")
    while True:
        writer.write(b"A" * 65536)
        await writer.drain()


async def drip_body(_: Request, writer: asyncio.StreamWriter) -> None:
    """Answers 200 and sends one byte of the body every 50 ms, so that no read ever times out."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"A")
        await writer.drain()
        await asyncio.sleep(0.05)  # slowness itself is what the other side has to bear


async def drip_headers(_: Request, writer: asyncio.StreamWriter) -> None:
    """Sends one byte of a header every 50 ms, without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.05)  # slowness itself is what the other side has to bear


def tls_of(certificate: Path) -> ssl.SSLContext:
    """The context of a server with this certificate and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def raw(data: bytes) -> Behaviour:
    """Sends these bytes and closes."""

    async def send(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return send


class Expect(enum.Enum):
    """What a server does with `Expect: 100-continue`."""

    CONTINUE = "answers 100"
    IGNORE = "waits for the body in silence"
    REFUSE = "answers 417"


class ScriptedS3:
    """`async with ScriptedS3() as s3`: a server on a free port of the loopback."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.answers: dict[str, Script] = {}
        self.expect = Expect.CONTINUE
        self.requests: list[Request] = []
        self.objects: dict[str, bytes] = {}
        self.object_tags: dict[str, str] = {}
        self.uploads: dict[str, str] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.connections = 0
        self.open_now = 0
        self.most_open = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> "ScriptedS3":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def endpoint(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    @property
    def calls(self) -> list[str]:
        return [request.call for request in self.requests]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            while (request := await _read(reader, writer, self.expect)) is not None:
                self.requests.append(request)
                await self._answer(request, writer)
                if writer.is_closing():
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # the other side has gone, or the test is over
        finally:
            self.open_now -= 1
            self._tasks.discard(task)
            with contextlib.suppress(ConnectionError):
                writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        script = self.answers.get(request.call)
        if script is None:
            answer: Answer | None = self.work(request)
        elif isinstance(script, Answer):
            answer = script
        else:
            given: Any = script
            if inspect.iscoroutinefunction(script):
                await given(request, writer)
                return
            answer = given(request) or self.work(request)
        assert answer is not None
        await self.send(answer, request, writer)

    async def send(self, answer: Answer, request: Request, writer: asyncio.StreamWriter) -> None:
        """Writes a response; for behaviours that end with a normal one."""
        headers = {"x-amz-request-id": f"REQ{len(self.requests)}", **answer.headers}
        headers["Content-Length"] = str(len(answer.body))
        body = b"" if request.method == "HEAD" else answer.body
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {answer.status} -\r\n{lines}\r\n".encode() + body)
        await writer.drain()

    def work(self, request: Request) -> Answer:
        """Answers like a small working S3."""
        key = request.path
        match request.call:
            case "put" if "uploadId" in request.query:
                self.parts.setdefault(request.query["uploadId"], {})[int(request.query["partNumber"])] = request.body
                return Answer(headers={"ETag": '"p"'})
            case "create" if "uploadId" in request.query:
                parts = self.parts.pop(request.query["uploadId"], {})
                self.uploads.pop(request.query["uploadId"], None)
                self.objects[key] = b"".join(parts[number] for number in sorted(parts))
                return Answer(body=b"<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>")
            case "put":
                self.objects[key] = request.body
                self.object_tags[key] = request.headers.get("x-amz-tagging", "")
                return Answer(headers={"ETag": '"e"'})
            case "get" if key in self.objects:
                return Answer(body=self.objects[key])
            case "tags" if key in self.objects:
                pairs = parse_qsl(self.object_tags[key], keep_blank_values=True)
                tags = "".join(f"<Tag><Key>{name}</Key><Value>{value}</Value></Tag>" for name, value in pairs)
                return Answer(body=f"<Tagging><TagSet>{tags}</TagSet></Tagging>".encode())
            case "create":
                upload = secrets.token_hex(4)
                self.uploads[upload] = key
                body = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
                return Answer(body=body.encode())
            case "uploads":
                listed = "".join(
                    f"<Upload><Key>{path.split('/', 2)[2]}</Key><UploadId>{upload}</UploadId></Upload>"
                    for upload, path in self.uploads.items()
                )
                return Answer(body=f"<ListMultipartUploadsResult>{listed}</ListMultipartUploadsResult>".encode())
            case "abort":
                self.uploads.pop(request.query["uploadId"], None)
                return Answer(204)
            case "delete":
                self.objects.pop(key, None)
                return Answer(204)
            case "head":
                return Answer(body=self.objects[key]) if key in self.objects else error(404, "NotFound")
            case "bucket":
                return Answer()
        return error(404, "NoSuchKey")


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, expect: Expect) -> Request | None:
    first_byte = await reader.read(1)
    if first_byte == b"\x16":  # a TLS client hello, which a plain HTTP server answers in its own language
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        return None
    if not first_byte:
        return None
    head = first_byte + await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if headers.get("expect", "").lower() == "100-continue":
        if expect is Expect.REFUSE:
            writer.write(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
            return None
        if expect is Expect.CONTINUE:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Request(method, unquote(parts.path), query, headers, body)
