"""Credentials, and a session whose clients talk to one endpoint."""

from datetime import datetime
from typing import Any

from localstack_client.config import get_service_endpoints
from localstack_client.session import Session
from pydantic import BaseModel, ConfigDict


class Credentials(BaseModel):
    """An access key; of a role's temporary credentials also the token and when they end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    access_key_id: str
    secret_access_key: str
    token: str | None = None
    expiration: datetime | None = None


class AwsSession(Session):  # type: ignore[misc]  # localstack-client is untyped
    """A boto3-like session: ``AwsSession(endpoint, credentials).client("s3")``.

    localstack-client's own prefers ``AWS_ENDPOINT_URL`` to the host that it is given, and leaves
    the token out of its clients.
    """

    def __init__(self, endpoint: str, credentials: Credentials, region: str = "us-east-1") -> None:
        super().__init__(
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.token,
            region_name=region,
        )
        self._service_endpoint_mapping = dict.fromkeys(get_service_endpoints(), endpoint)
        self.common_protected_kwargs["aws_session_token"] = credentials.token
        self._clients: dict[str, Any] = {}

    def client(self, service_name: str, **kwargs: Any) -> Any:
        """Return a boto3 client of the service; ``kwargs`` are those of ``boto3.client``.

        Without ``kwargs`` it is the same one each time.
        """
        if kwargs:
            return super().client(service_name, **kwargs)
        if service_name not in self._clients:
            self._clients[service_name] = super().client(service_name)
        return self._clients[service_name]
