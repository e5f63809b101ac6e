import ssl

import pytest
from wharf_proxy.tls import settings


@pytest.mark.parametrize("openssl", [(3, 5, 0), (3, 5, 9, 0, 0), (4, 0, 0)])
def test_debian_13_prefers_the_hybrid_key_exchange_and_has_tickets(
    openssl: tuple[int, ...],
) -> None:
    assert settings(openssl).splitlines() == [
        "ssl_ecdh_curve X25519MLKEM768:X25519:prime256v1:secp384r1;",
        "ssl_session_tickets on;",
    ]


@pytest.mark.parametrize("openssl", [(3, 0, 22, 0, 0), (3, 4, 9)])
def test_an_older_openssl_gets_only_curves_that_it_knows_and_no_tickets(
    openssl: tuple[int, ...],
) -> None:
    assert settings(openssl).splitlines() == [
        "ssl_ecdh_curve X25519:prime256v1:secp384r1;",
        "ssl_session_tickets off;",
    ]


def test_the_openssl_of_this_program_decides() -> None:
    assert settings() == settings(ssl.OPENSSL_VERSION_INFO)
