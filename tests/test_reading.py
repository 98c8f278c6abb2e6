"""How files are read: as plain data, everywhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

FILES = [*sorted((ROOT / "src").rglob("*.py")), ROOT / "train.py"]
NEEDED = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
FORBIDDEN = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.hub.load"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "pd.read_pickle", "joblib.load"),
    *("torch.serialization.add_safe_globals", "instantiate", "hydra.utils.instantiate"),
}
MODULES = {"pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_the_walk_finds_calls() -> None:
    assert {"torch.load", "np.load", "yaml.safe_load"} <= {n for f in FILES for n, _ in calls(f)}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_nothing_is_read_that_could_run(path: Path) -> None:
    for name, call in calls(path):
        assert name not in FORBIDDEN, f"{path}:{call.lineno}: {name}"
        given = {k.arg: ast.unparse(k.value) for k in call.keywords}
        assert given.get("trust_remote_code", "False") == "False"
        if name in NEEDED:
            key, value = NEEDED[name]
            assert given.get(key) == str(value), f"{path}:{call.lineno}: {name} without {key}"
        if name.endswith((".fit", ".test", ".predict", ".validate")) and "ckpt_path" in given:
            assert given.get("weights_only") == "True", f"{path}:{call.lineno}: {name}"
    tree = ast.parse(path.read_text())
    modules = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    modules |= {str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert not {m.partition(".")[0] for m in modules} & MODULES
