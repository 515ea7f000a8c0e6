"""What a study's runs say of where in a slice the finding is, read from its explanations."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import IntegrityError, SchemaError
from examwise.core.manifest import MANIFEST, read_manifest
from examwise.core.schemas.explanations import (
    EXPLAINED_SLICES,
    RANDOMISED,
    SALIENCY_SCORES,
    maps_key,
)
from examwise.core.schemas.study import EXPLANATIONS
from examwise.reporting.evaluation_tables import EvaluationTables
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.study_files import StudyFiles


@dataclass(frozen=True)
class ExplainedRun:
    """One run's maps of one archive by one method.

    Attributes:
        run: The run.
        method: How its maps were made.
        tables: Of the directory, of the study's finding.
        finding: The study's finding.
    """

    run: NamedRun
    method: str
    tables: EvaluationTables
    finding: str

    @property
    def scores(self) -> pl.DataFrame:
        """``SALIENCY_SCORES`` of the run itself."""
        return self.tables.read(SALIENCY_SCORES).filter(~pl.col("is_randomised"))

    @property
    def mean_similarity(self) -> float | None:
        """Mean rank correlation of its maps with a random model's; None where not asked."""
        found = self.tables.read(RANDOMISED)["similarity"].drop_nulls().drop_nans()
        mean = found.mean()
        return float(mean) if isinstance(mean, float) else None

    def map_of(self, exam_id: str, slice_index: int) -> npt.NDArray[np.float32]:
        """Return a slice's map, shape (rows, columns).

        Raises:
            SchemaError: If the stored maps are not those that the table speaks of.
        """
        rows = self.tables.read(EXPLAINED_SLICES).filter(exam_id=exam_id, slice_index=slice_index)
        key = maps_key(exam_id, self.finding)
        storage = self.tables.storage
        try:
            maps = np.load(io.BytesIO(storage.read(key)), allow_pickle=False)
            return np.asarray(maps[int(rows["row"][0])], np.float32).reshape(maps.shape[1:])
        except (FileNotFoundError, ValueError, EOFError, IndexError) as error:
            raise SchemaError(
                where=f"{storage.url}/{key}",
                expected=f"the map of slice {slice_index}",
                got=type(error).__name__,
                remedy="explain the run again",
            ) from error


def explained_runs(
    study: StudyFiles, runs: Sequence[NamedRun], *, number: int
) -> list[ExplainedRun]:
    """Return the maps of an archive that the evaluation has judged, by method, then run.

    Args:
        study: The study.
        runs: Those to look for.
        number: Of the archive: 0 is the internal one.

    Raises:
        IntegrityError: If an explanation is not the one that was evaluated.
    """
    found = []
    for run in runs:
        folder = f"{EXPLANATIONS}/{run.run_id}/{number}"
        for key in study.storage.list(folder):
            place, _, name = key.rpartition("/")
            digest = study.evaluation.inputs.get(place)
            if name != MANIFEST or digest is None:
                continue
            if "sha256:" + sha256_hex(study.storage.read(key)) != digest:
                raise IntegrityError(
                    where=f"{study.storage.url}/{place}",
                    expected="the explanations that were evaluated",
                    got="others",
                    remedy="evaluate the study again",
                )
            storage = study.storage.child(place)
            manifest = read_manifest(storage.url, kind="explanations")
            tables = EvaluationTables(storage, manifest, study.finding)
            # Methods that explain bags leave no maps.
            if not tables.read(EXPLAINED_SLICES).is_empty():
                found.append(ExplainedRun(run, place.rsplit("/", 1)[-1], tables, study.finding))
    return sorted(found, key=lambda one: (one.method, one.run.place))
