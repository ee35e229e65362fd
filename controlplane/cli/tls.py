"""A certificate and its key as what a server speaks TLS with; what is wrong is said at the start."""

import ssl
from pathlib import Path
from typing import Final, NoReturn

from controlplane.domain.errors import BadInput
from controlplane.settings import Settings

CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
KEY: Final = b"PRIVATE KEY-----"


def context_of(settings: Settings) -> ssl.SSLContext | None:
    """What the server speaks TLS with, 1.2 and above; None where it speaks none.

    Raises BadInput that names the file and says what to do.
    """
    cert, key = settings.tls_cert, settings.tls_key
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        missing = "tls_key" if key is None else "tls_cert"
        raise BadInput(f"TLS needs a certificate and its key; name the other one as {missing}")
    _check(cert, CERTIFICATE, "a certificate in PEM, the server's own first")
    _check(key, KEY, "a private key in PEM")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2

    def ask() -> NoReturn:
        """Instead of OpenSSL, which would ask at the terminal."""
        raise BadInput(
            f"{key} is protected by a password, and there is nobody to ask; take it off with "
            f"`openssl pkey -in {key} -out FILE`, a file that only its user can read"
        )

    try:
        context.load_cert_chain(cert, key, password=ask)
    except ssl.SSLError as error:
        message = f"{cert} and {key} do not load: {error.reason or error}"
        if error.reason == "KEY_VALUES_MISMATCH":
            message = f"{key} is not the key of the certificate in {cert}; name its own"
        raise BadInput(message) from None
    return context


def _check(path: Path, mark: bytes, expected: str) -> None:
    try:
        found = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    if mark not in found:
        raise BadInput(f"{path} holds no {mark.strip(b'-').decode().lower()}; expected {expected}")
