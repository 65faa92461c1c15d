"""The published weights -> the form that OpenVINO runs, once a machine and version: a folder in the cache.

OpenVINO GenAI reads the GGUF file. Two things are changed before the model is saved. It gives the logits of the last
token alone, since no other is asked for. And all matrices are kept in 8 bit, with a scale for each 128 weights, which
OpenVINO multiplies fastest. They are made from the file itself: GenAI rounds the offsets of its groups to whole steps,
an error of up to half a step, where 8 bit add a hundredth.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from index.manifest import describe_segment
from index.vectors import Floats
from index.verified import first_damage
from index.weights import Progress

GROUP = 128
"""Weights that share a scale."""
_FORM = 2
"""Number of the way of converting; another one makes another folder."""
_LIST = "files.json"
_COMPARED = 4
"""Rows that tell matrices apart."""
_FAR = 0.2
"""Mean distance of two matrices, in sizes of their weights: above it they are different ones."""
_ROWS = 2048
"""Rows that are converted at once: bounds the memory."""
_POLL_SECONDS = 0.5
_WRITTEN = 2.8
"""Bytes written on the way, in sizes of the file: what GenAI saves, and what is made of it."""


class ConversionError(Exception):
    """The weights cannot be brought into the form that OpenVINO runs."""


def converted(weights: Path, sha256: str, folder: Path, *, progress: Progress = lambda *_: None) -> Path:
    """Return the folder of the converted weights; convert them first where there are none, or damaged ones.

    Args:
        weights: A GGUF file that was verified.
        sha256: Of the file.
        folder: For the converted weights of any file; those of other versions are deleted.
        progress: Told the bytes done and the bytes in all, both about, while they are converted.

    Raises:
        ConversionError: They cannot be converted.
        OSError: The folder cannot be written.
    """
    from filelock import FileLock

    target = folder / f"{sha256[:12]}-{version('openvino-genai')}-{_FORM}"
    if not _is_whole(target):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not _is_whole(target):  # else another process was faster
                _convert_into(target, weights, progress)
    return target


def _is_whole(folder: Path) -> bool:
    try:
        files: dict[str, str] = json.loads((folder / _LIST).read_bytes())
        return first_damage(folder, files) is None
    except (OSError, ValueError):
        return False


def _convert_into(target: Path, weights: Path, progress: Progress) -> None:
    for old in target.parent.iterdir():
        shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        made = Path(work) / "made"
        made.mkdir()
        # A process of its own, whose memory is free afterwards; nothing of the folder that it runs in is imported.
        command = [sys.executable, "-P", "-m", "rag.conversion", str(weights), str(made)]
        _run(command, partial(_tell, progress, made, weights))
        (made / _LIST).write_text(json.dumps(describe_segment(made).files), "utf-8")
        made.replace(target)
    progress(1, 1)


def _run(command: list[str], tell: Callable[[], None]) -> None:
    """Run a program, and tell how far it is every half second."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as child:  # noqa: S603
        while True:
            tell()
            with suppress(subprocess.TimeoutExpired):
                _, said = child.communicate(timeout=_POLL_SECONDS)
                break
    if child.returncode:
        raise ConversionError(said.strip().rpartition("\n")[2] or f"exit status {child.returncode}")


def _tell(progress: Progress, work: Path, weights: Path) -> None:
    written = 0
    for path in work.rglob("*.bin"):
        with suppress(OSError):  # it was moved meanwhile
            written += path.stat().st_size
    total = round(_WRITTEN * weights.stat().st_size)
    progress(min(written, total - 1), total)


def convert(weights: Path, folder: Path) -> None:
    """Write model and tokenizer of a GGUF file into an empty folder; takes 4 GB of memory for half a minute."""
    import openvino
    import openvino_genai

    with tempfile.TemporaryDirectory(dir=folder) as work:
        # The model is saved beside its file.
        file = Path(work) / "model.gguf"
        try:
            file.hardlink_to(weights)
        except OSError:
            shutil.copyfile(weights, file)
        openvino_genai.LLMPipeline(file, "CPU", enable_save_ov_model=True)
        file.unlink()
        model = openvino.Core().read_model(Path(work) / "openvino_model.xml")
        keep_last_logits(model)
        requantise(model, matrices_of(weights))
        openvino.save_model(model, folder / "openvino_model.xml", compress_to_fp16=False)
        for path in Path(work).glob("openvino_*tokenizer.*"):
            path.replace(folder / path.name)


def keep_last_logits(model: Any) -> None:
    """Let a model compute the logits of the last token of its input alone: ``(1, n, vocabulary)`` to ``(1, 1, …)``."""
    from openvino import opset13 as ops

    head = model.outputs[0].node.input_value(0).get_node()
    if head.get_type_name() != "MatMul":
        raise ConversionError(f"the logits come from {head.get_type_name()}, expected MatMul")
    last, end, one = (ops.constant(np.array([place], np.int64)) for place in (-1, np.iinfo(np.int64).max, 1))
    head.input(0).replace_source_output(ops.slice(head.input_value(0), last, end, one, one).output(0))
    model.validate_nodes_and_infer_types()


class Matrix(Protocol):
    """A matrix of weights."""

    shape: tuple[int, int]

    def rows(self, first: int, last: int) -> Floats:
        """Return some of its rows."""


class _FileMatrix:
    """A matrix of a GGUF file, which stays there until its rows are asked for."""

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor
        self.shape = int(tensor.shape[1]), int(tensor.shape[0])

    def rows(self, first: int, last: int) -> Floats:
        from gguf import dequantize

        values: Floats = dequantize(self._tensor.data[first:last], self._tensor.tensor_type)
        return values


def matrices_of(weights: Path) -> list[Matrix]:
    """Return the matrices of a GGUF file."""
    from gguf import GGUFReader

    return [_FileMatrix(tensor) for tensor in GGUFReader(weights).tensors if len(tensor.shape) == 2]


def requantise(model: Any, matrices: Iterable[Matrix]) -> None:
    """Replace what GenAI made of the matrices of a file by the same in 8 bit.

    Args:
        model: What GenAI made of the file; it keeps numbers of 4 or 8 bit in groups, with an offset and a scale.
        matrices: Of the file. GenAI does not keep their names: each belongs where its first rows are.

    Raises:
        ConversionError: A matrix of the model is none of the file's.
    """
    from openvino import opset13 as ops

    left = list(matrices)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for numbers in _in_groups(model):
            zeroed = _only_user(_only_user(numbers))
            scaled = _only_user(zeroed)
            zero, scale = (node.input_value(1).get_node() for node in (zeroed, scaled))
            first = (_first_rows(numbers) - _first_rows(zero)) * _first_rows(scale)
            matrix = _found(first.reshape(_COMPARED, -1), numbers.get_output_shape(0)[0], left)
            left.remove(matrix)
            blocks = threads.map(partial(_quantised_rows, matrix), range(0, matrix.shape[0], _ROWS))
            whole, steps = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
            replaced = ops.multiply(ops.convert(ops.constant(whole), "f16"), ops.constant(steps))
            _only_user(scaled).input(0).replace_source_output(replaced.output(0))
    model.validate_nodes_and_infer_types()


def _quantised_rows(matrix: Matrix, first: int) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    rows = matrix.rows(first, first + _ROWS)
    return quantised(rows.reshape(len(rows), -1, GROUP))


def _found(first_rows: Floats, rows: int, matrices: Sequence[Matrix]) -> Matrix:
    """Return the matrix whose first rows are nearest."""
    shape = (rows, first_rows.shape[1])

    def distance(matrix: Matrix) -> float:
        return float(np.abs(matrix.rows(0, len(first_rows)) - first_rows).mean() / np.abs(first_rows).mean())

    nearest = min((matrix for matrix in matrices if matrix.shape == shape), key=distance, default=None)
    if nearest is None or distance(nearest) > _FAR:
        raise ConversionError(f"a matrix of {shape[0]} × {shape[1]} weights is none of the file's")
    return nearest


def quantised(values: "np.ndarray[Any, Any]") -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Return whole numbers of 8 bit, of the shape of ``values``, and a float16 scale for each group (last axis).

    >>> numbers, scale = quantised(np.array([[0.5, -1.27, 0.0]], np.float32))
    >>> numbers.tolist(), round(float(scale[0, 0]), 4)
    ([[50, -127, 0]], 0.01)
    """
    scale = (np.abs(values).max(axis=-1, keepdims=True) / 127).astype(np.float16)
    steps = values / np.maximum(scale.astype(np.float32), np.finfo(np.float32).tiny)
    return np.rint(steps).clip(-127, 127).astype(np.int8), scale


def _in_groups(model: Any) -> Iterator[Any]:
    """Yield the constants that hold the numbers of a matrix: rows, groups, numbers of a group."""
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Constant" and node.get_output_element_type(0).get_type_name() in ("u4", "u8"):
            shape = node.get_output_shape(0)
            if len(shape) == 3 and shape[2] > 1:
                yield node


def _only_user(node: Any) -> Any:
    [user] = {one.get_node() for one in node.output(0).get_target_inputs()}
    return user


def _first_rows(node: Any) -> Floats:
    """Return the first rows of a constant, through its conversions; of 4 bit, two numbers are in each byte."""
    while node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    shape = _COMPARED, *node.get_output_shape(0)[1:]
    values = node.data.ravel()
    if node.get_output_element_type(0).get_type_name() == "u4":
        values = values[: math.prod(shape)]
        values = np.stack([values & 15, values >> 4], axis=-1).ravel()
    first: Floats = values[: math.prod(shape)].reshape(shape).astype(np.float32)
    return first


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
