"""Identities for tests: a server with an instance role, and an issuer of tokens."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from integration.clients.deployment import ClientError, Deployment, with_hosts_file
from integration.clients.installed import Podman
from integration.local.cloud import LocalCloud
from integration.local.network.firewall import METADATA_PORT

HELPER = Path(__file__).resolve().parents[3] / "scripts" / "docker_credential_wharf.py"
#: The instance that this machine is for the metadata service.
INSTANCE = "i-00000000000000000"


@dataclass(frozen=True)
class Server:
    """A server in the account, played by this machine; it has an instance role and nothing else.

    Attributes:
        environment: of its programs.
        role: its ARN.
    """

    environment: dict[str, str]
    role: str

    @classmethod
    def in_account(cls, cloud: LocalCloud, role: str, folder: Path) -> Self:
        """Let the metadata service know this machine, and put the helper on its PATH."""
        credentials = cloud.emulator.assume_role(role, service="ec2.amazonaws.com")
        cloud.endpoints.introduce(cloud.network.gateway, INSTANCE, role, credentials)
        cloud.reconcile()
        program = folder / "docker-credential-wharf"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {HELPER} "$@"\n')
        program.chmod(0o755)
        others = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
        metadata = f"http://{cloud.endpoints.address}:{METADATA_PORT}"
        return cls(
            {
                **others,
                "HOME": str(folder),
                "PATH": f"{folder}:{os.environ['PATH']}",
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata,
            },
            role,
        )

    def proof(self, registry: str) -> str:
        """Return a password for a registry, as the helper makes it."""
        return str(json.loads(self.run("docker-credential-wharf", "get", text=registry))["Secret"])

    def run(self, *command: str, text: str = "") -> str:
        """Run a program; return its output.

        Raises:
            ClientError: it failed.
        """
        done = subprocess.run(
            command, env=self.environment, input=text, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ClientError(f"{command[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def skopeo(self, deployment: Deployment, *arguments: str) -> str:
        """Run skopeo, which has no password, and finds the helper."""
        return self._client(deployment, "skopeo", *arguments)

    def podman_pull(self, deployment: Deployment, image: str) -> str:
        """Pull with podman, into a storage of its own; return the digest of the configuration."""
        with Podman(deployment) as podman:
            name = f"{deployment.url.removeprefix('https://')}/{image}"
            return f"sha256:{self._client(deployment, *podman.command('pull', name)).strip()}"

    def _client(self, deployment: Deployment, *command: str) -> str:
        folder = Path(self.environment["HOME"])
        login = folder / "auth.json"
        registry = deployment.url.removeprefix("https://")
        login.write_text(json.dumps({"credHelpers": {registry: "wharf"}}))
        trust = {"SSL_CERT_FILE": str(deployment.ca), "REGISTRY_AUTH_FILE": str(login)}
        environment = {**self.environment, **trust}
        names = with_hosts_file(folder / "hosts", deployment.names)
        return Server(environment, self.role).run(*names, *command)


class Provider:
    """An issuer of OIDC tokens whose documents are in a public bucket, as self-hosted clusters do.

    Args:
        cloud: that has the bucket.
        bucket: its name; it is made.
    """

    def __init__(self, cloud: LocalCloud, bucket: str) -> None:
        self._s3 = cloud.session.client("s3")
        self._bucket = bucket
        self.url = f"https://s3.{cloud.emulator.region}.amazonaws.com/{bucket}"
        self._keys: dict[str, rsa.RSAPrivateKey] = {}
        self._s3.create_bucket(Bucket=bucket)
        self.set_public(True)
        self._put(
            ".well-known/openid-configuration",
            {"issuer": self.url, "jwks_uri": f"{self.url}/keys.json"},
        )
        self.rotate()

    def set_public(self, public: bool) -> None:
        """Let everybody read the documents, or nobody."""
        statement = {
            "Effect": "Allow" if public else "Deny",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{self._bucket}/*",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._s3.put_bucket_policy(Bucket=self._bucket, Policy=policy)

    def rotate(self) -> None:
        """Sign with a new key from now on; the one before stays published."""
        name = str(len(self._keys) + 1)
        self._keys[name] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        to_jwk = jwt.algorithms.RSAAlgorithm.to_jwk
        published = [
            {**json.loads(to_jwk(key.public_key())), "kid": name, "use": "sig", "alg": "RS256"}
            for name, key in list(self._keys.items())[-2:]
        ]
        self._put("keys.json", {"keys": published})

    def token(self, seconds: int = 300, **claims: Any) -> str:
        """Return a token that is good for some seconds."""
        now = int(time.time())
        name = list(self._keys)[-1]
        content = {"iss": self.url, "iat": now, "exp": now + seconds, **claims}
        return jwt.encode(content, self._keys[name], "RS256", {"kid": name})

    def remove(self) -> None:
        """Delete the bucket."""
        for item in self._s3.list_objects_v2(Bucket=self._bucket).get("Contents", []):
            self._s3.delete_object(Bucket=self._bucket, Key=item["Key"])
        self._s3.delete_bucket(Bucket=self._bucket)

    def _put(self, key: str, document: object) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=json.dumps(document).encode())
