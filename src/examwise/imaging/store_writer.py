"""Writing an exam store: one commit an exam, the tables last.

An importer decides what is an exam; this decides how it lies in the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.commits import CommitLog
from examwise.core.digests import readable_json
from examwise.core.schemas.annotations import BOXES, MASKS, mask_shard_key
from examwise.core.schemas.findings import FINDINGS
from examwise.core.schemas.store import (
    EXAMS,
    FILES,
    LABELS,
    PIXELS,
    SERIES,
    SLICES,
    shard_key,
)
from examwise.core.stage import Stage, require_begun
from examwise.core.storage import Storage
from examwise.core.tables import TableSchema
from examwise.imaging.shards import encode_exam, encode_mask
from examwise.imaging.store_history import StoreHistory

# A frame of its own for every record takes several times the room of its rows.
_RECORDS_A_PART = 500
_TABLES = {
    "exams": EXAMS,
    "slices": SLICES,
    "labels": LABELS,
    "files": FILES,
    "series": SERIES,
}
_OPTIONAL_TABLES = {"boxes": BOXES}
_SORTED_BY = {
    "exams": ["exam_id"],
    "slices": ["exam_id", "slice_index"],
    "labels": ["exam_id", "slice_start", "finding"],
    "files": ["path_digest"],
    "series": ["series_id"],
    "boxes": ["exam_id", "slice_index", "box_index"],
}


@dataclass(frozen=True)
class ExamContent:
    """Everything that one exam brings into a store.

    Attributes:
        exam: A row of :data:`~examwise.core.schemas.store.EXAMS`.
        pixels_hu: HU, int16, shape (slices, rows, columns), lowest slice first.
        positions_mm: Along the slice normal, ascending, float64, shape (slices,).
        labels: Rows of :data:`~examwise.core.schemas.store.LABELS`.
        files: Rows of :data:`~examwise.core.schemas.store.FILES`, without ``import_index``.
        boxes: Rows of :data:`~examwise.core.schemas.annotations.BOXES`.
        mask: Bits of findings, uint8, shape of ``pixels_hu``; None if the exam has no mask.
        mask_findings: What the bits of the mask mean, the lowest first.
        drawn_slices: The slices that were drawn on; None if all were.
        counts: Numbers about the exam that its commit record keeps, such as what was joined.
        series: Rows of :data:`~examwise.core.schemas.store.SERIES`, without ``import_index``.
    """

    exam: Mapping[str, Any]
    pixels_hu: npt.NDArray[np.int16]
    positions_mm: npt.NDArray[np.float64]
    labels: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    files: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    boxes: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    mask: npt.NDArray[np.uint8] | None = None
    mask_findings: Sequence[str] = FINDINGS
    drawn_slices: Sequence[int] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    series: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


class StoreWriter:
    """Writes exams into a store, in any order, from any number of processes.

    Args:
        url: The store.
        import_index: Which import of the store this is; 0 is the first.

    Example:
        >>> stage = Stage.begin("memory://writer-example", kind="exam-store",
        ...                     configuration={}, inputs={}, seed=None)
        >>> finish_store(stage)
        >>> stage.finished
        True
    """

    def __init__(self, url: str | Path, *, import_index: int = 0) -> None:
        self._storage = Storage(url)
        self._log = CommitLog(self._storage)
        self._import = {"import_index": import_index}

    def write_exam(self, content: ExamContent) -> None:
        """Code and commit one exam.

        Raises:
            InputError: If the store is gone, or its disk is full.
        """
        require_begun(self._storage)
        exam_id = content.exam["exam_id"]
        coded = encode_exam(content.pixels_hu)
        n_slices = len(content.positions_mm)
        slices = {
            "exam_id": [exam_id] * n_slices,
            "slice_index": list(range(n_slices)),
            "position_mm": content.positions_mm.tolist(),
            "relative_position": relative_positions(content.positions_mm).tolist(),
            "offset": coded.offsets.tolist(),
            "length": coded.lengths.tolist(),
            "crc32c": coded.checksums.tolist(),
        }
        objects = {
            f"{PIXELS}/{exam_id}/zarr.json": coded.metadata,
            shard_key(exam_id): coded.shard,
        }
        if content.mask is not None:
            coded_mask = encode_mask(content.mask, content.mask_findings, content.drawn_slices)
            objects[f"{MASKS}/{exam_id}/zarr.json"] = coded_mask.metadata
            objects[mask_shard_key(exam_id)] = coded_mask.shard
        payload: dict[str, Any] = {
            "exams": _columns(EXAMS, [content.exam]),
            "slices": slices,
            "labels": _columns(LABELS, content.labels),
            "files": self._columns_of_import(FILES, content.files),
            "series": self._columns_of_import(SERIES, content.series),
        }
        if content.boxes:
            payload["boxes"] = _columns(BOXES, content.boxes)
        if content.counts:
            payload["counts"] = dict(content.counts)
        self._log.commit(f"exams/{exam_id}", objects=objects, payload=payload)

    def write_files(
        self,
        item: str,
        files: Sequence[Mapping[str, Any]],
        *,
        series: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Commit rows of files, and of series, that belong to no exam.

        Args:
            item: Names this group of files, unique within the store.
            files: Rows of :data:`~examwise.core.schemas.store.FILES`, without ``import_index``.
            series: Rows of :data:`~examwise.core.schemas.store.SERIES`, without ``import_index``.
        """
        payload = {
            "files": self._columns_of_import(FILES, files),
            "series": self._columns_of_import(SERIES, series),
        }
        self._log.commit(f"files/{item}", objects={}, payload=payload)

    def write_labels(
        self,
        labels: Sequence[Mapping[str, Any]],
        *,
        counts: Mapping[str, int],
        examples: Mapping[str, Sequence[str]],
    ) -> None:
        """Commit what an import says of exams that are in the store already.

        Args:
            labels: Rows of :data:`~examwise.core.schemas.store.LABELS`.
            counts: Numbers about these exams.
            examples: For some of these a few exams.
        """
        payload = {
            "labels": _columns(LABELS, labels),
            "files": self._columns_of_import(FILES, ()),
            "series": self._columns_of_import(SERIES, ()),
            "counts": {name: number for name, number in counts.items() if number},
            "examples": {name: list(exams) for name, exams in examples.items() if exams},
        }
        item = labels_item(self._import["import_index"])
        self._log.commit(item, objects={}, payload=payload)

    def _columns_of_import(
        self, schema: TableSchema, rows: Sequence[Mapping[str, Any]]
    ) -> dict[str, list[Any]]:
        return _columns(schema, [{**row, **self._import} for row in rows])


def labels_item(import_index: int) -> str:
    """Return the item under which an import commits labels of exams that were there before.

    Example:
        >>> labels_item(2)
        'labels/000002'
    """
    return f"labels/{import_index:06d}"  # so that their order by name is that of the imports


def relative_positions(positions_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scale positions to 0 (lowest) … 1 (highest); a lone slice stands at 0.5.

    Example:
        >>> relative_positions(np.array([10.0, 12.5, 20.0])).tolist()
        [0.0, 0.25, 1.0]
    """
    extent = float(np.ptp(positions_mm))
    if extent == 0:
        return np.full(len(positions_mm), 0.5)
    return np.clip((positions_mm - positions_mm.min()) / extent, 0.0, 1.0)


def finish_store(
    stage: Stage,
    *,
    mask_findings: Sequence[str] | None = None,
    again: bool = False,
    history: StoreHistory | None = None,
) -> None:
    """Build the store's tables from its commit records and finish it.

    Label events that stand in the table but in no record were added since, and are kept.

    Args:
        stage: The store.
        mask_findings: What the bits of masks mean, the lowest first; as the store has it if None.
        again: Build them although there is a manifest, and write over it.
        history: What the manifest is to name; all that happened to the store if None.
    """
    if stage.finished and not again:
        return
    storage, history = stage.storage, history or StoreHistory(stage.storage)
    tables = {**_TABLES, **_OPTIONAL_TABLES}
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in tables}
    withdrawn = _joined(FILES, [dead.files for dead in history.tombstones])
    parts["files"].append(withdrawn.sort(_SORTED_BY["files"]))
    has_masks = False
    records = iter(CommitLog(storage))
    while batch := list(islice(records, _RECORDS_A_PART)):
        for name, part in parts.items():
            rows = [record.payload.get(name, {}) for record in batch]
            part.append(_joined(tables[name], rows).sort(_SORTED_BY[name], maintain_order=True))
        has_masks |= any(key.startswith(MASKS) for record in batch for key in record.objects)
    _write_group(storage, PIXELS, {"unit": "HU"})
    if not has_masks:
        storage.delete_all(MASKS)
    elif mask_findings is not None or not storage.exists(f"{MASKS}/zarr.json"):
        _write_group(storage, MASKS, {"bits": list(mask_findings or FINDINGS)})
    written = []
    exams = pl.Series(dtype=pl.String)
    for name, schema in tables.items():
        frame = _whole(schema, parts.pop(name), _SORTED_BY[name])
        if name == "exams":
            exams = frame["exam_id"]
        elif name == "labels":
            later = _later_events(storage, frame, exams)
            frame = pl.concat([frame, later], rechunk=True) if later.height else frame
        elif name == "series":
            frame = latest_series(frame)
        if name in _TABLES or frame.height:
            schema.write(storage, frame)
            written.append(schema.file)
        else:
            storage.delete(schema.file)
    # Label events may be added later.
    outputs = [file for file in written if file != LABELS.file]
    stage.finish(outputs=outputs, also=history.manifest_fields, again=again)


def _whole(schema: TableSchema, parts: list[pl.DataFrame], keys: Sequence[str]) -> pl.DataFrame:
    """Join sorted parts to a sorted table in one piece: a file's bytes depend on the pieces.

    Column by column, since a second copy of all label events would take most of the memory that
    an import needs. The list is emptied.
    """
    bounds = [(part[keys[0]][0], part[keys[0]][-1]) for part in parts if part.height]
    in_order = all(before[1] < after[0] for before, after in pairwise(bounds))
    columns = []
    for name in schema.names:
        none = pl.Series(name, dtype=schema.dtypes[name])
        columns.append(pl.concat([none, *(part[name] for part in parts)], rechunk=True))
        parts[:] = [part.drop(name) for part in parts]
    frame = pl.DataFrame(columns)
    return frame if in_order else frame.sort(keys, maintain_order=True).rechunk()


def latest_series(series: pl.DataFrame) -> pl.DataFrame:
    """Of several rows of a series keep that of the latest import: it may have grown meanwhile.

    Args:
        series: Rows of :data:`~examwise.core.schemas.store.SERIES`.
    """
    return (
        series.sort("import_index", maintain_order=True)
        .unique("series_id", keep="last", maintain_order=True)
        .sort("series_id")
    )


def _later_events(storage: Storage, recorded: pl.DataFrame, exams: pl.Series) -> pl.DataFrame:
    """Return the events of exams of the store that its table has beyond the records, in order."""
    if not storage.exists(LABELS.file):
        return LABELS.frame([])
    number = pl.int_range(pl.len()).over(LABELS.names).alias("number")
    there = LABELS.read(storage).filter(pl.col("exam_id").is_in(exams.implode()))
    return (
        there.with_columns(number)
        .join(
            recorded.with_columns(number),
            on=[*LABELS.names, "number"],
            how="anti",
            nulls_equal=True,
            maintain_order="left",
        )
        .select(LABELS.names)
    )


def _write_group(storage: Storage, key: str, attributes: Mapping[str, Any]) -> None:
    group = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    storage.write(f"{key}/zarr.json", readable_json(group))


def _joined(schema: TableSchema, parts: Sequence[Mapping[str, Sequence[Any]]]) -> pl.DataFrame:
    columns = {name: list(chain(*(part.get(name, ()) for part in parts))) for name in schema.names}
    return pl.DataFrame(columns, schema=schema.dtypes)


def _columns(schema: TableSchema, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    frame = schema.frame(list(rows))
    return frame.to_dict(as_series=False)
