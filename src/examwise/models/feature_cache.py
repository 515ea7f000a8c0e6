"""A frozen encoder's features of stored slices, computed once."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from examwise.core.digests import canonical_json, sha256_hex
from examwise.core.errors import InputError
from examwise.core.manifest import BEGUN, MANIFEST
from examwise.core.progress import Progress
from examwise.core.storage import Storage
from examwise.data.loading import BagReader, read_in_batches
from examwise.data.slice_cache import SliceCache
from examwise.data.targets import Targets
from examwise.imaging.joined_stores import JoinedStores
from examwise.imaging.stored_exams import StoredExams
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import ExamClassifier

_EXAMS_PER_BLOCK = 64
_KEY_HEX = 16


class FeatureCache:
    """Features of the exams of stores, read from blocks on a local disk.

    Args:
        blocks: A local file for each block of exams.
        places: Exam to its block, its first row there and its number of slices.
    """

    def __init__(
        self, blocks: Sequence[Path], places: dict[str, tuple[int, int, int]], n_features: int
    ) -> None:
        self._blocks: list[npt.NDArray[np.float32]] = [
            np.load(block, mmap_mode="r", allow_pickle=False) for block in blocks
        ]
        self._places = places
        self.n_features = n_features

    def read(self, exam_id: str, slice_indices: Sequence[int]) -> npt.NDArray[np.float32]:
        """Return features of slices, float32, shape (slices, n_features).

        Raises:
            InputError: If the stores had no such exam.
        """
        if exam_id not in self._places:
            raise InputError(
                where=f"features of exam {exam_id}", expected="an exam of the stores", got="another"
            )
        block, first, _ = self._places[exam_id]
        return np.asarray(self._blocks[block][first + np.asarray(slice_indices, np.int64)])


@dataclass(frozen=True)
class FeatureBlock:
    """The features of some exams that lie in one file.

    Attributes:
        store: The exams' store.
        file: The file, within the folder of features.
        exam_ids: The exams, in order.
    """

    store: str
    file: str
    exam_ids: tuple[str, ...]


def open_features(
    folder: str | Path,
    classifier: ExamClassifier,
    stored: JoinedStores | StoredExams,
    *,
    batch_slices: int = 512,
    device: torch.device | str = "cpu",
    progress: Progress,
) -> FeatureCache:
    """Open the features of all exams of stores, computing those that are not there yet.

    They lie in a folder named by a digest of the encoder's weights, of how it is fed and of the
    store, in blocks of exams: what was interrupted goes on with the next block, and several
    processes that compute the same write the same.

    Args:
        folder: Where features are kept, on a local disk.
        classifier: Its encoder is frozen.
        stored: The exam store, or several together.
        batch_slices: Slices at a time.
        device: Where the encoder runs.
        progress: Where to report to.

    Raises:
        InputError: If the encoder is trained, the folder is not on a local disk or is another
            command's, or a store's exams differ in their matrix.
    """
    blocks = feature_blocks(folder, classifier, stored)
    storage = Storage(folder)
    stores = {store.storage.url: store for store in _each(stored)}
    if missing := missing_blocks(folder, blocks):
        with progress.track("Encoding", sum(len(each.exam_ids) for each in missing)) as advance:
            for block in missing:
                compute_block(
                    block,
                    storage,
                    classifier,
                    stores[block.store],
                    batch_slices=batch_slices,
                    device=device,
                    advance=advance,
                )
    paths: list[Path] = []
    places: dict[str, tuple[int, int, int]] = {}
    for number, block in enumerate(blocks):
        row = 0
        for exam_id in block.exam_ids:
            n_slices = stores[block.store].n_slices(exam_id)
            places[exam_id] = (number, row, n_slices)
            row += n_slices
        paths.append(Path(storage.local or "", block.file))
    return FeatureCache(paths, places, classifier.encoder.n_features)


def feature_blocks(
    folder: str | Path, classifier: ExamClassifier, stored: JoinedStores | StoredExams
) -> list[FeatureBlock]:
    """Return how the features of stores are divided into files, computed or not.

    Raises:
        InputError: As :func:`open_features`.
    """
    require_frozen(classifier.config)
    storage = Storage(folder)
    if storage.local is None:
        raise InputError(
            where=str(folder), expected="a folder on a local disk", got="another kind of storage"
        )
    if storage.local.is_file() or storage.exists(BEGUN):
        raise InputError(
            where=str(folder),
            expected="a folder for features alone",
            got="a file" if storage.local.is_file() else "one that another command has written",
            remedy="choose another folder",
        )
    encoder = _encoder_key(classifier)
    blocks: list[FeatureBlock] = []
    for store in _each(stored):
        if (n_sizes := store.exams.select("rows", "columns").n_unique()) > 1:
            raise InputError(
                where=f"features of {store.storage.url}",
                expected="one matrix size for all exams of a store",
                got=n_sizes,
                remedy="leave the features out",
            )
        digest = sha256_hex(store.storage.read(MANIFEST))
        key = sha256_hex(f"{encoder}{digest}".encode())[:_KEY_HEX]
        exam_ids = store.exams["exam_id"].to_list()
        blocks += [
            FeatureBlock(
                store.storage.url,
                f"{key}/{start // _EXAMS_PER_BLOCK:05d}.npy",
                tuple(exam_ids[start : start + _EXAMS_PER_BLOCK]),
            )
            for start in range(0, len(exam_ids), _EXAMS_PER_BLOCK)
        ]
    return blocks


def missing_blocks(folder: str | Path, blocks: Sequence[FeatureBlock]) -> list[FeatureBlock]:
    """Return the blocks that are not there yet."""
    storage = Storage(folder)
    return [block for block in blocks if not storage.exists(block.file)]


def compute_block(
    block: FeatureBlock,
    storage: Storage,
    classifier: ExamClassifier,
    store: StoredExams,
    *,
    batch_slices: int,
    device: torch.device | str,
    advance: Callable[[], None] = lambda: None,
) -> None:
    """Compute and write one block's features.

    Args:
        block: The block.
        storage: The folder of features.
        classifier: Whose encoder encodes; its mode and device are left as they were.
        store: The block's store.
        batch_slices: Slices at a time.
        device: Where the encoder runs.
        advance: Is called after each exam.
    """
    was_training, was_on = classifier.training, classifier.window.center_hu.device
    classifier.eval().to(device)
    with torch.inference_mode():
        found = []
        for batch in read_in_batches(_reader(store, block.exam_ids), slices_per_batch=batch_slices):
            found.append(classifier.encode(batch.pixels_hu.to(device)).cpu().numpy())
            for _ in batch.exam_ids:
                advance()
    file = io.BytesIO()
    np.save(file, np.concatenate(found).astype(np.float32), allow_pickle=False)
    storage.write(block.file, file.getvalue())
    classifier.train(was_training).to(was_on)


def _each(stored: JoinedStores | StoredExams) -> Sequence[StoredExams]:
    return stored.stores if isinstance(stored, JoinedStores) else (stored,)


def require_frozen(model: ModelConfig) -> None:
    """Raise unless a model's encoder, whose features are to be kept, is frozen as a whole."""
    if not model.is_frozen:
        raise InputError(
            where="features",
            expected="an encoder that is frozen as a whole",
            got="one that is trained",
            remedy="set model.frozen=[all], or leave the features out",
        )


def _reader(store: StoredExams, exam_ids: Sequence[str]) -> BagReader:
    no_labels = Targets(
        kind="exam",
        findings=("none",),
        exam_ids=tuple(exam_ids),
        slice_index=np.zeros(len(exam_ids), np.int64),
        values=np.full((len(exam_ids), 1), np.nan, np.float32),
    )
    return BagReader(SliceCache(store, limit_bytes=0), no_labels)


def _encoder_key(classifier: ExamClassifier) -> str:
    config = classifier.config
    fed = [
        config.encoder,
        config.encoder_options,
        config.norm,
        config.windows,
        config.n_channels,
        config.input_scale,
    ]
    digest = sha256_hex(canonical_json(fed))
    for name, value in sorted(classifier.encoder.state_dict().items()):
        data = value.detach().cpu().contiguous().numpy().tobytes()
        digest = sha256_hex(f"{digest} {name} {tuple(value.shape)}".encode() + data)
    return digest
