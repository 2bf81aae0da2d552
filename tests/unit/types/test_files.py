"""Digests of files, and the progress of transfers."""

import base64
import hashlib

from gemini_batch.types import (
    File,
    TransferProgress,
)


def test_a_digest_is_read_in_both_forms() -> None:
    digest = hashlib.sha256(b"x")
    of_text = base64.b64encode(digest.hexdigest().encode()).decode()
    of_bytes = base64.b64encode(digest.digest()).decode()

    assert File(name="files/a", sha256_hash=of_text).sha256 == digest.hexdigest()
    assert File(name="files/a", sha256_hash=of_bytes).sha256 == digest.hexdigest()
    for nonsense in [None, "", "!!", "YWJj", base64.b64encode(b"zz" * 32).decode()]:
        assert File(name="files/a", sha256_hash=nonsense).sha256 is None


def test_a_transfer_knows_its_share() -> None:
    assert TransferProgress(done=1, total=4).fraction == 0.25
    assert TransferProgress(done=0, total=0).fraction == 1.0
    assert TransferProgress(done=1, total=None).fraction is None
