"""Names read from S3: complete, once each, in lexical order, page by page, in few requests."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeBucket, s3_backends
from wharf_proxy import listing, service

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.slow

BUCKET = "images"
# Distribution issue 4891: with these, version 3.1.1 lists those only that begin no other name.
TAGS = ["1", "2", *map(str, range(10, 20)), "0.1.2", "0.1.20", "v1", "v10", "all", "allp"]
Response = tuple[int, dict[str, str], dict[str, Any]]
Request = Callable[..., Response]


@pytest.fixture
def bucket(endpoint: str) -> Iterator[FakeBucket]:  # noqa: ARG001
    """Yield an empty bucket, as the S3 at `endpoint` holds it."""
    s3 = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    yield s3.create_bucket(BUCKET, "us-east-1")
    empty(s3.buckets[BUCKET])
    s3.delete_bucket(BUCKET)


@pytest.fixture
def client(endpoint: str, bucket: FakeBucket) -> Iterator["S3Client"]:  # noqa: ARG001
    session = boto3.Session("key", "secret", region_name="us-east-1")
    client = session.client("s3", endpoint_url=endpoint)
    yield client
    client.close()


@pytest.fixture
def calls(client: "S3Client") -> list[object]:
    """Return the requests that list the bucket, as they come."""
    calls: list[object] = []
    client.meta.events.register(
        "before-call.s3.ListObjectsV2", lambda params, **_: calls.append(params["query_string"])
    )
    return calls


def empty(bucket: FakeBucket) -> None:
    bucket.keys.clear()


def put(bucket: FakeBucket, *keys: str) -> None:
    # Not through HTTP: some tests take thousands of objects.
    for key in keys:
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(
            bucket.name, listing.REPOSITORIES + key, b""
        )


def push(bucket: FakeBucket, repository: str, *tags: str, pushes: int = 1) -> None:
    """Write the objects of a repository with one layer whose tags were pushed so many times."""
    put(bucket, f"{repository}/_layers/sha256/{'0' * 64}/link")
    for tag in tags:
        folder = f"{repository}/_manifests/tags/{tag}"
        put(bucket, f"{folder}/current/link")
        put(bucket, *(f"{folder}/index/sha256/{number:064}/link" for number in range(pushes)))


@pytest.fixture
def request_(client: "S3Client") -> Request:
    """Send a request to the service as nginx does."""
    application = service.Lists(client, BUCKET)

    def send(route: str, query: str = "", *, repository: str = "", readable: str = "*") -> Response:
        got: list[Any] = []
        environment = {
            "QUERY_STRING": query,
            "HTTP_X_WHARF_ROUTE": route,
            "HTTP_X_WHARF_REPOSITORY": repository,
            "HTTP_X_WHARF_READABLE": readable,
            service.DISCONNECTED: lambda: False,
        }
        (content,) = application(environment, lambda *arguments: got.extend(arguments))
        headers = dict(got[1])
        assert int(headers["Content-Length"]) == len(content)
        return int(got[0].split()[0]), headers, json.loads(content)

    return send


def pages(request_: Request, route: str, n: int, **more: str) -> Iterator[list[str]]:
    """Follow the `Link` header, as far as 100 pages."""
    query = f"n={n}"
    for _ in range(100):
        status, headers, body = request_(route, query, **more)
        assert status == 200
        yield body["tags" if route == "tags" else "repositories"]
        if "Link" not in headers:
            return
        link = headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
        query = urlsplit(link).query
        assert parse_qs(query)["n"] == [str(n)]
    pytest.fail("the pages never end")


@pytest.mark.parametrize("n", [*range(1, 20), 100])
def test_tags_that_begin_others_are_listed_on_pages_of_any_size(
    bucket: FakeBucket, request_: Request, n: int
) -> None:
    push(bucket, "app", *TAGS)
    found = list(pages(request_, "tags", n, repository="app"))
    assert [tag for page in found for tag in page] == sorted(TAGS)
    assert all(len(page) == n for page in found[:-1])


def test_all_tags_are_listed_without_n(bucket: FakeBucket, request_: Request) -> None:
    push(bucket, "app", *TAGS)
    _, headers, body = request_("tags", repository="app")
    assert body == {"name": "app", "tags": sorted(TAGS)}
    assert "Link" not in headers


# Characters before and after the delimiters, and few: names often begin other names.
TAG = st.from_regex(r"[a0_][a0_.-]{0,4}", fullmatch=True)
PART = r"[a0](([._]|-{1,2})?[a0]){0,3}"
REPOSITORY = st.from_regex(rf"{PART}(/{PART}){{0,2}}", fullmatch=True)
PAGED = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


# S3 lists "a-" before "a", because a name ends with "/" there. Random names often miss that case.
@PAGED
@example(names={"a", "a-"}, last="", n=1)
@given(names=st.sets(TAG, min_size=1, max_size=9), last=TAG | st.just(""), n=st.integers(1, 10))
def test_a_page_of_tags_is_the_slice_of_all(
    client: "S3Client", bucket: FakeBucket, names: set[str], last: str, n: int
) -> None:
    empty(bucket)
    push(bucket, "app", *names)
    wanted = [name for name in sorted(names) if name > last]
    assert listing.tags(client, BUCKET, "app").after(last, n) == wanted[:n]
    assert listing.tags(client, BUCKET, "app").after(last) == wanted


@PAGED
@example(names={"a", "a-a"}, last="", n=1, grants={"*"})
@given(
    names=st.sets(REPOSITORY, min_size=1, max_size=9),
    last=REPOSITORY | st.just("") | st.text(max_size=5),
    n=st.integers(1, 10),
    grants=st.sets(
        st.just("*") | REPOSITORY | REPOSITORY.map(lambda name: f"{name}/*"), max_size=4
    ),
)
def test_a_page_of_the_catalog_is_a_slice_of_the_readable_repositories(
    client: "S3Client", bucket: FakeBucket, names: set[str], last: str, n: int, grants: set[str]
) -> None:
    empty(bucket)
    for name in names:
        push(bucket, name, "1")
    readable = [name for name in sorted(names) if name > last and covered(name, grants)]
    found = listing.readable(client, BUCKET, " ".join(grants), last, n)
    assert found == readable[:n], "a repository is on no page"


def covered(name: str, grants: Iterable[str]) -> bool:
    """Return whether a grant covers a repository, as lua/wharf/permissions.lua decides it."""
    return any(
        grant in ("*", name) or (grant.endswith("/*") and name.startswith(grant.removesuffix("*")))
        for grant in grants
    )


def test_a_list_of_1000_tags_takes_one_request(
    client: "S3Client", bucket: FakeBucket, calls: list[object]
) -> None:
    put(bucket, *(f"app/_manifests/tags/v{number}/current/link" for number in range(1000)))
    assert len(listing.tags(client, BUCKET, "app").after("")) == 1000
    assert len(calls) == 1


def test_objects_of_a_repository_take_no_requests_of_the_catalog(
    client: "S3Client", bucket: FakeBucket, calls: list[object]
) -> None:
    for name in ("a", "a/b", "c"):
        put(bucket, *(f"{name}/_layers/sha256/{number:064}/link" for number in range(400)))
    assert listing.repositories(client, BUCKET).after("") == ["a", "a/b", "c"]
    assert len(calls) == 1


def test_objects_of_the_repository_above_are_passed_over(
    client: "S3Client", bucket: FakeBucket, calls: list[object]
) -> None:
    put(bucket, *(f"a/_layers/sha256/{number:064}/link" for number in range(1001)))
    put(bucket, "a/0/_layers/x", "a/b/_layers/x")
    assert listing.repositories(client, BUCKET, "a/").after("") == ["0", "b"]
    assert len(calls) == 2


def test_a_list_goes_on_after_1000_names(
    client: "S3Client", bucket: FakeBucket, calls: list[object]
) -> None:
    wanted = [f"v{number:04}" for number in range(1001)]
    put(bucket, *(f"app/_manifests/tags/{tag}/current/link" for tag in wanted))
    assert listing.tags(client, BUCKET, "app").after("") == wanted
    assert len(calls) == 2


def test_objects_that_are_no_repository_are_not_listed(
    client: "S3Client", bucket: FakeBucket
) -> None:
    put(bucket, "a/", "stray", "b/_manifests/revisions/sha256/0/link")
    assert listing.repositories(client, BUCKET).after("") == ["b"]


def test_an_unknown_repository_is_not_found(request_: Request) -> None:
    status, _, body = request_("tags", repository="unknown")
    assert (status, body["errors"][0]["code"]) == (404, "NAME_UNKNOWN")
    assert body["errors"][0]["detail"] == {"name": "unknown"}


@pytest.mark.parametrize("name", ["A", "a b", "-a", "a#", "é", "a" * 2000], ids=ascii)
def test_an_impossible_name_is_an_unknown_repository(request_: Request, name: str) -> None:
    assert request_("tags", repository=name)[0] == 404


@pytest.mark.parametrize("query", ["", "n=5", "n=0", "last=z"])
def test_a_repository_without_tags_has_an_empty_list(
    bucket: FakeBucket, request_: Request, query: str
) -> None:
    push(bucket, "app")
    status, headers, body = request_("tags", query, repository="app")
    assert (status, body) == (200, {"name": "app", "tags": []})
    assert "Link" not in headers


def test_the_end_of_a_list_has_no_link(bucket: FakeBucket, request_: Request) -> None:
    push(bucket, "app", "1", "2")
    assert "Link" not in request_("tags", "n=2", repository="app")[1]
    assert "Link" in request_("tags", "n=1", repository="app")[1]


@pytest.mark.parametrize("n", ["1001", "10001", "1" * 5000])
def test_n_above_the_maximum_is_capped(bucket: FakeBucket, request_: Request, n: str) -> None:
    push(bucket, "app", "1")
    assert request_("tags", f"n={n}", repository="app")[2]["tags"] == ["1"]
    assert request_("catalog", f"n={n}")[2] == {"repositories": ["app"]}


def test_n_may_have_leading_zeros(bucket: FakeBucket, request_: Request) -> None:
    push(bucket, "app", "1", "2", "3")
    assert request_("tags", f"n={2:030}", repository="app")[2]["tags"] == ["1", "2"]


def test_no_list_is_made_for_a_client_that_has_gone(
    client: "S3Client", calls: list[object]
) -> None:
    environment = {
        "QUERY_STRING": "",
        "HTTP_X_WHARF_ROUTE": "catalog",
        "HTTP_X_WHARF_READABLE": "*",
        service.DISCONNECTED: lambda: True,
    }
    assert service.Lists(client, BUCKET)(environment, lambda *_: None) == []
    assert not calls


@pytest.mark.parametrize("n", ["-1", "x", "1.5", "%C2%B2", "1%202", "0x1"])
@pytest.mark.parametrize("route", ["tags", "catalog"])
def test_invalid_n_is_refused(request_: Request, route: str, n: str) -> None:
    status, _, body = request_(route, f"n={n}", repository="app")
    assert (status, body["errors"][0]["code"]) == (400, "PAGINATION_NUMBER_INVALID")


def test_no_repository_may_be_read_without_a_grant(bucket: FakeBucket, request_: Request) -> None:
    push(bucket, "app")
    assert request_("catalog", readable="")[2] == {"repositories": []}


@pytest.mark.parametrize("last", ["%00", "a%00", "%FF", "%E2%82%AC", "a" * 3000], ids=ascii)
def test_any_last_is_a_place_in_the_list(bucket: FakeBucket, request_: Request, last: str) -> None:
    push(bucket, "zz", "zz")
    status, _, body = request_("catalog", f"last={last}")
    assert status == 200
    assert body["repositories"] in (["zz"], [])
    assert request_("tags", f"last={last}", repository="zz")[0] == 200
