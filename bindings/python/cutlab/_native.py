"""The library: finding it, its declarations, a context for every thread, errors."""

from __future__ import annotations

import operator
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable

from cffi import FFI

from cutlab._version import __version__

HERE = Path(__file__).resolve().parent

ffi: Any = FFI()
ffi.cdef((HERE / "_declarations.h").read_text())
NULL = ffi.NULL


class Error(ValueError):
    """What the library refused, in one line: the value, where it is, and what is accepted.

    `status` is the kind: "invalid argument", "input or output failed", ...
    """

    def __init__(self, message: str, status: str = "invalid argument") -> None:
        super().__init__(message)
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        return Error, (str(self), self.status)


# ---- Finding the library ----


def _candidates() -> list[str]:
    named = os.environ.get("CUTLAB_LIBRARY")
    if named:
        return [named]
    beside = [HERE / "libcutlab.so.0", HERE / "libcutlab.so"]
    return [str(path) for path in beside if path.exists()] + ["libcutlab.so.0"]


def _load() -> Any:
    path = _candidates()[0]
    try:
        found = ffi.dlopen(path)
    except OSError as error:
        reason = str(error).split("  ")[0].rstrip(".")
        raise ImportError(
            f"cutlab cannot load the library {path} ({reason}). Build it from CutLab's source with "
            "`cmake --preset release && cmake --build --preset release` and set CUTLAB_LIBRARY to "
            "the path of build/release/libcutlab.so, or install it with "
            "`cmake --install build/release && ldconfig`"
        ) from None
    version = ffi.string(found.cutlab_version()).decode()
    if version.split(".")[:2] != __version__.split(".")[:2]:
        raise ImportError(
            f"this package is cutlab {__version__}, but the library {path} is {version}; "
            "accepted: the same major and minor version"
        )
    return found


lib = _load()

# ---- Contexts ----


class _Thread(threading.local):
    """A thread's own context."""

    def __init__(self) -> None:
        made = ffi.new("cutlab_context **")
        if lib.cutlab_context_create(made) != lib.CUTLAB_OK:
            raise MemoryError("cutlab: no memory for a context")
        self.handle = ffi.gc(made[0], lib.cutlab_context_free)


_thread = _Thread()


def context() -> Any:
    return _thread.handle


def failure(status: int) -> Error:
    message = ffi.string(lib.cutlab_context_message(context())).decode(errors="replace")
    kind = ffi.string(lib.cutlab_status_text(status)).decode()
    return Error(message or kind, kind)


def check(status: int) -> None:
    if status != lib.CUTLAB_OK:
        raise failure(status)


def call(function: str, *arguments: Any) -> None:
    """Calls a function whose first argument is the context."""
    check(getattr(lib, function)(context(), *arguments))


def set_threads(count: int) -> None:
    """Sets the number of threads that calls from this thread compute with; 0: one per core.

    Results do not depend on it. The default is 1. In a process made by fork only 1 is accepted.
    """
    call("cutlab_context_set_threads", whole("count", count, 0, 1024))


def threads() -> int:
    """The number of threads that calls from this thread compute with."""
    return int(lib.cutlab_context_threads(context()))


Progress = Callable[[int, int], object]


@contextmanager
def long_call(progress: Progress | None = None) -> Iterator[None]:
    """Within it, calls hear Ctrl-C, report progress (done, total) and pass warnings on."""
    caught: list[BaseException] = []
    heard: list[str] = []

    def report(_user: Any, state: Any) -> int:
        if progress:
            progress(state.done, state.total)
        return 0

    def keep(_kind: Any, value: BaseException, _trace: Any) -> None:
        caught.append(value)

    report_callback = ffi.callback(
        "int(void *, const cutlab_progress *)", report, error=1, onerror=keep
    )
    warning_callback = ffi.callback(
        "void(void *, const char *)",
        lambda _user, message: heard.append(ffi.string(message).decode(errors="replace")),
    )
    own = context()
    lib.cutlab_context_set_progress(own, report_callback, NULL)
    lib.cutlab_context_set_warning(own, warning_callback, NULL)
    try:
        yield
    except Error:
        if caught:
            raise caught[0] from None
        raise
    finally:
        lib.cutlab_context_set_progress(own, NULL, NULL)
        lib.cutlab_context_set_warning(own, NULL, NULL)
    for message in heard:
        warnings.warn(message, stacklevel=4)


# ---- Values ----


def text(pointer: Any) -> str:
    return str(ffi.string(pointer).decode())


def take_text(pointer: Any) -> str:
    """A string that the library returned, released here."""
    try:
        return text(pointer)
    finally:
        lib.cutlab_free(pointer)


def whole(name: str, value: Any, low: int, high: int) -> int:
    """The value as an int, refused outside low..high."""
    try:
        number = operator.index(value)
    except TypeError:
        raise Error(f"{name} is {value!r}; accepted: an integer") from None
    if not low <= number <= high:
        raise Error(f"{name} is {number}; accepted: {low} to {high}")
    return number


SEED_MOST = 2**64 - 1
INDEX_MOST = 2**63 - 1
