"""An S3 server that enforces IAM policies, for permissions that SeaweedFS does not distinguish: deleting, tagging, aborting.

It is moto with its authorization switched on, in a process of its own, and with one rule of AWS added that moto leaves
out: to send tags with an object needs s3:PutObjectTagging.
"""

import json
import secrets
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.waiting import until_blocking

BUCKET = "calls"


class IamS3:
    """`start` blocks until the server answers; `key_that_may` creates identities."""

    def __init__(self) -> None:
        self.endpoint = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: dict[str, str] = {}

    def start(self) -> "IamS3":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        root = Path(__file__).resolve().parents[3]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.servers.iam_s3", str(port)],
            cwd=root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until_blocking(lambda: self._listens(port))
        self._client("s3").create_bucket(Bucket=BUCKET)
        self._admin = self._new_key([{"Effect": "Allow", "Action": "*", "Resource": "*"}])
        request = urllib.request.Request(
            f"{self.endpoint}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}
        )
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()
        return self

    def _listens(self, port: int) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "moto ended while it started"
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", port)) == 0

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def key_that_may(self, *actions: str) -> tuple[str, str]:
        """The key id and secret of a new user with only these permissions in the bucket: `key_that_may("PutObject")`."""
        resources = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
        allowed = [f"s3:{action}" for action in actions]
        key = self._new_key([{"Effect": "Allow", "Action": allowed, "Resource": resources}])
        return key["aws_access_key_id"], key["aws_secret_access_key"]

    def admin(self) -> Any:
        """A client with all permissions."""
        return self._client("s3")

    def _new_key(self, statements: list[dict[str, Any]]) -> dict[str, str]:
        iam, name = self._client("iam"), f"user-{secrets.token_hex(4)}"
        iam.create_user(UserName=name)
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=document)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}

    def _client(self, service: str) -> Any:
        import boto3

        key = self._admin or {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1", **key)


def serve(port: int) -> None:
    """Runs the server."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from moto.s3.responses import S3Response
    from werkzeug.serving import make_server

    enforced = S3Response._authenticate_and_authorize_s3_action

    def enforce(self: Any, bucket_name: str | None = None, key_name: str | None = None) -> None:
        enforced(self, bucket_name=bucket_name, key_name=key_name)
        if self.headers.get("x-amz-tagging"):
            action = self.data["Action"]
            self.data["Action"] = "PutObjectTagging"
            enforced(self, bucket_name=bucket_name, key_name=key_name)
            self.data["Action"] = action

    S3Response._authenticate_and_authorize_s3_action = enforce  # type: ignore[method-assign]
    make_server("127.0.0.1", port, DomainDispatcherApplication(create_backend_app), threaded=True).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
