"""The access matrix: every root field, guarded field and type of object, run as each persona on each row.

    python -m tests.support.access_matrix > tests/access.txt

creates an installation of its own and prints the matrix; `tests/test_access.py` does the same and compares. Fakes replace the
storage, the cache and webhook receivers: the matrix tests access, not their answers.
"""

import asyncio
import contextlib
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.calls.keys import id_at
from app.calls.model import Call as CallRow
from app.calls.model import CallKey, RecordingState
from app.foundation.identifiers import Kind, parse_sid, sid_of
from app.recording.spool import Spool
from app.storage import credentials
from app.storage.model import AudioFormat, BucketVendor
from app.storage.probe import StepResult, VerificationStepName, VerificationStepStatus
from app.storage.s3 import StorageTarget
from app.storage.verification import StorageVerdict, StorageVerifier, VerificationResult
from app.tts_cache.cache import PromptCache
from app.webhooks.delivery import Delivery, OutgoingCall, WebhookSender
from tests.support.access_cases import Case, Ids, cases
from tests.support.installation import Answer, Installation, Person, seed
from tests.support.personas import OF_OTHER_ROLES, OWNERS, add_people, make_owner
from tests.support.servers.postgres import Postgres
from tests.support.websocket_clients import first_event

PERSONAS = {
    "no key": None,
    "account user": "account_user",
    "read-only key": "read_only",
    "provider": "provider",
    "admin": "admin",
    "person": None,
    "editor": None,
    "listener": None,
    "viewer": None,
    "provider person": None,
    "provider viewer": None,
    "account's owner": None,
    "admin person": None,
    "gateway key": None,
}
# The names of the people behind personas.
PEOPLE = {
    "person": "ann",
    "editor": "edda",
    "listener": "liz",
    "viewer": "vic",
    "provider person": "boss",
    "provider viewer": "vera",
    "account's owner": "owen",
    "admin person": "root",
}

LEGEND = """\
Who may do what. Printed by `make access` from a running server; never edited by hand.

Persons (columns)
  no key          an unauthenticated caller
  account user    a key of one account ("own"), FULL
  read-only key   a key of the same account, READ_ONLY
  provider        a key of the service provider that runs the own and the sibling account, FULL
  admin           a key of the installation, FULL
  person          a MANAGER of the own account, by the token of a session
  editor          an EDITOR of the own account, likewise
  listener        a LISTENER of the own account, likewise
  viewer          a VIEWER of the own account, likewise
  provider person a MANAGER of that service provider, likewise
  provider viewer a VIEWER of that service provider, likewise
  account's owner a VIEWER of that service provider who owns the own account, likewise
  admin person    a MANAGER of the installation, likewise
  gateway key     a key of the same provider as above, GATEWAY

Rows
  own             the account of the account user, or what belongs to it
  sibling         another account of the same service provider
  foreign         an account of another service provider
  provider        the service provider of the own account, or what belongs to it; "other": the one of the foreign account
  installation    what belongs to no provider and no account
  by default      the input names no owner

Answers
  ok              the value, or the change was made        n=2   a list with two rows
  null            not visible or missing: they look alike           -     the object itself was null
  NOT_FOUND …     a code of `userErrors`; nothing was changed
  FORBIDDEN …     a code of the top-level `errors`; "FORBIDDEN input": because of an input field; nothing was changed

"needs" is the requirement in the contract: one of the scopes (A = ADMIN, S = SERVICE_PROVIDER), permissions, a person (USER).
"""


def outcome(case: Case, answer: Answer) -> str:
    """The outcome in one word."""
    if answer.errors:
        error = answer.errors[0]["extensions"]
        assert len(answer.errors) == 1, answer.errors
        assert error["code"] != "INTERNAL_SERVER_ERROR", (case, answer.errors)
        return f"{error['code']} input" if "inputFields" in error else str(error["code"])
    value = answer.data
    for step in case.path[:-1]:
        value = value[step]
        if value is None:
            return "-"
    value = value[case.path[-1]]
    if value is None or (isinstance(value, list) and value and not any(value)):
        return "null"
    if isinstance(value, dict):
        if value.get("rejected"):
            return " ".join(error["code"] for each in value["rejected"] for error in each["errors"])
        if value.get("userErrors"):
            return " ".join(sorted({error["code"] for error in value["userErrors"]}))
        if "totalCount" in value:
            return f"n={value['totalCount']}"
    return "ok"


class AcceptingVerifier:
    """Replaces the verifier: every storage works."""

    async def verify(self, _draft: Any, *_owners: Any) -> VerificationResult:
        steps = [StepResult(name, VerificationStepStatus.PASSED) for name in VerificationStepName]
        return VerificationResult(StorageVerdict.WORKING, True, True, steps, "0" * 32, datetime.now(UTC), 1, 0)


class RemoteSpool:
    """Replaces the spool: waiting recordings are on another machine."""

    id = "another"

    def has(self, _call_id: Any) -> bool:
        return False

    def set_aside_folder(self, _call_id: Any) -> Path:
        return Path("/nowhere")


class EmptyPromptCache:
    """Replaces the prompt cache: it is empty."""

    is_configured = True

    async def clear(self, _account_id: str) -> int:
        return 0


class SuccessfulSender:
    """Replaces the webhook sender: every receiver answers with success."""

    async def send(self, call: OutgoingCall, *_owners: Any) -> Delivery:
        return Delivery(call.url, {}, "", status=204, reply="")


class RowSnapshot:
    """A snapshot of all rows, restored after each change, so that no cell depends on another."""

    TABLES = (
        *("service_providers", "accounts", "api_keys", "recording_configs", "applications", "webhook_deliveries"),
        *("users", "sessions", "login_failures", "password_policies", "stored_credentials", "calls", "call_keys"),
    )
    """Owners before what they own."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self._state: Any = None

    async def keep(self) -> None:
        for table in self.TABLES:
            await self._db.execute_query(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
        # Accounts and users refer to each other.
        await self._db.execute_query("CREATE TABLE kept_owners AS SELECT id, owner_id FROM accounts")
        await self._db.execute_query("UPDATE kept_accounts SET owner_id = NULL")

    async def put_back(self) -> None:
        if self._state is not None and await self._now() == self._state:
            return
        emptied = [f"DELETE FROM {table}" for table in reversed(self.TABLES)]
        filled = [f"INSERT INTO {table} SELECT * FROM kept_{table}" for table in self.TABLES]
        disowned = "UPDATE accounts SET owner_id = NULL"
        owned = "UPDATE accounts SET owner_id = kept.owner_id FROM kept_owners kept WHERE kept.id = accounts.id"
        await self._db.execute_script("; ".join(["BEGIN", disowned, *emptied, *filled, owned, "COMMIT"]))
        self._state = await self._now()

    async def _now(self) -> Any:
        """The last result while nothing was written: most changes are refused, and restoring rows is slow."""
        (row,) = await self._db.execute_query_dict("SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS state")
        return row["state"]


async def matrix(installation: Installation, *, last_first: bool = False) -> str:
    """Runs all cases and prints the matrix; `last_first` runs them in reverse order."""
    admin = installation.person("admin")
    keys = (await admin.ask("{ apiKeys { nodes { id } } }")).only("apiKeys")["nodes"]
    everybody = await add_people(installation, *OWNERS, *OF_OTHER_ROLES)
    await make_owner(everybody, "owen")
    calls = await add_calls(installation)
    ids = Ids(installation.world, keys[0]["id"], everybody, calls, await add_failed_recordings(installation, calls))
    installation.resources.clients[StorageVerifier] = AcceptingVerifier()  # type: ignore[index]
    installation.resources.clients[Spool] = RemoteSpool()  # type: ignore[index]
    installation.resources.clients[PromptCache] = EmptyPromptCache()  # type: ignore[index]
    installation.resources.clients[WebhookSender] = SuccessfulSender()  # type: ignore[index]
    people = {persona: installation.person(name) for persona, name in PERSONAS.items()}
    people |= {persona: everybody[name] for persona, name in PEOPLE.items()}
    people["gateway key"] = await _gateway(installation)
    parts = [LEGEND]
    chapters = list(cases(ids))
    tries = [case for _, chapter in chapters for case in chapter]
    answers: dict[Case, list[str]] = {}
    async with installation.database() as db:
        kept = RowSnapshot(db)
        await kept.keep()
        for case in reversed(tries) if last_first else tries:
            answers[case] = [outcome(case, await _ask(installation, person, case, kept)) for person in people.values()]
    for title, chapter in chapters:
        lines = [[case.covers, case.needs, case.row, *answers[case]] for case in chapter]
        parts.append(_table(title, ["", "needs", "row", *people], lines))
    return "\n".join(parts)


async def _gateway(installation: Installation) -> Person:
    owner = {"serviceProviderId": installation.world["provider"]}
    made = await installation.person("admin").change(
        "createApiKey", "token", name="gateway", accessLevel="GATEWAY", owner=owner
    )
    return installation.holder(made["token"])


async def add_calls(installation: Installation) -> dict[str, str]:
    """Adds a call of each account and returns their ids."""
    made, now = {}, datetime.now(UTC)
    async with installation.database():
        for place in ("own", "sibling", "foreign"):
            account_id = parse_sid(Kind.ACCOUNT, installation.world[place])
            values: dict[str, Any] = {"account_id": account_id, "gateway_call_id": place, "started_at": now}
            call = await CallRow.create(id=id_at(now), **values)
            await CallKey.create(id=call.id, account_id=account_id, gateway_call_id=place)
            made[place] = sid_of(Kind.CALL, call.id)
    return made


async def add_failed_recordings(installation: Installation, calls: dict[str, str]) -> dict[str, str]:
    """Gives each of these calls a failed recording, and returns the ids of the stored credentials that it used."""
    made, target = (
        {},
        StorageTarget(BucketVendor.AWS_S3, None, "calls", "eu-central-1", "AKIAIOSFODNN7EXAMPLE", "s3cret-of-before"),
    )
    async with installation.database():
        for place, call_id in calls.items():
            call = await CallRow.get(id=parse_sid(Kind.CALL, call_id))
            credential_id = await credentials.get_or_create(installation.resources.keyring, call.account_id, target)
            await CallRow.filter(id=call.id).update(
                recording_state=RecordingState.FAILED,
                recording_error={"code": "ACCESS_DENIED", "message": "It could not be stored."},
                recording_format=AudioFormat.MP3,
                recording_vendor=target.vendor,
                recording_bucket=target.bucket,
                recording_region=target.region,
                recording_key=f"2026/01/31/{call_id}.mp3",
                recording_credential_id=credential_id,
            )
            made[place] = sid_of(Kind.STORED_CREDENTIAL, credential_id)
    return made


async def _ask(installation: Installation, person: Person, case: Case, kept: RowSnapshot) -> Answer:
    if case.event is not None:
        return await first_event(installation, person.token, case.document, case.variables, case.event)
    answer = await person.ask(case.document, **case.variables)
    if case.changes:
        await kept.put_back()
    return answer


# Fixed, so that a new long answer in one line does not move the others.
_WIDTHS = (40, 30, 15, 16, *([17] * (len(PERSONAS) - 2)), 15)


def _table(title: str, head: list[str], lines: list[list[str]]) -> str:
    printed = [_line([title, *head[1:]]), "-" * (sum(_WIDTHS[:-1]) + 5)]
    before = ""
    for line in lines:
        # A field is named once, on the first of its rows.
        printed.append(_line([*(line[:2] if line[0] != before else ("", "")), *line[2:]]))
        before = line[0]
    return "\n".join(printed) + "\n"


def _line(words: Any) -> str:
    return "".join(f"{word or '':<{width - 1}} " for word, width in zip(words, _WIDTHS, strict=True)).rstrip()


async def _printed() -> str:
    with tempfile.TemporaryDirectory() as folder, Postgres() as postgres:
        url = postgres.create("matrix")
        world = await seed(Path(folder), url)
        async with Installation.started(world, Path(folder), url, log_level="ERROR") as installation:
            return await matrix(installation)


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        text = asyncio.run(_printed())
    sys.stdout.write(text)
