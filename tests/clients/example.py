"""A server with one account, which is created through the API with the documents of the clients."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from graphql import concat_ast, parse, print_ast, separate_operations

from tests.clients.projects import REPOSITORY, SOURCES, Failed

_START_SECONDS = 30
_STOP_SECONDS = 15
_LOG_LINES = 20


@dataclass(frozen=True)
class Example:
    """The address of the API, keys, and the account that a client must read."""

    url: str
    key: str
    account: dict[str, Any]
    gateway_key: str

    def report(self, **call: Any) -> None:
        """Reports a call of the account, as its voice gateway. Raises Failed."""
        payload = _Caller(self.url, self.gateway_key).change(
            "ReportCalls", calls=[{"accountId": self.account["id"], **call}]
        )
        if payload["rejected"]:
            raise Failed(f"server: a reported call is rejected: {payload['rejected']}")


@contextmanager
def served() -> Iterator[Example]:
    """Runs a server on its own database. Raises Failed."""
    with tempfile.TemporaryDirectory(prefix="clients-") as folder, reserved() as closed_port:
        port = _free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": folder,
            # The account's storage refuses connections: its test fails and reports eight steps.
            "OUTBOUND_ALLOWED_HOSTS": f"127.0.0.1:{closed_port}",
        }
        made = subprocess.run(
            (sys.executable, "-m", "app", "create-admin"),
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            check=False,
        )
        if made.returncode:
            raise Failed(f"server: create-admin failed:\n{made.stderr}")
        log = Path(folder) / "server.log"
        with log.open("w") as output:
            server = subprocess.Popen(
                (sys.executable, "-m", "app", "serve", "--port", str(port)),
                cwd=REPOSITORY,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait(server, port, log)
            yield _filled(f"http://127.0.0.1:{port}/graphql", made.stdout.strip(), f"http://127.0.0.1:{closed_port}")
        finally:
            server.terminate()
            try:
                server.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _filled(url: str, admin_key: str, storage_url: str) -> Example:
    admin = _Caller(url, admin_key)
    provider = admin.change("CreateServiceProvider", name="Northern Voice")["serviceProvider"]
    created = admin.change("CreateAccount", name="Bakery", serviceProviderId=provider["id"])["account"]
    # A patch keeps absent fields: the client must read the name of the creation and the realm of the change.
    changed = admin.change("UpdateAccount", id=created["id"], sipRealm="bakery.example.com", ifVersion=1)["account"]
    admin.change(
        "ConfigureRecording",
        accountId=created["id"],
        enabled=True,
        audioFormat="WAV",
        bucketVendor="S3_COMPATIBLE",
        endpointUrl=storage_url,
        bucketName="bakery-calls",
        region="us-east-1",
        accessKeyId="AKIAIOSFODNN7EXAMPLE",
        secretAccessKey="only-for-this-check",
        s3Tags=[{"name": "customer", "value": "Zoës Bäckerei"}, {"name": "purpose", "value": ""}],
    )
    tested = admin.change("TestStoredStorage", accountId=created["id"])["recordingConfig"]
    if tested["lastVerification"] is None or len(tested["lastVerification"]["steps"]) != 8:
        raise Failed(f"server: the storage test does not have eight steps: {tested}")
    owner = {"accountId": created["id"]}
    account_key = admin.change("CreateApiKey", name="Portal", owner=owner, accessLevel="READ_ONLY")["apiKey"]
    # The client uses another key than the one it reads, because each use changes `lastUsedAt`.
    reader = admin.change("CreateApiKey", name="Reader", owner={"serviceProviderId": provider["id"]})
    gateway = admin.change(
        "CreateApiKey", name="Gateway", owner={"serviceProviderId": provider["id"]}, accessLevel="GATEWAY"
    )
    keys = {"nodes": [account_key], "pageInfo": {"hasNextPage": False}, "totalCount": 1}
    account = {**changed, "recordingConfig": tested, "apiKeys": keys}
    return Example(url, reader["token"], account, gateway["token"])


def operations() -> dict[str, str]:
    """The clients' operations by name, each with its fragments."""
    documents = [parse(path.read_text()) for path in sorted((SOURCES / "documents").glob("*.graphql"))]
    return {name: print_ast(document) for name, document in separate_operations(concat_ast(documents)).items()}


class _Caller:
    """Sends the clients' documents without a generated client."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key
        self._operations = operations()

    def change(self, operation: str, /, **input: Any) -> dict[str, Any]:
        """The payload of a mutation that must succeed. Raises Failed."""
        response = httpx.post(
            self._url,
            json={"query": self._operations[operation], "variables": {"input": input}},
            headers={"Authorization": f"Bearer {self._key}"},
            timeout=30,
            trust_env=False,
        )
        answer = response.json()
        if "errors" in answer:
            raise Failed(f"server: {operation} is rejected: {answer['errors']}")
        payload: dict[str, Any]
        (payload,) = answer["data"].values()
        if payload["userErrors"]:
            raise Failed(f"server: {operation} is rejected: {payload['userErrors']}")
        return payload


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with suppress(httpx.TransportError):  # the server does not listen yet
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success:
                return
        time.sleep(0.1)  # not `waiting.until`: the loop also ends with the server, and shows its log
    last_lines = log.read_text().splitlines()[-_LOG_LINES:]
    raise Failed("\n".join(("server: it did not start; the last lines of its log:", *last_lines)))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def reserved() -> Iterator[int]:
    """A port that refuses every connection and stays reserved: bound, but not listening."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
