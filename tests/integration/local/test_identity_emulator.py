"""The emulator's STS checks a presigned request as AWS's does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.auth
import httpx
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from integration.local.emulator.process import Emulator
from tests.support.aws_samples import policy
from tests.support.moto_access_questions import ADMINISTRATOR

pytestmark = pytest.mark.slow

HOST = "sts.us-east-1.amazonaws.com"
CALLER = "Action=GetCallerIdentity&Version=2011-06-15"
HEADER = "x-wharf-registry"


def answer(aws: Emulator, target: str, host: str = HOST, registry: str = "a") -> httpx.Response:
    headers = {"Host": host, HEADER: registry, "Accept": "application/json"}
    return httpx.get(f"{aws.endpoint}/?{target}", headers=headers)


def signed(keys: Any, query: str = CALLER, host: str = HOST, region: str = "us-east-1") -> str:
    request = AWSRequest("GET", f"https://{host}/?{query}", headers={HEADER: "a"})
    credentials = Credentials(keys.access_key_id, keys.secret_access_key, keys.token)
    SigV4QueryAuth(credentials, "sts", region, expires=900).add_auth(request)
    return str(request.url).partition("?")[2]


def code(response: httpx.Response) -> str:
    return str(response.json()["Error"]["Code"])


def test_it_says_who_has_signed(aws: Emulator) -> None:
    result = answer(aws, signed(aws.credentials)).json()["GetCallerIdentityResponse"]
    assert result["GetCallerIdentityResult"]["Arn"] == ADMINISTRATOR


def test_a_role_has_a_session(aws: Emulator) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}
    iam = aws.session().client("iam")
    document = policy({**trust, "Action": "sts:AssumeRole"})
    arn = iam.create_role(RoleName="web", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    role = aws.assume_role(arn, service="ec2.amazonaws.com")
    result = answer(aws, signed(role)).json()["GetCallerIdentityResponse"]
    session = "arn:aws:sts::123456789012:assumed-role/web/wharf"
    assert result["GetCallerIdentityResult"]["Arn"] == session
    other = role.model_copy(update={"token": "other"})
    assert code(answer(aws, signed(other))) == "InvalidClientTokenId"


def test_every_part_of_the_request_is_signed(aws: Emulator) -> None:
    target = signed(aws.credentials)
    assert code(answer(aws, target, registry="b")) == "SignatureDoesNotMatch"
    assert code(answer(aws, target[:-1] + "x")) == "SignatureDoesNotMatch"
    longer = target.replace("X-Amz-Expires=900", "X-Amz-Expires=901")
    assert code(answer(aws, longer)) == "SignatureDoesNotMatch"
    host = "sts.eu-west-1.amazonaws.com"
    assert code(answer(aws, target, host=host)) == "SignatureDoesNotMatch"


def test_an_unknown_key_is_refused(aws: Emulator) -> None:
    keys = aws.credentials.model_copy(update={"access_key_id": "AKIAEXAMPLEEXAMPLE12"})
    assert code(answer(aws, signed(keys))) == "InvalidClientTokenId"


def test_a_request_lives_for_15_minutes(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for minutes, status in ((14, 200), (16, 403)):
        past = datetime.now(UTC) - timedelta(minutes=minutes)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda past=past: past)
        assert answer(aws, signed(aws.credentials)).status_code == status


def test_public_objects_need_no_signature(aws: Emulator) -> None:
    s3 = aws.session().client("s3")
    s3.create_bucket(Bucket="public")
    keys = ("open/a", "open/.well-known/openid-configuration", "closed/a")
    for key in keys:
        s3.put_object(Bucket="public", Key=key, Body=b"layer")
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    allowed = policy({**everybody, "Resource": "arn:aws:s3:::public/open/*"})
    s3.put_bucket_policy(Bucket="public", Policy=allowed)
    found = [httpx.get(f"{aws.endpoint}/public/{key}") for key in keys]
    assert [response.status_code for response in found] == [200, 200, 403]
    assert {response.content for response in found[:2]} == {b"layer"}
    assert httpx.put(f"{aws.endpoint}/public/open/a").status_code == 403
