"""python -m tests.clients.check: generates, compiles and runs typed clients for TypeScript and Python.

Both are generated from schema.graphql and `documents/`, and compiled with strict settings. They read an account of a server that
this check starts, save its account form, and subscribe to a call; their output is compared with the expected one. The first run
installs the generators.
"""

import difflib
import itertools
import json
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from tests.clients import example, projects
from tests.clients.projects import PYTHON, TYPESCRIPT, Failed, Project


def main() -> int:
    missing = projects.missing_requirements()
    if missing:
        print(*missing, sep="\n", file=sys.stderr)
        return 1
    projects.copy_documents()
    started = time.monotonic()
    with ThreadPoolExecutor() as executor:
        preparing = {project: executor.submit(project.prepare) for project in (TYPESCRIPT, PYTHON)}
        try:
            with example.served() as served:
                failures = [
                    failure for project in preparing if (failure := _failure(project, preparing[project], served))
                ]
                # At the end, because it changes what the others read.
                failures += failures or (_form_failures(served) + _watch_failures(served))
        except Failed as failed:
            failures = [str(failed)]
    if failures:
        print(*failures, sep="\n", file=sys.stderr)
        return 1
    seconds = time.monotonic() - started
    print(
        f"The TypeScript and the Python client compile, read the account, save its form and watch calls ({seconds:.0f} s)."
    )
    return 0


def _failure(project: Project, prepared: "Future[None]", served: example.Example) -> str | None:
    try:
        prepared.result()
        printed = project.account(served.url, served.key, served.account["id"])
        _compare(project, printed, served.account)
    except Failed as failed:
        return str(failed)
    return None


def _form_failures(served: example.Example) -> list[str]:
    """Checks that the account form of the TypeScript client saves valid input, and nothing of invalid input."""
    inputs = [("Bakery & Sons 🥨", "Not A Bucket"), ("Bakery & Sons 🥨", "bakery-calls-2")]
    rejected, saved = (TYPESCRIPT.saved(served.url, served.key, served.account["id"], *given) for given in inputs)
    failures = []
    if rejected["name"] != served.account["name"] or list(rejected["mistakes"]) != ["recordingConfig.bucketName"]:
        failures.append(f"typescript: the account form does not reject invalid input: {rejected}")
    if saved != {"name": "Bakery & Sons 🥨", "bucketName": "bakery-calls-2", "mistakes": {}}:
        failures.append(f"typescript: the account form does not save: {saved}")
    return failures


def _watch_failures(served: example.Example) -> list[str]:
    """Checks that the TypeScript client receives a call that is reported while it subscribes. Raises Failed."""
    numbers = {"from": "+493023125001", "to": "+493023125100"}
    with ThreadPoolExecutor() as executor:
        watching = executor.submit(TYPESCRIPT.watched, served.url, served.key, served.account["id"])
        # The client does not say when it has subscribed, so calls are reported until it receives one.
        for number in itertools.count():
            if wait([watching], timeout=0.2).done:
                break
            served.report(callId=f"check-{number}", direction="INBOUND", sipStatus=180, **numbers)
    received = watching.result()
    if received != {**numbers, "endedAt": None, "recording": "NONE"}:
        return [f"typescript: it receives another call than was reported: {received}"]
    return []


def _compare(project: Project, printed: Any, created: dict[str, Any]) -> None:
    """Raises Failed with the lines that differ."""
    # A cursor is opaque: only its presence can be checked.
    if not printed.get("apiKeys", {}).get("pageInfo", {}).pop("endCursor", None):
        raise Failed(f"{project.name}: the page of keys has no endCursor")
    if printed != created:
        lines = difflib.unified_diff(_lines(created), _lines(printed), "created", "printed", lineterm="")
        raise Failed("\n".join((f"{project.name}: it reads another account than was created:", *lines)))


def _lines(account: Any) -> list[str]:
    return json.dumps(account, indent=2, sort_keys=True, ensure_ascii=False).splitlines()


if __name__ == "__main__":
    sys.exit(main())
