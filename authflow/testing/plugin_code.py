"""Places in a plugin's source, written as "package/module.py:57".

A finding that names the line saves its reader the search. Frames of authflow, of the standard
library and of what the plugin calls are passed over: the innermost one that is the plugin's counts.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any

from attrs import field, frozen


@frozen(kw_only=True)
class PluginCode:
    """The source files of a plugin. Make it with `of`.

    Args:
        plugin: The plugin's class.
        roots: The files and the folders of packages that hold it, its bases included.
    """

    plugin: type[Any]
    roots: frozenset[Path] = field(repr=False)

    @classmethod
    def of(cls, plugin: type[Any]) -> "PluginCode":
        """Find the source files of a plugin.

        Args:
            plugin: Its class.
        """
        codes = (code for kind in plugin.__mro__ for code in _codes(kind))
        files = {Path(code.co_filename) for code in codes if not code.co_filename.startswith("<")}
        return cls(plugin=plugin, roots=frozenset(map(_root, files)))

    def of_hook(self, hook: str) -> str:
        """Return where a method is defined.

        Args:
            hook: Its name.
        """
        for kind in self.plugin.__mro__:
            method = vars(kind).get(hook)
            for code in _codes_of(method):
                if self._shown(code.co_filename):
                    return f"{self._shown(code.co_filename)}:{code.co_firstlineno}"
        return self.of_class()

    def of_class(self) -> str:
        """Return the class as a place, for findings without a line."""
        files = sorted({str(self._shown(str(root))) for root in self.roots if root.is_file()})
        return f"{self.plugin.__qualname__} of {files[0] if files else self.plugin.__module__}"

    def of_error(self, error: BaseException) -> str | None:
        """Return the line of the plugin that an error comes from.

        Args:
            error: The error; what caused it is looked at first.

        Returns:
            None if none of its frames is the plugin's.
        """
        found, seen = None, set[int]()
        next_one: BaseException | None = error
        while next_one is not None and id(next_one) not in seen:
            seen.add(id(next_one))
            frames = _traced(next_one.__traceback__)
            found = self._innermost(frames) or found
            next_one = next_one.__cause__ or next_one.__context__
        return found

    def of_stack(self, frame: FrameType | None) -> str | None:
        """Return the line of the plugin that is being run.

        Args:
            frame: The frame of what runs now.

        Returns:
            None if the plugin does not run.
        """
        while frame is not None:
            shown = self._shown(frame.f_code.co_filename)
            if shown is not None:
                return f"{shown}:{frame.f_lineno}"
            frame = frame.f_back
        return None

    def _innermost(self, frames: Iterable[tuple[str, int]]) -> str | None:
        found = None
        for filename, line in frames:
            shown = self._shown(filename)
            found = f"{shown}:{line}" if shown is not None else found
        return found

    def _shown(self, filename: str) -> str | None:
        """Return a file's name as it is shown; None if the file is not the plugin's."""
        for root in self.roots:
            if filename == str(root) or filename.startswith(f"{root}{os.sep}"):
                return Path(filename).relative_to(root.parent).as_posix()
        return None


def _codes(kind: type[Any]) -> Iterator[CodeType]:
    """Yield the code of a class's functions, unless it is Python's or authflow's."""
    if kind.__module__.partition(".")[0] in {*sys.stdlib_module_names, "authflow"}:
        return
    for member in vars(kind).values():
        yield from _codes_of(member)


def _codes_of(member: object) -> Iterator[CodeType]:
    function = getattr(member, "__func__", getattr(member, "fget", member))
    function = getattr(function, "__wrapped__", function)
    if isinstance(function, FunctionType):
        yield function.__code__


def _root(file: Path) -> Path:
    """Return the outermost package of a file, or the file itself."""
    root = file
    while (root.parent / "__init__.py").exists() and root.parent != root:
        root = root.parent
    return root


def _traced(traceback: TracebackType | None) -> Iterator[tuple[str, int]]:
    while traceback is not None:
        yield traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next
