"""Prints an account as JSON: GRAPHQL_URL=… API_KEY=… ACCOUNT_ID=AC… python read_account.py"""

import os
import sys

from accounts_client import AccountsClient
from accounts_client.enums import VerificationStepStatus


def main() -> None:
    headers = {"Authorization": f"Bearer {os.environ['API_KEY']}"}
    with AccountsClient(os.environ["GRAPHQL_URL"], headers) as client:
        account = client.read_account(os.environ["ACCOUNT_ID"]).account
        limits = client.fill_account_form(os.environ["ACCOUNT_ID"], as_admin=False).limits
    if account is None:
        sys.exit("There is no such account.")
    print(f"A new name may have {limits.account.name_maximum} characters.", file=sys.stderr)
    config = account.recording_config
    if config is not None and config.last_verification is not None:
        for step in config.last_verification.steps:
            if step.status is VerificationStepStatus.FAILED:
                print(f"Recordings would be lost: {step.step.value}: {step.advice}", file=sys.stderr)
    print(account.model_dump_json(by_alias=True, indent=2))


if __name__ == "__main__":
    main()
