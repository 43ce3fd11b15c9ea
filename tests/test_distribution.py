"""The guard that keeps statements fit for a distributed PostgreSQL: what it refuses, and that it sees what is sent."""

import pytest

from app.calls.model import Call
from tests.calls.conftest import gateway_of, report
from tests.support import distribution
from tests.support.installation import Installation, Person, World

_OF_EACH = "SELECT b.id FROM {} o CROSS JOIN LATERAL (SELECT id FROM calls WHERE account_id = o.id LIMIT 3) b"
_COUNT = "SELECT (SELECT COUNT(*) FROM calls c WHERE c.account_id = s.{}) FROM {} s"
_HAS_CALLS = (
    "SELECT a.id FROM {} a CROSS JOIN unnest($1::uuid[]) g(x) "
    "WHERE EXISTS (SELECT FROM calls c WHERE c.account_id = a.id AND c.application_id = g.x)"
)
_OF_KEYS = (
    "SELECT s.id FROM stored_credentials s CROSS JOIN unnest($1::uuid[]) g(x) "
    "WHERE EXISTS (SELECT FROM calls c WHERE c.account_id = {} AND c.recording_credential_id = s.id)"
)
_STORE = "INSERT INTO calls (id, size) {} ON CONFLICT (account_id, id) DO UPDATE SET size = {}"
REFUSED = {
    "DELETE FROM calls WHERE id = $1": "DELETE of calls: compare calls.account_id",
    "DELETE FROM calls WHERE account_id = $1 OR id = $2": "DELETE of calls",
    'UPDATE "stored_credentials" SET "fingerprint"=$1 WHERE "id"=$2': "UPDATE of stored_credentials",
    "WITH old AS (SELECT 1 AS id) UPDATE calls SET size = 1 FROM old WHERE calls.account_id = old.id": "UPDATE of calls",
    "SELECT * FROM calls WHERE id = $1 FOR UPDATE": "SELECT with a lock of calls",
    "SELECT * FROM calls WHERE account_id = ANY($1) FOR KEY SHARE": "SELECT with a lock of calls",
    "SELECT c.id FROM accounts a JOIN calls c ON c.account_id = a.id WHERE a.id = $1 FOR UPDATE OF c": "with a lock of calls",
    "SELECT id FROM call_accounts WHERE service_provider_id = $1 FOR SHARE": "compare call_accounts.id",
    _STORE.format("SELECT $1, $2", "$3"): "a parameter behind DO UPDATE",
    "INSERT INTO audit_events (id, at) VALUES ($1, (SELECT now()))": "write INSERT … SELECT",
    _OF_EACH.format("unnest($1::uuid[])"): "LATERAL that depends on o.id",
    _OF_EACH.format("accounts"): "let it depend on call_accounts",
    _OF_EACH.format("(SELECT a.id FROM accounts a JOIN call_accounts USING (id))"): "LATERAL",
    _OF_EACH.format("stored_credentials"): "LATERAL",
    _COUNT.format("id", "accounts"): "a correlated subquery that depends on s.id",
    _COUNT.format("id", "unnest($1::uuid[])"): "a correlated subquery",
    _OF_KEYS.format("g.x"): "a correlated subquery that depends on g.x",
}
ACCEPTED = [
    "DELETE FROM calls WHERE account_id = $1 AND id = $2",
    "DELETE FROM calls WHERE account_id IN ($1, $2) AND id = ANY($3)",
    "DELETE FROM audit_events WHERE id = $1",
    "SELECT * FROM calls c WHERE c.account_id = $1 AND c.id = $2 FOR UPDATE",
    "SELECT * FROM accounts a JOIN calls c ON c.account_id = a.id WHERE a.id = $1 FOR UPDATE OF a",
    "SELECT newest_month FROM call_accounts WHERE id = $1 FOR KEY SHARE",
    _STORE.format("SELECT $1, $2", "excluded.size"),
    _STORE.format("VALUES ($1, $2)", "$3"),
    _OF_EACH.format("call_accounts"),
    _OF_EACH.format("(SELECT id FROM call_accounts WHERE id = ANY($1))"),
    _COUNT.format("account_id", "stored_credentials"),
    _HAS_CALLS.format("call_accounts"),
    _OF_KEYS.format("s.account_id"),
    "CREATE TABLE calls_2026_01 (LIKE calls INCLUDING ALL)",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_a_statement_that_a_distributed_database_cannot_run_is_refused(sql: str) -> None:
    (fault,) = distribution.faults_of(sql)
    assert REFUSED[sql] in fault


@pytest.mark.parametrize("sql", ACCEPTED)
def test_a_statement_that_a_distributed_database_can_run_is_accepted(sql: str) -> None:
    assert distribution.faults_of(sql) == []


async def test_statements_of_the_application_are_checked_and_those_of_tests_are_not(
    installation: Installation, world: World, provider: Person, statements_watched: distribution.Watched
) -> None:
    await report(await gateway_of(installation, installation=True), {"accountId": world["own"], "callId": "one"})
    await provider.ask("{ recentCalls { nodes { id } } }")
    for part in ("INSERT INTO calls ", "INSERT INTO call_keys ", "LATERAL ("):
        assert any(part in sql for sql in statements_watched.seen), part
    async with installation.database():
        await Call.filter(gateway_call_id="one").delete()
    assert statements_watched.faults == []


def test_a_refusal_says_what_is_wrong_where_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = distribution.Watched()
    monkeypatch.setattr(distribution, "_sender", lambda: "app/recording/deletion.py:7")
    sql = "DELETE FROM calls WHERE id = $1"
    watched.look(sql)
    (said,) = watched.faults
    assert said == (
        "This statement of app/recording/deletion.py:7 would fail once calls are distributed by account over several servers:\n\n"
        "    DELETE FROM calls WHERE id = $1\n\n"
        "* DELETE of calls: compare calls.account_id with a value, so that one server can do it.\n\n"
        "No other test detects it: on a single PostgreSQL it works. The rules are in tests/support/distribution.py."
    )
