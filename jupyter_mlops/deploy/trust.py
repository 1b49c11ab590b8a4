"""Whose bundles are loaded: pickles are code, so only known ones, and those that somebody known has signed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["Trust", "make_key", "sign"]

_INSTALL = "pip install 'jupyter-mlops[deploy]'"


@dataclass(frozen=True, slots=True)
class Trust:
    """Which bundles may be loaded.

    Args:
        known: Whether a digest is in the registry of the store.
        digests: That the user named.
        keys: Files of public keys (Ed25519, PEM) that the user named.
    """

    known: Callable[[str], bool] | None = None
    digests: frozenset[str] = frozenset()
    keys: tuple[Path, ...] = ()

    def check(self, digest: str, signature: bytes | None, where: Path) -> None:
        """Let a bundle pass, or not.

        Raises:
            UsageError: Nobody known vouches for it.
        """
        if digest in self.digests or (self.known is not None and self.known(digest)):
            return
        if signature is not None and any(_is_signed(digest, signature, key) for key in self.keys):
            return
        told = (
            "it is signed by another key" if signature is not None and self.keys else "no key that was named signed it"
        )
        raise UsageError(
            f"The bundle {where} is not loaded: its digest {digest[:16]}… is not in this store's registry, and {told}.",
            hint="A bundle can run code. Name the key of whoever made it (--key FILE), or its digest (--digest).",
        )


def make_key(path: Path) -> Path:
    """Write a private key that signs, readable by its owner alone, and beside it the public one (``.pub``).

    Returns:
        The public key's file.

    Raises:
        UsageError: There is such a file already, or it can't be written.
    """
    private, serialization = _cryptography()
    key = private.Ed25519PrivateKey.generate()
    public = path.with_name(path.name + ".pub")
    try:
        path.touch(0o600, exist_ok=False)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        public.write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
    except FileExistsError:
        raise UsageError(f"{path} is there already.", hint="Keys are never overwritten: name another file.") from None
    except OSError as error:
        raise UsageError(f"The key {path} can't be written: {error.strerror or error}.") from error
    return public


def sign(digest: str, key: Path) -> bytes:
    """Return the signature of a digest.

    Raises:
        UsageError: The key can't be read.
    """
    private, serialization = _cryptography()
    try:
        loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"The private key {key} can't be read: {error}.", hint=_KEY_HINT) from error
    if not isinstance(loaded, private.Ed25519PrivateKey):
        raise UsageError(f"{key} is no Ed25519 key.", hint=_KEY_HINT)
    return bytes(base64.b64encode(loaded.sign(digest.encode()))) + b"\n"


_KEY_HINT = "Make one: jupyter mlops bundle --new-key FILE"


def _is_signed(digest: str, signature: bytes, key: Path) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        _public_key(key).verify(base64.b64decode(signature.strip(), validate=True), digest.encode())
    except (InvalidSignature, binascii.Error):
        return False
    return True


def _public_key(path: Path) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    _, serialization = _cryptography()
    try:
        loaded = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"The public key {path} can't be read: {error}.", hint=_KEY_HINT) from error
    if not isinstance(loaded, Ed25519PublicKey):
        raise UsageError(f"{path} is no public Ed25519 key.", hint=_KEY_HINT)
    return loaded


def _cryptography() -> tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise UsageError("Signatures need cryptography, which is not installed here.", hint=_INSTALL) from None
    return ed25519, serialization
