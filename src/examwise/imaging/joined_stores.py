"""Several exam stores read as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST
from examwise.imaging.stored_exams import StoredExams


class JoinedStores:
    """The exams of one finished store, or of several together.

    Exams are told apart, and patients found again in another store, by pseudonyms: several stores
    must have been made with one key. Their order makes no difference. Of a single store the
    tables are its own.

    Args:
        urls: The stores.

    Attributes:
        stores: Each of them, in an order of their own.

    Raises:
        InputError: If there is none, one is no finished exam store, several were made with
            different or unknown keys, or an exam lies in two of them.
        SchemaError: If a table breaks its schema.
    """

    def __init__(self, urls: Sequence[str | Path]) -> None:
        self.stores = tuple(sorted((StoredExams(url) for url in urls), key=_manifest_digest))
        if not self.stores:
            raise InputError(where="stores", expected="at least one exam store", got="none")
        _require_one_key(self.stores)
        _require_different_exams(self.stores)
        self._store_of = {
            exam_id: store for store in self.stores for exam_id in store.exams["exam_id"].to_list()
        }

    @property
    def name(self) -> str:
        """How messages call it."""
        return ", ".join(store.name for store in self.stores)

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the stores are."""
        return tuple(store.storage.url for store in self.stores)

    @property
    def inputs(self) -> dict[str, str]:
        """Role to digest of every store's manifest, whatever the order of the stores."""
        found = [f"sha256:{_manifest_digest(store)}" for store in self.stores]
        if len(found) == 1:
            return {"store": found[0]}
        return {f"store/{number}": digest for number, digest in enumerate(found, 1)}

    @property
    def key_id(self) -> str | None:
        """Fingerprint of the key that gave the pseudonyms; None where it is not on record."""
        return key_of(self.stores[0])

    @property
    def data_terms(self) -> list[str]:
        """Terms of use of the exams, each once, sorted."""
        return list(self.exams["data_terms"].unique().sort().to_list())

    @cached_property
    def exams(self) -> pl.DataFrame:
        """Table of exams, sorted by ``exam_id``."""
        return self._together(lambda store: store.exams, "exam_id")

    @cached_property
    def slices(self) -> pl.DataFrame:
        """Table of slices, sorted by ``exam_id`` and ``slice_index``."""
        return self._together(lambda store: store.slices, "exam_id", "slice_index")

    @cached_property
    def labels(self) -> pl.DataFrame:
        """Table of label events, store after store."""
        return self._together(lambda store: store.labels)

    def __len__(self) -> int:
        return len(self._store_of)

    def n_slices(self, exam_id: str) -> int:
        """Return an exam's number of slices."""
        return self._find(exam_id).n_slices(exam_id)

    def shape(self, exam_id: str) -> tuple[int, int, int]:
        """Return an exam's numbers of slices, rows and columns."""
        return self._find(exam_id).shape(exam_id)

    def read_slices(
        self,
        exam_id: str,
        slice_indices: npt.ArrayLike | None = None,
        *,
        out: npt.NDArray[np.int16] | None = None,
    ) -> npt.NDArray[np.int16]:
        """Read slices of one exam, see :meth:`StoredExams.read_slices`."""
        return self._find(exam_id).read_slices(exam_id, slice_indices, out=out)

    def _together(self, table: Callable[[StoredExams], pl.DataFrame], *key: str) -> pl.DataFrame:
        if len(self.stores) == 1:
            return table(self.stores[0])
        together = pl.concat(table(store) for store in self.stores)
        return together.sort(key) if key else together

    def _find(self, exam_id: str) -> StoredExams:
        try:
            return self._store_of[exam_id]
        except KeyError:
            raise InputError(
                where=self.name, expected="an exam of these stores", got=exam_id
            ) from None


def _manifest_digest(store: StoredExams) -> str:
    return sha256_hex(store.storage.read(MANIFEST))


def key_of(store: StoredExams) -> str | None:
    """Return the fingerprint of a store's key; None where it is not on record."""
    found = store.manifest.configuration.get("key_id")
    return None if found is None else str(found)


def _require_one_key(stores: Sequence[StoredExams]) -> None:
    if len(stores) == 1:
        return
    keys = [key_of(store) for store in stores]
    if None not in keys and len(set(keys)) == 1:
        return
    raise InputError(
        where=", ".join(store.name for store in stores),
        expected="stores made with one key, by which a patient is known in each of them",
        got=", ".join(key or "no key on record" for key in keys) + ", store by store",
        remedy="ingest all archives with one identity folder (--identity)",
    )


def _require_different_exams(stores: Sequence[StoredExams]) -> None:
    if len(stores) == 1:
        return
    counted = pl.concat(store.exams.select("exam_id") for store in stores)["exam_id"]
    repeated = counted.filter(counted.is_duplicated()).unique().sort()
    if repeated.is_empty():
        return
    first = repeated[0]
    among = [store.name for store in stores if (store.exams["exam_id"] == first).any()]
    raise InputError(
        where=" and ".join(among),
        expected="each exam in one of the stores",
        got=f"{repeated.len()} exams in several, {first} among them",
        remedy="name each store once, and leave out a store whose exams another one has",
    )
