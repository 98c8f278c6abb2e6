"""What the site has beside the Markdown of docs/: pages from the root, and notebooks.

mkdocs calls `on_files` and `on_page_markdown` by their names.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

DOCS = Path(__file__).parent
ROOT = DOCS.parent
OUTSIDE = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
PLACES = {  # where a page of the root stands on the site
    "README.md": "index.md",
    "LICENSE": "https://www.apache.org/licenses/LICENSE-2.0",
    **{name: page for page, name in OUTSIDE.items()},
}
LINK = re.compile(r"(?<=\]\()(?!https?:)([\w./-]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that mkdocs does not find itself."""
    for page, name in OUTSIDE.items():
        text = LINK.sub(inside, (ROOT / name).read_text())
        files.append(File.generated(config, page, content=text))
    for notebook in sorted(DOCS.rglob("*.ipynb")):
        page = notebook.relative_to(DOCS).with_suffix(".md").as_posix()
        text = "\n\n".join(cells(json.loads(notebook.read_text())))
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: MkDocsConfig, files: Files) -> str:
    """Return a page of docs/ with its links to the root as the site has them."""
    markdown = re.sub(r"(?<=\]\()([\w./]+)\.ipynb(?=\))", r"\1.md", markdown)
    return re.sub(
        r"(?<=\]\()\.\./([A-Z]+\.md)", lambda link: PLACES.get(link[1], link[0]), markdown
    )


def inside(link: re.Match[str]) -> str:
    """Return where a link of the root leads on the site."""
    return PLACES.get(link[1], link[1].removeprefix("docs/"))


def cells(notebook: dict[str, Any]) -> Iterator[str]:
    """Yield the cells of a notebook, and what came out of them, as Markdown."""
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        yield text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
        for output in cell.get("outputs", []):
            yield shown(output)


def shown(output: dict[str, Any]) -> str:
    """Return an output of a cell as Markdown: a picture, else its text."""
    data = output.get("data", {})
    if "image/png" in data:
        return f"![what the cell draws](data:image/png;base64,{data['image/png'].strip()})"
    text = "".join(output.get("text") or data.get("text/plain", []))
    return f"```text\n{text.rstrip()}\n```"
