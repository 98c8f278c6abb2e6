"""Libraries that only compression needs: imported when a step asks for them."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


def extra(module: str, asked: str) -> Any:
    """Return a module of the extra `compress`.

    Args:
        module: its dotted name.
        asked: the override that needs it.

    Raises:
        ImportError: it is not installed; the message says how to get it.
    """
    try:
        with quiet():
            return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or module.partition(".")[0] != error.name.partition(".")[0]:
            raise
        missing = module.partition(".")[0]
        raise ImportError(f"{asked} needs {missing}: pip install 'seedbed[compress]'") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to themselves what libraries say to their own developers: renamings, missing kernels."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        with warnings.catch_warnings():
            for kind in (DeprecationWarning, FutureWarning):
                warnings.simplefilter("ignore", kind)
            yield
    finally:
        logging.disable(before)
