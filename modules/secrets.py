"""The ECS secrets of the containers. Terraform's state never holds their values."""

import json

from modules.bindings.aws import (
    Construct,
    SecretsmanagerSecret,
    SecretsmanagerSecretVersion,
    TerraformStack,
)
from modules.expressions import CUSTOMER_KEY
from modules.settings.mirrors import container_secrets


class Secrets(Construct):
    """The HTTP secret that all registries share, and the static keys where they are given.

    The HTTP secret is drawn by AWS at deploy time and written once. It passes Terraform as an
    ephemeral value into a write-only argument (Terraform 1.11 or newer): neither the state nor
    the task definition holds it.

    Exposes ``arns`` and ``http_secret``, an entry of a container's ``secrets``.
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        # CDKTF has no class for ephemeral resources.
        TerraformStack.of(self).add_override(
            "ephemeral.aws_secretsmanager_random_password.http_secret",
            {"password_length": 64, "exclude_punctuation": True},
        )
        http, _ = self._secret(
            "http",
            value="${ephemeral.aws_secretsmanager_random_password.http_secret.random_password}",
            version="${1}",
        )
        self._keys, self._keys_value = self._secret(
            "keys",
            value=(
                "${jsonencode({aws_access_key = var.aws_access_key,"
                " aws_secret_access_key = var.aws_secret_access_key})}"
            ),
            # Terraform cannot see a change of a write-only value. 28 bits of its hash tell of a
            # change and, of 40 random characters, nothing else.
            version=(
                "${nonsensitive(parseint(substr(sha256("
                'join(":", [var.aws_access_key, var.aws_secret_access_key])), 0, 7), 16))}'
            ),
        )
        self.arns = [http.arn, self._keys.arn]
        self.http_secret = {"name": "REGISTRY_HTTP_SECRET", "valueFrom": http.arn}

    def listed(self, secrets: list[dict[str, str]], *, logins: bool = False) -> str:
        """Return a container's secrets as JSON, with the static keys if they are given.

        With ``logins`` the list ends with those of the mirrors that have one.

        Which it is, is known when Terraform plans: the text is one of its templates. It names the
        version of the secret: ECS reads a secret when a task starts only, so that changed keys have
        to change the task definition.
        """
        version = self._keys_value.version_id
        keys = [
            {"name": name, "valueFrom": f"{self._keys.arn}:{key}::{version}"}
            for name, key in (
                ("AWS_ACCESS_KEY_ID", "aws_access_key"),
                ("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"),
            )
        ]
        # Without quotation marks, as in `container_secrets`.
        given = "length(nonsensitive(var.aws_access_key)) > 0"
        more = container_secrets(follow=True) if logins else ""
        only = container_secrets(follow=False) if logins else ""
        with_keys = f"{json.dumps([*secrets, *keys])[:-1]}{more}]"
        without = f"{json.dumps(secrets)[:-1]}{more if secrets else only}]"
        return f"%{{ if {given} }}{with_keys}%{{ else }}{without}%{{ endif }}"

    def _secret(
        self, name: str, *, value: str, version: str
    ) -> tuple[SecretsmanagerSecret, SecretsmanagerSecretVersion]:
        secret = SecretsmanagerSecret(
            self,
            name,
            name=f"${{var.name}}-{name}",
            kms_key_id=CUSTOMER_KEY,
            # Nothing is lost with it, and a name in recovery would block the next deployment.
            recovery_window_in_days=0,
        )
        resource = SecretsmanagerSecretVersion(
            self, f"{name}_value", secret_id=secret.id, secret_string_wo=value
        )
        resource.add_override("secret_string_wo_version", version)
        return secret, resource
