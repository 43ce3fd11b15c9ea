"""The commands of `python -m app`: run in this process, or as a process of their own."""

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from unittest.mock import patch

import httpx

from app.commands.command_line import main
from app.foundation.settings import Settings
from tests.support.installation import Installation
from tests.support.waiting import until


def environment_of(settings: Settings, **changed: str) -> dict[str, str]:
    """The environment of a command on the database of these settings."""
    return {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "ENCRYPTION_KEYS": settings.encryption_keys,
        "HASH_KEY": settings.hash_key,
        **changed,
    }


async def ended(environment: dict[str, str], *arguments: str) -> tuple[int | None, str, str]:
    """How a command ends, and what it wrote to its standard output and error.

    It runs in a thread of this process: a new one needs a second of CPU to import the application.
    """
    return await asyncio.get_running_loop().run_in_executor(None, _main, environment, arguments)


def _main(environment: dict[str, str], arguments: tuple[str, ...]) -> tuple[int | None, str, str]:
    printed, wrong = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, environment, clear=True),
        redirect_stdout(printed),
        redirect_stderr(wrong),
    ):
        status = main(list(arguments))
    return status, printed.getvalue(), wrong.getvalue()


async def ended_process(environment: dict[str, str], *arguments: str) -> tuple[int | None, str, str]:
    """Like `ended`, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            printed, wrong = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, printed.decode(), wrong.decode()


async def run(installation: Installation, command: str, **changed: str) -> str:
    """The output of a command on the installation's database."""
    status, printed, wrong = await ended(environment_of(installation.settings, **changed), command)
    assert status == 0, wrong
    return printed


async def is_ready(client: httpx.AsyncClient) -> bool:
    """Whether a server reports that it is ready; False while it starts."""
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


@asynccontextmanager
async def serving(
    environment: dict[str, str], port: int, *options: str
) -> AsyncIterator[tuple[httpx.AsyncClient, list[str]]]:
    """Starts `python -m app serve` and waits until it is ready; yields the lines of its log so far."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "serve", "--port", str(port), *options),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    lines: list[str] = []
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            await until(lambda: is_ready(client))
            yield client, lines
    finally:
        process.terminate()
        lines += (await process.communicate())[0].decode().splitlines()
