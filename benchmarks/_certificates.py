"""Certificates for servers that speak TLS as localhost."""

from pathlib import Path
from typing import Final

AUTHORITY: Final = "authority.pem"
"""File of a data folder: who vouches for the server."""

BUNDLE: Final = "bundle.pem"
"""File of a data folder: the same, after all that a client trusts by default. Its size is what
makes a TLS context expensive."""

CERTIFICATE: Final = "server.pem"
"""File of a data folder: the server's key and certificate."""


def make_certificates(data: Path) -> None:
    """Make all three files; leave those that are there."""
    if (data / CERTIFICATE).exists():
        return
    import certifi
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(data / AUTHORITY)
    trusted = Path(certifi.where()).read_bytes() + authority.cert_pem.bytes()
    (data / BUNDLE).write_bytes(trusted)
    own = authority.issue_cert("localhost")
    own.private_key_and_cert_chain_pem.write_to_path(data / CERTIFICATE)
