"""Where a study's runs were tested: its own archive, and external ones, each for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError
from examwise.core.executors.protocol import Executor
from examwise.core.manifest import MANIFEST, read_manifest
from examwise.core.progress import Progress
from examwise.core.schemas.study import external_folder
from examwise.core.storage import Storage
from examwise.evaluation.judged_run import JudgedRun, judge_run
from examwise.evaluation.reading import merged_terms, prediction_folders, read_runs
from examwise.evaluation.run_evidence import BesidePredictions


@dataclass(frozen=True)
class Site:
    """The predictions of all runs for one archive (internal ones joined count as one).

    Attributes:
        number: 0 for the internal archive, external ones from 1.
        urls: Run to its predictions directories.
    """

    number: int
    urls: dict[str, tuple[str, ...]]

    @property
    def is_external(self) -> bool:
        """Whether no label was bought there."""
        return self.number > 0

    @property
    def role(self) -> str:
        """What its inputs' roles begin with."""
        return f"{external_folder(self.number)}/" if self.is_external else ""


@dataclass(frozen=True)
class SiteInputs:
    """What the predictions of a study are, without reading them.

    Attributes:
        digests: Role to digest of every predictions directory.
        data_terms: ``learned_from`` and ``predicted`` to terms of use, sorted.
    """

    digests: dict[str, str]
    data_terms: dict[str, list[str]]


@dataclass(frozen=True)
class JudgedSite:
    """What all runs come to at one site.

    Attributes:
        site: The site.
        runs: Every run, sorted by name.
    """

    site: Site
    runs: tuple[JudgedRun, ...]

    @property
    def exams(self) -> pl.DataFrame:
        """``PREDICTED_EXAMS`` of all runs."""
        return pl.concat([run.exams for run in self.runs])

    def exams_of(self, run_ids: Sequence[str]) -> pl.DataFrame:
        """Return exams of some runs, of each archive and of several internal ones together."""
        found = [run.exams_together for run in self.runs if run.run_id in run_ids]
        return pl.concat(found) if found else self.exams.clear()

    @property
    def slices_per_exam(self) -> float | None:
        """Mean number of slices of a test exam; None where it is not known."""
        return next((n for run in self.runs if (n := run.slices_per_exam) is not None), None)


@dataclass(frozen=True)
class _Task:
    site: int
    run_id: str
    urls: tuple[str, ...]
    beside: BesidePredictions | None


def find_sites(study: Storage, run_ids: Sequence[str]) -> list[Site]:
    """Return the internal site, then external ones up to the first number that is missing.

    Args:
        study: A study's directory.
        run_ids: Its runs.
    """
    sites = [_site(0, study, run_ids)]
    while True:
        number = len(sites)
        site = _site(number, study.child(external_folder(number)), run_ids)
        # Of an archive that any run has predicted, every run must have.
        if not any(Storage(url).exists(MANIFEST) for urls in site.urls.values() for url in urls):
            return sites
        sites.append(site)


def site_inputs(sites: Sequence[Site]) -> SiteInputs:
    """Return what the predictions of all sites are, from their manifests alone.

    Raises:
        InputError: If a directory is no finished predictions directory.
    """
    digests: dict[str, str] = {}
    terms = []
    for site in sites:
        for run_id, urls in site.urls.items():
            for number, url in enumerate(urls, 1):
                role = f"{site.role}predictions/{run_id}"
                role = f"{role}/{number}" if len(urls) > 1 else role
                manifest = read_manifest(url, kind="predictions")
                digests[role] = "sha256:" + sha256_hex(Storage(url).read(MANIFEST))
                terms.append(manifest.configuration.get("data_terms", {}))
    return SiteInputs(digests, merged_terms(terms))


def judge_sites(
    sites: Sequence[Site],
    *,
    evidence_of: Sequence[str],
    beside: Mapping[int, BesidePredictions],
    splits: Sequence[str],
    n_replicates: int,
    seed: int,
    executor: Executor,
    progress: Progress,
) -> list[JudgedSite]:
    """Evaluate every run at every site; the same whatever the number of workers.

    Args:
        sites: From :func:`find_sites`.
        evidence_of: Runs of which all is worked out; of others exams' AUCs and ROC curves alone.
        beside: Number of a site to what is known of its exams beside predictions.
        splits: Splits whose exams are evaluated.
        n_replicates: Bootstrap samples of patients behind each interval.
        seed: Seed of the bootstrap.
        executor: Where runs are evaluated.
        progress: Where to report.

    Raises:
        InputError: If predictions cannot be worked with, or an external archive has no name of
            its own.
    """
    tasks = [
        _Task(
            site.number,
            run_id,
            urls,
            beside[site.number].of_run(run_id) if run_id in evidence_of else None,
        )
        for site in sites
        for run_id, urls in site.urls.items()
    ]
    # The long ones first, so that workers finish together.
    tasks.sort(key=lambda task: task.beside is None)
    judge = partial(_judge, splits=tuple(splits), n_replicates=n_replicates, seed=seed)
    found: dict[tuple[int, str], JudgedRun] = {}
    with progress.track("Evaluating runs", len(tasks)) as advance:
        for number, run in executor.map(judge, tasks):
            found[number, run.run_id] = run
            advance()
    judged = [
        JudgedSite(site, tuple(found[site.number, run_id] for run_id in site.urls))
        for site in sites
    ]
    _require_names_of_their_own(judged)
    for run in (site.runs[0] for site in judged):
        run.say_what_is_missing(progress)
    return judged


def _judge(
    task: _Task, *, splits: tuple[str, ...], n_replicates: int, seed: int
) -> tuple[int, JudgedRun]:
    found = read_runs(task.urls, splits=splits)
    if [run.run_id for run in found] != [task.run_id]:
        raise InputError(
            where=", ".join(task.urls),
            expected=f"predictions of run {task.run_id}",
            got=", ".join(run.run_id for run in found),
            remedy="run the study anew in a directory of its own",
        )
    (run,) = found
    judged = judge_run(run, beside=task.beside, n_replicates=n_replicates, seed=seed)
    return task.site, judged


def _site(number: int, folder: Storage, run_ids: Sequence[str]) -> Site:
    urls = {
        run_id: tuple(found.url for found in prediction_folders(folder, run_id))
        for run_id in sorted(run_ids)
    }
    return Site(number, urls)


def _require_names_of_their_own(judged: Sequence[JudgedSite]) -> None:
    known: set[str] = set()
    for site in judged:
        names = set(site.runs[0].exams["archive"].unique())
        if site.site.is_external and (len(names) > 1 or names & known):
            raise InputError(
                where=f"the study's external archive {site.site.number}",
                expected="one name of its own, unlike those of the other archives",
                got=", ".join(sorted(names)),
                remedy="import it under another name (ingest.archive_name)",
            )
        known |= names
