"""Requests with secrets, valid and invalid, to a sabotaged server; for the tests of its logs."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.installation import World

# The sabotaged server: accounts with certain names cause errors as from a bug, a library or a race, with the name in them.
SERVER = """
import asyncio, gc, logging, sys, warnings
from app.foundation import names
from app.commands.command_line import main
from app.accounts import service

class Sore:
    def __init__(self, text): self.text = text
    def __del__(self): raise RuntimeError(self.text)

def library_call(name):
    try:
        raise ValueError(f"refused {name}")
    except ValueError as error:
        logging.getLogger("library").error("call failed: %s", name, exc_info=True)
        raise RuntimeError(f"cannot keep {name}") from error

async def forgotten(name):
    raise RuntimeError(f"nobody hears of {name}")

real = names.checked
def checked(name, *rest):
    if "MASKED" in (name or ""):
        library_call(name)
    if "FORGOTTEN" in (name or ""):
        asyncio.get_running_loop().create_task(forgotten(name))
        asyncio.get_running_loop().call_later(0.05, gc.collect)
    if "SORE" in (name or ""):
        Sore(name)
    if "WARNED" in (name or ""):
        warnings.warn(f"odd: {name}", stacklevel=1)
        for logger in ("library", "asyncio", "botocore.auth", "tortoise.db_client", "uvicorn.error"):
            logging.getLogger(logger).debug("value %s", name)
            logging.getLogger(logger).warning("value %(name)s", {"name": name})
    return real(name, *rest)
names.checked = checked

service._UNIQUE = ()

sys.exit(main(["serve"]))
"""


@dataclass
class Heard:
    """The server's requests, responses and log."""

    secrets: set[str] = field(default_factory=set)
    request_ids: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    text: str = ""

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [entry for entry in self.entries if entry["event"] == name]


class Caller:
    """Sends requests, and remembers the secrets that must not be logged."""

    def __init__(self, client: httpx.AsyncClient, heard: Heard) -> None:
        self._client = client
        self._heard = heard
        self._number = 0

    def secret(self, about: str = "") -> str:
        """A new marker that counts as a secret."""
        self._number += 1
        made = f"{about}Zq7marker{self._number}x"
        self._heard.secrets.add(made)
        return made

    async def send(self, method: str = "POST", path: str = "/graphql", **rest: Any) -> httpx.Response:
        response = await self._client.request(method, path, **rest)
        self._heard.request_ids.append(response.headers["x-request-id"])
        with contextlib.suppress(ValueError):
            answer = response.json()
            self._heard.codes += [error["extensions"]["code"] for error in answer.get("errors", ())]
        return response

    async def ask(self, token: str | None, query: str, **variables: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = await self.send(json={"query": query, "variables": variables}, headers=headers)
        return response.json().get("data")

    async def change(self, token: str, name: str, selection: str, /, **input: Any) -> Any:
        input_type = f"{name[0].upper()}{name[1:]}Input"
        query = f"mutation ($input: {input_type}!) {{ {name}(input: $input) {{ {selection} userErrors {{ code }} }} }}"
        return ((await self.ask(token, query, input=input)) or {}).get(name)


async def everything(caller: Caller, world: World) -> None:
    """Sends every kind of request with secrets, valid and invalid."""
    admin, user, secret = world.tokens["admin"], world.tokens["account_user"], caller.secret
    await secrets_that_are_shown(caller, world)
    await caller.change(
        user,
        "updateRecordingConfig",
        "recordingConfig { id }",
        accountId=world["own"],
        bucketVendor="S3_COMPATIBLE",
        endpointUrl="http://127.0.0.1:9",
        bucketName=secret("bucket-").lower(),
        accessKeyId=secret("AKIA"),
        secretAccessKey=secret(),
        s3Tags=[{"name": "customer", "value": secret()}],
    )
    await caller.change(user, "verifyStoredRecordingStorage", "verification { verdict }", accountId=world["own"])
    draft = {"bucketVendor": "S3_COMPATIBLE", "bucketName": "calls", "region": "eu-central-1", "accessKeyId": secret()}
    for endpoint in ("http://127.0.0.1:9", f"http://somebody:{secret()}@127.0.0.1:9", f"http://{secret()}.invalid"):
        await caller.change(
            user,
            "verifyRecordingStorage",
            "verification { steps { advice } }",
            **draft,
            accountId=world["own"],
            endpointUrl=endpoint,
            secretAccessKey=secret(),
        )
    # Errors whose messages contain the values.
    for what in ("MASKED ", "FORGOTTEN ", "SORE ", "WARNED ", ""):
        name = secret(what)
        for _ in range(2):  # the second breaks a constraint of the database
            await caller.change(
                admin, "createAccount", "account { id }", name=name, serviceProviderId=world["provider"]
            )
    await wrong_requests(caller, world)
    await wrong_keys(caller, world)


async def secrets_that_are_shown(caller: Caller, world: World) -> None:
    admin, user, secrets = world.tokens["admin"], world.tokens["account_user"], caller._heard.secrets
    made = await caller.change(admin, "createApiKey", "token apiKey { id }", name=caller.secret())
    secrets.add(made["token"])
    rotated = await caller.change(admin, "rotateApiKey", "token", id=made["apiKey"]["id"])
    secrets.add(rotated["token"])
    await caller.ask(made["token"], "{ viewer { scope } }")
    shown = await caller.ask(user, "query ($id: ID!) { account(id: $id) { webhookSecret } }", id=world["own"])
    secrets.add(shown["account"]["webhookSecret"])
    changed = await caller.change(user, "rotateWebhookSecret", "account { webhookSecret }", id=world["own"])
    secrets.add(changed["account"]["webhookSecret"])
    assert all(len(one) > 20 for one in (made["token"], rotated["token"], changed["account"]["webhookSecret"]))


async def wrong_requests(caller: Caller, world: World) -> None:
    secret = caller.secret
    bearer = {"Authorization": f"Bearer {world.tokens['account_user']}"}
    variables = json.dumps({"filter": {"nameContains": secret()}})
    query = "query ($filter: AccountFilter) { accounts(filter: $filter) { totalCount } }"
    await caller.send("GET", params={"query": query, "variables": variables}, headers=bearer)
    await caller.send("GET", params={"query": f'{{ accounts(after: "{secret()}") {{ totalCount }} }}'}, headers=bearer)
    await caller.send("GET", params={"query": f"mutation {{ {secret()} }}"}, headers=bearer)
    await caller.send("GET", params={"access_token": secret(), "query": "{ viewer { scope } }"})
    await caller.send("GET", f"/nowhere/{world.tokens['admin']}", params={"signature": secret()}, headers=bearer)
    await caller.send("GET", f"/recordings/{world.tokens['admin']}", headers=bearer)
    await caller.send("PUT", content=secret(), headers=bearer)
    json_type = {**bearer, "Content-Type": "application/json"}
    for body in (f'{{"query": "{secret()}', f'["{secret()}"]', f'{{"variables": "{secret()}", "query": "{{ a }}"}}'):
        await caller.send(content=body, headers=json_type)
    await caller.send(content=secret().encode() + b"\xff", headers=json_type)
    await caller.send(content=secret().encode() * 100_000, headers=json_type)
    await caller.send(content=secret(), headers={**bearer, "Content-Type": f"text/{secret()}"})
    for text in (f"{{ {secret()} }}", f'{{ account(id: "{secret()}" }}', f'{{ account(id: "{secret()}") {{ id }} }}'):
        await caller.ask(world.tokens["account_user"], text)
    await caller.ask(world.tokens["account_user"], query, filter={"nameContains": [secret()]})
    await caller.ask(world.tokens["account_user"], query, filter={secret(): 1})
    names = ("Cookie", "Referer", "User-Agent", "X-Request-Id", "X-Forwarded-For", "Origin", "Accept")
    await caller.send(json={"query": "{ viewer { scope } }"}, headers={**bearer, **{name: secret() for name in names}})


async def wrong_keys(caller: Caller, world: World) -> None:
    secret = caller.secret
    slipped = f"{world.tokens['admin'][:-1]}!"
    caller._heard.secrets.add(slipped)
    headers = [
        f"Bearer {slipped}",
        f"Bearer {secret('vgk_')}",
        f"Basic {secret()}",
        secret(),
        f"Bearer {world.tokens['provider']} {secret()}",
    ]
    for header in headers:
        for method, path in (("POST", "/graphql"), ("GET", "/schema.graphql")):
            await caller.send(method, path, json={"query": "{ viewer { scope } }"}, headers={"Authorization": header})


async def garbage(port: int, heard: Heard) -> None:
    """Sends bytes that are not HTTP."""
    heard.secrets.add("Zq7garbage")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"Zq7garbage\x00 Authorization: Zq7garbage\r\n\r\n")
    await writer.drain()
    await asyncio.wait_for(reader.read(), 5)
    writer.close()
