"""What bytes are known by: the algorithm is in the value, and older values keep theirs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from store import identity
from store.errors import SchemaError

OLDER = hashlib.sha256(b"some bytes").hexdigest()


def test_a_value_names_its_algorithm() -> None:
    # BLAKE3's reference value for no input, from the paper's test vectors
    assert identity.NOTHING == (
        "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    )
    assert identity.algorithm(identity.of(b"some bytes")) == "blake3"
    assert identity.algorithm(OLDER) == "sha256"
    assert identity.is_todays(identity.NOTHING)
    assert not identity.is_todays(OLDER)


def test_bytes_are_compared_by_the_algorithm_they_are_known_by(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"some bytes and more")
    assert identity.of(b"some bytes", like=OLDER) == OLDER
    assert identity.of_file(file, size=10, like=OLDER) == OLDER
    assert identity.of_file(file, size=10) == identity.of(b"some bytes")
    assert identity.of_file(file) == identity.of(b"some bytes and more") != identity.of(b"")


@pytest.mark.parametrize("like", ["", OLDER])
def test_a_copy_goes_on_by_itself(like: str) -> None:
    digest = identity.Digest(like)
    digest.update(b"some ")
    twin = digest.copy()
    twin.update(memoryview(b"bytes"))
    assert digest.value() == identity.of(b"some ", like)
    assert twin.value() == identity.of(b"some bytes", like)


def test_a_kind_of_hash_from_the_future_is_refused() -> None:
    with pytest.raises(SchemaError, match="'blake4:00' is a hash of an unknown kind"):
        identity.of(b"", like="blake4:00")
