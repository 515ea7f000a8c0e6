"""What a study holds beside runs and predictions: explanations, stores, its protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from examwise.core.analysis_protocol import PROTOCOL, AnalysisProtocol
from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST
from examwise.core.schemas.study import EXPLANATIONS
from examwise.core.storage import Storage
from examwise.evaluation.exam_traits import exam_traits
from examwise.evaluation.explanations import Explanations, read_explanations
from examwise.evaluation.run_evidence import BesidePredictions
from examwise.evaluation.runs_together import (
    NonInferiorityQuestion,
    TestedStores,
    hold_together,
    non_inferiority_part,
)
from examwise.evaluation.shown_runs import compared_pairs, main_runs
from examwise.evaluation.study_sites import JudgedSite, Site


class StudyEvidence:
    """Finds what evidence of a study rests on.

    Args:
        study: The study's directory.
        runs: ``RUNS`` of the study.
        sites: Its sites, the internal one first.
        stores: The stores of each site; none where they are not known.
        arms: ``strong`` and ``weak`` to their learners.

    Raises:
        InputError: If stores are given, and not of each site, or an explanation is unfinished.
    """

    def __init__(
        self,
        study: Storage,
        runs: pl.DataFrame,
        sites: Sequence[Site],
        stores: Sequence[Sequence[str]],
        *,
        arms: Mapping[str, str],
    ) -> None:
        if stores and len(stores) != len(sites):
            raise InputError(
                where=f"{study.url}, stores",
                expected=f"those of each of {len(sites)} archives",
                got=f"those of {len(stores)}",
            )
        self._stores = {site.number: tuple(urls) for site, urls in zip(sites, stores, strict=False)}
        self._sites = sites
        self._main = main_runs(runs, arms)
        self._pairs = compared_pairs(runs, arms)
        self.protocol: AnalysisProtocol | None = None
        """What was set before the first run, where there is such."""
        self.inputs: dict[str, str] = {}
        """Role to digest of all that was found."""
        if study.exists(PROTOCOL):
            self.protocol = AnalysisProtocol.read(study)
            self.inputs[PROTOCOL] = "sha256:" + sha256_hex(study.read(PROTOCOL))
        main = sorted(self._main.values())
        self._explained = {
            site.number: self._explanations(study, site.number, main) for site in sites
        }
        every = runs["run_id"].sort().to_list()
        self._followed = {
            site.number: self._explanations(study, site.number, every) for site in sites
        }

    def followed(self, number: int) -> Explanations | None:
        """Return maps' scores of all runs at a site: of slices that a method's runs all have."""
        explained = self._followed[number]
        if explained is None:
            return None
        runs_of = pl.col("run_id").n_unique()
        shared = runs_of.over("method", "exam_id", "slice_index") == runs_of.over("method")
        return replace(explained, scores=explained.scores.filter(shared))

    def _explanations(
        self, study: Storage, number: int, run_ids: Sequence[str]
    ) -> Explanations | None:
        found = []
        for run_id in run_ids:
            folder = f"{EXPLANATIONS}/{run_id}/{number}"
            for key in study.list(folder):
                if key.endswith(f"/{MANIFEST}"):
                    place = key.removesuffix(f"/{MANIFEST}")
                    found.append(study.child(place).url)
                    self.inputs[place] = "sha256:" + sha256_hex(study.read(key))
        return read_explanations(found) if found else None

    def beside(self, finding: str) -> dict[int, BesidePredictions]:
        """Return for each site what is known of its exams beside predictions."""
        return {
            site.number: BesidePredictions(
                traits={finding: exam_traits(stores, finding=finding)}
                if (stores := self._stores.get(site.number))
                else {},
                stores=self._stores.get(site.number, ()),
                values=None if explained is None else explained.values,
            )
            for site in self._sites
            for explained in (self._explained[site.number],)
        }

    def hold_together(
        self,
        judged: Sequence[JudgedSite],
        *,
        finding: str,
        n_replicates: int,
        n_permutations: int,
        seed: int,
    ) -> Iterator[Mapping[str, pl.DataFrame]]:
        """Yield parts of the tables that go by archive, from file to rows.

        Args:
            judged: All sites.
            finding: What is to be found.
            n_replicates: Bootstrap samples of patients.
            n_permutations: Permutations behind tests of equal curves.
            seed: Seed of both.
        """
        named = sorted({run for pair in self._pairs for run in pair} | set(self._main.values()))
        exams = [site.exams_of(named).filter(pl.col("finding") == finding) for site in judged]
        for site, of_site in zip(judged, exams, strict=True):
            one = site.runs[0].exams
            yield from hold_together(
                of_site,
                self._pairs,
                question=None,
                explanations=self._explained[site.site.number],
                stores=[
                    TestedStores(" + ".join(sorted(one["archive"].unique())), urls, one)
                    for urls in [self._stores.get(site.site.number)]
                    if urls
                ],
                n_replicates=n_replicates,
                n_permutations=n_permutations,
                seed=seed,
            )
        margin = None if self.protocol is None else self.protocol.margin
        if margin is not None and len(self._main) > 1:
            # The joint name of several internal archives is the longest.
            archives = [max(of_site["archive"].unique(), key=len) for of_site in exams]
            question = NonInferiorityQuestion(
                new_run=self._main["weak"],
                reference_run=self._main["strong"],
                margin=margin,
                archives=tuple(archives),
                is_frozen=True,
            )
            yield non_inferiority_part(pl.concat(exams), question)
