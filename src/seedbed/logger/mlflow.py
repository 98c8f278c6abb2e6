"""MLflow: runs in a database or on a server, compared in its pages."""

import contextlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seedbed.logger._told import Rows
from seedbed.logger._tracker import Tracker

DATABASE = "logs/mlflow.db"
LONGEST = 6000  # characters of a parameter
MOST = 1000  # metrics in one call
PARAMETERS = 100  # in one call
ENDS = {"ok": "FINISHED", "interrupted": "KILLED"}  # else FAILED
WAITING = {  # what MLflow does if nobody says otherwise: 120 s, 7 times; and it calls home
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class MLflow(Tracker):
    """Writes the run's curves, settings, final metrics and status to MLflow; uploads no files.

    Lightning's own `MLFlowLogger` cuts settings at 250 characters, asks the store once for every
    call, leaves a run that goes on marked as ended, and starts in a folder of files that MLflow 3
    refuses.

    Args:
        folder: the run's folder.
        group: what the run belongs to: the tag `sweep`.
        experiment: what its runs are compared within.
        run_name: what the run is called; null: its folder's name.
        tags: more that is said about the run.
        tracking_uri: address of a server, or the path of an SQLite file; null: what
            MLFLOW_TRACKING_URI says, else logs/mlflow.db.
    """

    needs = ("mlflow", "sqlalchemy", "alembic")

    def __init__(
        self,
        folder: str,
        group: str | None = None,
        experiment: str = "seedbed",
        run_name: str | None = None,
        tags: dict[str, str] | None = None,
        tracking_uri: str | None = None,
    ) -> None:
        super().__init__(folder, group)
        self.experiment_name, self.run_name = experiment, run_name
        self.tags, self.tracking_uri = tags or {}, tracking_uri
        self.client: Any = None
        self.id = ""

    def _open(self, known: str | None) -> str:
        self.client = self.client or client_of(self.tracking_uri)
        if known and self._goes_on(known):
            self.id = known
        else:
            about = {"folder": str(self.folder)} | ({"sweep": self.group} if self.group else {})
            run = self.client.create_run(
                self._experiment_id(),
                run_name=self.run_name or self.title,
                tags={**about, **{str(k): str(v) for k, v in self.tags.items()}},
            )
            self.id = run.info.run_id
        self._tell_settings()
        return self.id

    def _goes_on(self, known: str) -> bool:
        """Return whether the run is there, and mark it as running again."""
        from mlflow.exceptions import MlflowException

        try:
            self.client.update_run(known, status="RUNNING")
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            self._say(f"run {known} is not in this store; the rest of it is a new run there")
            return False
        return True

    def _experiment_id(self) -> str:
        from mlflow.exceptions import MlflowException

        with contextlib.suppress(MlflowException):  # another job of the sweep may be faster
            if self.client.get_experiment_by_name(self.experiment_name) is None:
                return self.client.create_experiment(self.experiment_name)
        return self.client.get_experiment_by_name(self.experiment_name).experiment_id

    def _tell_settings(self) -> None:
        """Write parameters, which MLflow keeps as they are; what is another now is a tag."""
        from mlflow.entities import Param

        then = self.client.get_run(self.id).data.params
        now = {name: str(value)[:LONGEST] for name, value in self.settings.items()}
        new = [Param(name, value) for name, value in now.items() if name not in then]
        for start in range(0, len(new), PARAMETERS):
            self.client.log_batch(self.id, params=new[start : start + PARAMETERS])
        for name, value in now.items():
            if then.get(name, value) != value:
                self.client.set_tag(self.id, name, value)

    def _send(self, rows: Rows) -> None:
        from mlflow.entities import Metric

        points = [
            Metric(named(name), value, round(self.times[step] * 1000), step)
            for step, row in rows.items()
            for name, value in row.items()
        ]
        for start in range(0, len(points), MOST):  # again after a failure: the store keeps it once
            self.client.log_batch(self.id, metrics=points[start : start + MOST])

    def _close(self, status: str, metrics: Mapping[str, float]) -> None:
        step = max(0, self.sent["step"])
        for name, value in metrics.items():
            self.client.log_metric(self.id, named(name), value, step=step)
        self.client.set_tag(self.id, "status", status)
        self.client.set_terminated(self.id, ENDS.get(status, "FAILED"))


def client_of(address: str | None) -> Any:
    """Return MLflow's client of a store: an address, a path, or where the environment says."""
    for name, value in WAITING.items():
        os.environ.setdefault(name, value)
    address = address or os.environ.get("MLFLOW_TRACKING_URI") or DATABASE
    if "://" not in address and address != "databricks":
        path = Path(address).absolute()  # MLflow keeps a store by its address
        path.parent.mkdir(parents=True, exist_ok=True)
        address = f"sqlite:///{path}"
    from mlflow.tracking import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return MlflowClient(address)


def named(name: str) -> str:
    """Return the name of a metric in the characters that MLflow takes."""
    return "".join(c if c.isalnum() or c in "_-./: " else "_" for c in name)
