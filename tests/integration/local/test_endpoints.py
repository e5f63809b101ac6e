"""Targets of a local cloud's requests for its buckets."""

from integration.local.api.vpc_endpoints import ENDPOINT_HEADER
from integration.local.network.endpoints import REFUSALS
from integration.local.network.firewall import METADATA_PORT, render


def configuration(stores: dict[str, str]) -> str:
    return render(
        "endpoints.cfg.j2",
        emulator="10.0.0.1:4566",
        stores=stores,
        roles=[],
        refusals=REFUSALS,
        region="us-east-1",
        endpoint_header=ENDPOINT_HEADER,
        s3_endpoint="vpce-1",
        gateway="10.0.0.1",
        metadata_port=METADATA_PORT,
        hosts={"10.0.0.10": {"instance": "i-1", "role": "wharf-host"}},
        revision="0",
        maxconn=100,
    )


def test_all_buckets_are_the_emulators() -> None:
    assert "use_backend" not in configuration({})


def test_s3_is_told_which_endpoint_a_request_of_a_host_came_through() -> None:
    told = f"http-request set-header {ENDPOINT_HEADER} vpce-1"
    hosts = "{ req.hdr(host) -m sub s3. } !{ src 10.0.0.1 }"
    assert f"{told} if {hosts}" in configuration({})


def test_a_bucket_of_another_s3() -> None:
    text = configuration({"images": "10.0.0.2:8333"})
    assert "use_backend images if { req.hdr(host) -m beg images.s3. }" in text
    assert "server s3 10.0.0.2:8333" in text.partition("backend images\n")[2]


def test_refusals_are_those_of_s3_and_for_the_hosts_that_are_listed() -> None:
    text = configuration({})
    assert text.count("http-request return status 503") == 1
    assert "<Code>SlowDown</Code>" in text
    listed = "src,map_ip(/etc/haproxy/refused.map) -m str SlowDown"
    assert f"if {{ req.hdr(host) -m sub s3. }} {{ {listed} }}" in text


def test_a_host_is_told_who_it_is_and_gets_its_own_role() -> None:
    its_own = [line for line in configuration({}).splitlines() if "{ src 10.0.0.10 }" in line]
    identifier, role, credentials = its_own
    assert 'string "i-1"' in identifier
    assert 'string "wharf-host"' in role
    assert "file /etc/haproxy/i-1 if" in credentials
    assert credentials.endswith("{ path /latest/meta-data/iam/security-credentials/wharf-host }")
