"""The published weights -> the form that OpenVINO runs, once a machine and version: a folder in the cache.

OpenVINO GenAI reads the GGUF file. Two things are changed before the model is saved. It gives the logits of the last
token alone, since no other is asked for. And the tensors that GGUF keeps in 6 bit, in groups of 16 weights, are kept in
8 bit in groups of 32, like the others: OpenVINO multiplies those in whole numbers, which takes half the time.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from index.manifest import describe_segment
from index.verified import first_damage
from index.weights import Progress

GROUP = 32
"""Weights that share a scale."""
_FORM = 1
"""Number of the way of converting; another one makes another folder."""
_LIST = "files.json"
_POLL_SECONDS = 0.5
_WRITTEN = 2.3
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
        regroup(model)
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


def regroup(model: Any) -> None:
    """Replace weights of 8 bit in groups of 16, with a zero point, by such in groups of 32 without one."""
    from openvino import opset13 as ops

    for weights in _in_groups_of_16(model):
        zeroed = _only_user(_only_user(weights))
        scaled = _only_user(zeroed)
        values = weights.data.astype(np.float32)
        values -= _data(zeroed.input_value(1).get_node())
        values *= _data(scaled.input_value(1).get_node())
        numbers, scale = quantised(values.reshape(len(values), -1, GROUP))
        replaced = ops.multiply(ops.convert(ops.constant(numbers), "f16"), ops.constant(scale))
        _only_user(scaled).input(0).replace_source_output(replaced.output(0))
    model.validate_nodes_and_infer_types()


def quantised(values: "np.ndarray[Any, Any]") -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Return whole numbers of 8 bit, of the shape of ``values``, and a float16 scale for each group (last axis).

    >>> numbers, scale = quantised(np.array([[0.5, -1.27, 0.0]], np.float32))
    >>> numbers.tolist(), round(float(scale[0, 0]), 4)
    ([[50, -127, 0]], 0.01)
    """
    scale = (np.abs(values).max(axis=-1, keepdims=True) / 127).astype(np.float16)
    steps = values / np.maximum(scale.astype(np.float32), np.finfo(np.float32).tiny)
    return np.rint(steps).clip(-127, 127).astype(np.int8), scale


def _in_groups_of_16(model: Any) -> Iterator[Any]:
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Constant" and node.get_output_element_type(0).get_type_name() == "u8":
            shape = node.get_output_shape(0)
            if len(shape) == 3 and shape[2] == 16:
                yield node


def _only_user(node: Any) -> Any:
    [user] = {one.get_node() for one in node.output(0).get_target_inputs()}
    return user


def _data(node: Any) -> "np.ndarray[Any, Any]":
    """Return a constant as float32, through its conversions."""
    while node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    values: np.ndarray[Any, Any] = node.data.astype(np.float32)
    return values


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
