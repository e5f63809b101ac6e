"""The settings of a certificate that renews itself."""

from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from modules.settings.kinds import AcmeDirectory, AcmeEmail, Certificates

HTTPS = 443
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"


class CertificateSettings(BaseModel):
    """An ACME authority, and the account there; part of the settings of an environment."""

    acme_email: AcmeEmail = Field(
        "",
        description="Mail address of the account with an ACME authority, which then issues the "
        "certificate of domain by a record in dns_zone_id, and renews it. Who gives it accepts the "
        "authority's terms. Empty means that certificates are published by hand.",
    )
    acme_directory: AcmeDirectory = Field(
        LETS_ENCRYPT,
        description="URL of the ACME directory of the authority; Let's Encrypt's for trials is "
        "https://acme-staging-v02.api.letsencrypt.org/directory.",
    )
    acme_trust: Certificates = Field(
        "",
        description="Root certificates in PEM of an authority whose own TLS certificate the "
        "system does not trust.",
    )

    @property
    def authority_port(self) -> int:
        """Port of the authority, if one is asked; otherwise HTTPS's."""
        return (self.acme_email and urlsplit(self.acme_directory).port) or HTTPS
