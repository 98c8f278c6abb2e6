"""Loggers that cannot be what is meant."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from seedbed import signature
from seedbed.secret import redacted

LOGIN = re.compile(r"://[^/@]*@")  # in an address


def missing_extra(plain: Mapping[str, Any]) -> str | None:
    """A logger whose library is not installed: said before anything is trained."""
    for name, node in plain["logger"].items():
        needs = getattr(signature.resolve(node["_target_"]), "needs", ()) if node else ()
        if missing := [module for module in needs if find_spec(module) is None]:
            return f"logger={name} needs {', '.join(missing)}: pip install 'seedbed[{name}]'"
    return None


def password_written(plain: Mapping[str, Any]) -> str | None:
    """A login in an address, which would be written into the run's folder."""
    for name, node in plain["logger"].items():
        for key, value in (node or {}).items():
            login = LOGIN.search(redacted(value)) if isinstance(value, str) else None
            if login and "${" not in login[0]:
                return (
                    f"logger.{name}.{key}: the address holds a login, which would be written into "
                    "the run's folder; leave it to MLFLOW_TRACKING_URI or to ${oc.env:NAME}"
                )
    return None
