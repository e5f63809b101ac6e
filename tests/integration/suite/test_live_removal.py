"""Removal of a test's images from a live registry, and of nothing else; refusals are reported."""

import httpx
import pytest

from integration.suite.support.removal import remove_images

MINE = "wharf-test/mine"
#: By repository its tags, and the digest behind each.
IMAGES = {
    "production": {"latest": "sha256:p"},
    MINE: {"1": "sha256:a", "same": "sha256:a", "2": "sha256:b"},
    f"{MINE}-too": {"1": "sha256:c"},
    f"{MINE}/below": {"1": "sha256:d"},
}


class Registry:
    """Answers as a registry; ``refusing`` has the status of some methods or paths."""

    def __init__(self, refusing: dict[str, int]) -> None:
        self.images = {name: dict(tags) for name, tags in IMAGES.items()}
        self._refusing = refusing

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        refused = self._refusing.get(request.method) or self._refusing.get(path)
        if refused:
            return httpx.Response(refused)
        if path == "/v2/_catalog":
            later = sorted(name for name in self.images if name > request.url.params["last"])
            return httpx.Response(200, json={"repositories": later})
        name, _, rest = path.removeprefix("/v2/").rpartition("/")
        name, _, kind = name.rpartition("/")
        tags = self.images.get(name, {})
        if kind == "tags":
            return httpx.Response(200, json={"tags": list(tags) or None})
        if request.method == "DELETE":
            self.images[name] = {tag: digest for tag, digest in tags.items() if digest != rest}
            return httpx.Response(202)
        found = tags.get(rest)
        headers = {"Docker-Content-Digest": found} if found else {}
        return httpx.Response(200 if found else 404, headers=headers)


def left(refusing: dict[str, int]) -> dict[str, dict[str, str]]:
    """Return the content of a registry after the removal."""
    registry = Registry(refusing)
    transport = httpx.MockTransport(registry)
    with httpx.Client(transport=transport, base_url="https://registry") as client:
        remove_images(client, MINE)
    return registry.images


def test_all_of_a_repository_and_below_it_goes() -> None:
    assert left({}) == {**IMAGES, MINE: {}, f"{MINE}/below": {}}


def test_who_may_not_see_the_catalog_leaves_what_is_below() -> None:
    assert left({"/v2/_catalog": 403}) == {**IMAGES, MINE: {}}


@pytest.mark.parametrize(
    "refusing",
    [{"DELETE": 405}, {f"/v2/{MINE}/tags/list": 404, f"/v2/{MINE}/below/tags/list": 404}],
    ids=["deletes nothing", "has nothing"],
)
def test_a_registry_may_keep_what_it_has(refusing: dict[str, int]) -> None:
    assert left(refusing) == IMAGES


@pytest.mark.parametrize("status", [403, 500])
def test_a_refusal_is_told(status: int) -> None:
    with pytest.raises(httpx.HTTPStatusError, match=str(status)):
        left({"DELETE": status})
