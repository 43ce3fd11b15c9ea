"""What a balancer asks a worker."""

from tests.installation import Installation


async def test_a_worker_whose_database_answers_is_ready(installation: Installation) -> None:
    answer = await installation.client.get("/readyz")
    assert (answer.status_code, answer.text) == (200, "ready\n")


async def test_a_worker_that_runs_is_alive(installation: Installation) -> None:
    answer = await installation.client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")
