"""The local receiver of webhooks."""

import httpx
import pytest

from app.demo.local_receiver import LocalReceiver


@pytest.mark.parametrize(("path", "status"), [("/registrations", 200), ("/moved/registrations", 404)])
def test_requests_are_accepted_except_below_moved(path: str, status: int) -> None:
    receiver = LocalReceiver().start()
    try:
        with httpx.Client(base_url=f"http://{receiver.host}", trust_env=False) as client:
            assert [client.post(path, json={"test": True}).status_code, client.get(path).status_code] == [
                status,
                status,
            ]
    finally:
        receiver.stop()


def test_a_port_in_use_is_replaced_by_a_free_one() -> None:
    first = LocalReceiver().start()
    second = LocalReceiver(int(first.host.rpartition(":")[2])).start()
    try:
        assert first.host != second.host
    finally:
        first.stop()
        second.stop()
