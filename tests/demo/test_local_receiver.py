"""The receiver of webhooks that `make run` starts by itself."""

import httpx
import pytest

from app.demo.local_receiver import LocalReceiver


@pytest.mark.parametrize(("path", "status"), [("/registrations", 200), ("/moved/registrations", 404)])
def test_every_call_is_taken_but_those_to_where_nobody_is_any_more(path: str, status: int) -> None:
    receiver = LocalReceiver().start()
    try:
        with httpx.Client(base_url=f"http://{receiver.host}", trust_env=False) as client:
            assert [client.post(path, json={"test": True}).status_code, client.get(path).status_code] == [
                status,
                status,
            ]
    finally:
        receiver.stop()


def test_a_port_that_is_taken_is_no_hindrance() -> None:
    first = LocalReceiver().start()
    second = LocalReceiver(int(first.host.rpartition(":")[2])).start()
    try:
        assert first.host != second.host
    finally:
        first.stop()
        second.stop()
