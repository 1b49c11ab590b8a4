from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jupyter_mlops.notebook
from jupyter_mlops.errors import NotebookError, UsageError
from jupyter_mlops.notebook import parse_notebook, read_notebook
from jupyter_mlops.notebook.model import DeclaredName, StepSettings

PYTHON = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}


def cell(source: Any = "", *tags: Any, kind: str = "code", **metadata: Any) -> dict[str, Any]:
    return {"cell_type": kind, "metadata": {"tags": list(tags), **metadata}, "source": source}


def notebook(*cells: Any, **metadata: Any) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 4, "metadata": {**PYTHON, **metadata}, "cells": list(cells)}


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def refused(content: Any, **replaced: Any) -> NotebookError:
    with pytest.raises(NotebookError) as caught:
        parse_notebook({**content, **replaced} if isinstance(content, dict) else content, "nb.ipynb")
    assert caught.value.exit_code == 3
    assert caught.value.message.startswith("nb.ipynb ")
    return caught.value


def test_a_notebook_is_read(tmp_path: Path) -> None:
    raw = notebook(
        cell("# Churn", kind="markdown"),
        cell("alpha = 0.1", "parameters"),
        cell(["%%time\n", "df = load()"], "step:Load data", "out:df", mlops={"memory": "1Gi"}),
        cell("acc = 1.0", "metrics", "after:Load data", "in:df"),
        mlops={"description": "Who leaves.", "retries": 1},
    )
    path = write(tmp_path / "my churn.ipynb", raw)
    before = path.read_bytes()
    read = read_notebook(path)
    assert path.read_bytes() == before
    assert (read.path, read.name, read.description) == (path, "my churn", "Who leaves.")
    assert (read.kernel, read.language, read.defaults) == ("python3", "python", StepSettings(retries=1))
    assert not read.diagnostics
    assert [c.role for c in read.cells] == ["text", "parameters", "step", "step"]
    assert [c.index for c in read.cells] == [0, 1, 2, 3]
    assert [c.id for c in read.cells] == [c["id"] for c in read.raw["cells"]]
    load, metrics = read.cells[2], read.cells[3]
    assert (load.step, load.source, load.settings.memory) == ("Load data", "%%time\ndf = load()", "1Gi")
    assert load.python is not None and load.python.text == "\ndf = load()"
    assert load.outputs == (DeclaredName("df"),)
    assert (metrics.metrics, metrics.step, metrics.after, metrics.inputs) == (
        True,
        None,
        ("Load data",),
        (DeclaredName("df"),),
    )
    assert read.cells[0].python is None


def test_the_same_notebook_reads_the_same() -> None:
    raw = notebook(cell("x"), cell("x"), cell("y", "step:a"))
    assert parse_notebook(raw) == parse_notebook(copy.deepcopy(raw))


def test_a_notebook_in_memory_is_not_changed() -> None:
    raw = notebook(cell(["x\n", "y"]))
    before = copy.deepcopy(raw)
    read = parse_notebook(raw)
    assert raw == before
    assert (read.path, read.name) == (None, "notebook")
    assert read.raw["nbformat_minor"] == 5


@pytest.mark.parametrize("name", ["a b.ipynb", 'it\'s "x".ipynb', "Größe 训练.ipynb", "a.b.ipynb"])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    if os.name == "nt" and '"' in name:
        pytest.skip("Windows has no such file names")
    assert read_notebook(write(tmp_path / name, notebook())).name == name.removesuffix(".ipynb")


def test_a_relative_path_with_dots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.ipynb", notebook())
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    read = read_notebook("../a.ipynb")
    assert read.path is not None and read.path.is_absolute() and read.path.samefile(tmp_path / "a.ipynb")


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_bytes(b"\xef\xbb\xbf" + json.dumps(notebook()).encode())
    assert read_notebook(tmp_path / "a.ipynb").cells == ()


def test_the_metadata_name_the_pipeline() -> None:
    assert parse_notebook(notebook(mlops={"name": "Churn"}), "x.ipynb").name == "Churn"


@pytest.mark.parametrize(
    ("metadata", "kernel"),
    [
        ({}, "python3"),
        ({"kernelspec": {}}, "python3"),
        ({"kernelspec": {"name": "my-env"}}, "my-env"),
        ({"kernelspec": {"name": "spark", "language": "Python"}}, "spark"),
        ({"kernelspec": {"name": "x"}, "language_info": {"name": "ipython"}}, "x"),
    ],
)
def test_the_kernel(metadata: dict[str, Any], kernel: str) -> None:
    read = parse_notebook({**notebook(), "metadata": metadata})
    assert (read.kernel, read.language) == (kernel, "python")


@pytest.mark.parametrize(
    ("metadata", "shown", "language"),
    [
        ({"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}, "`ir` (R)", "R"),
        ({"kernelspec": {"name": "ir"}}, "`ir`", "R"),
        ({"kernelspec": {"name": "julia-1.9"}, "language_info": {"name": "julia"}}, "`julia-1.9`", "julia"),
        ({"kernelspec": {"name": "julia-1.9"}}, "`julia-1.9`", "Julia"),
        ({"language_info": {"name": "R"}}, "`python3`", "R"),
    ],
)
def test_a_kernel_of_another_language_is_refused(metadata: dict[str, Any], shown: str, language: str) -> None:
    error = refused(notebook(), metadata=metadata)
    assert f"the kernel {shown}" in error.message
    assert f"language is {language}" in error.message
    assert error.hint


def test_a_missing_file_is_a_usage_error_that_knows_a_near_one(tmp_path: Path) -> None:
    write(tmp_path / "churn.ipynb", notebook())
    with pytest.raises(UsageError, match="does not exist") as caught:
        read_notebook(tmp_path / "chrun.ipynb")
    assert caught.value.exit_code == 2
    assert caught.value.hint == f"Did you mean {tmp_path / 'churn.ipynb'}?"
    with pytest.raises(UsageError, match="does not exist") as caught:
        read_notebook(tmp_path / "none" / "a.ipynb")
    assert "There is no directory" in (caught.value.hint or "")


def test_a_directory_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory"):
        read_notebook(tmp_path)


@pytest.mark.parametrize("name", ["a\0b.ipynb", "x" * 5000])
def test_an_impossible_file_name_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_notebook(name)
    assert caught.value.message.isprintable()


def test_a_file_that_the_system_refuses_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "a.ipynb", notebook())
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UsageError, match=r"a\.ipynb can't be read: Permission denied"):
        read_notebook(path)


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="there are no device files")
def test_a_device_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="is not a file"):
        read_notebook("/dev/zero")


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"", "it is empty", None),
        (b" \n", "it is empty", None),
        (b'{\n "a": }', "is not valid JSON: Expecting value at line 2, column 7", None),
        (b"{'a': 1}", "at line 1, column 2", None),
        (b'{"cells": [', "is not valid JSON", None),
        (b'{\n"a": "\xff"}', "is not UTF-8: line 2 has the byte 0xff", "in UTF-8"),
        ("{}".encode("utf-16"), "is not UTF-8: line 1", "in UTF-8"),
        (b'{\n<<<<<<< HEAD\n"a": 1', "at line 2, column 1", "unresolved merge"),
        (b"version https://git-lfs.github.com/spec/v1\noid x", "at line 1, column 1", "git lfs pull"),
        (b"[" * 200_000, "nested too deeply", None),
        (b'{"nbformat": ' + b"9" * 10_000 + b"}", "is not a notebook", None),
        (b"[]", "its JSON is a list, not an object", None),
        (b"null", "its JSON is null", None),
        (b"{}", "it has no `nbformat`", ".ipynb"),
    ],
)
def test_what_is_no_notebook(tmp_path: Path, content: bytes, message: str, hint: str | None) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(content)
    with pytest.raises(NotebookError) as caught:
        read_notebook(path)
    assert caught.value.exit_code == 3
    assert caught.value.message.startswith(str(path))
    assert message in caught.value.message
    assert (hint or "") in (caught.value.hint or "")


def test_a_script_is_refused_with_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("import os", encoding="utf-8")
    with pytest.raises(NotebookError) as caught:
        read_notebook(path)
    assert "jupytext" in (caught.value.hint or "")


@pytest.mark.parametrize("version", [3, 2])
def test_an_old_format_is_refused_with_the_way_to_convert_it(version: int) -> None:
    error = refused({"nbformat": version, "nbformat_minor": 0, "metadata": {}, "worksheets": []})
    assert f"nbformat {version}" in error.message
    assert error.hint == "Convert it: jupyter nbconvert --to notebook --nbformat 4 nb.ipynb"


@pytest.mark.parametrize("version", [5, "4", 4.5, True, None])
def test_another_version_is_refused(version: object) -> None:
    assert "nbformat" in refused(notebook(), nbformat=version).message


@pytest.mark.parametrize("minor", range(7))
def test_every_minor_version_is_read(minor: int) -> None:
    assert parse_notebook({**notebook(cell("x")), "nbformat_minor": minor}).cells[0].id


@pytest.mark.parametrize(
    ("replaced", "path"),
    [
        ({"nbformat_minor": "4"}, "nbformat_minor"),
        ({"metadata": None}, "metadata"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"kernelspec": "python3"}}, "metadata.kernelspec"),
        ({"metadata": {"kernelspec": {"name": 3}}}, "metadata.kernelspec.name"),
        ({"metadata": {"language_info": None}}, "metadata.language_info"),
        ({"cells": None}, "cells"),
        ({"cells": {}}, "cells"),
        ({"cells": [cell(), 3]}, "cells[1]"),
        ({"cells": [{"cell_type": "heading", "source": ""}]}, "cells[0].cell_type"),
        ({"cells": [{"source": ""}]}, "cells[0].cell_type"),
        ({"cells": [{"cell_type": ["code"], "source": ""}]}, "cells[0].cell_type"),
        ({"cells": [{"cell_type": "code", "metadata": {}}]}, "cells[0].source"),
        ({"cells": [cell(None)]}, "cells[0].source"),
        ({"cells": [cell(["x", 3])]}, "cells[0].source[1]"),
        ({"cells": [cell(), {**cell(), "metadata": None}]}, "cells[1].metadata"),
        ({"cells": [cell(), cell(), cell(), cell(tags="step:a")]}, "cells[3].metadata.tags"),
        ({"cells": [cell(tags=None)]}, "cells[0].metadata.tags"),
        ({"cells": [cell("", "a", 3)]}, "cells[0].metadata.tags[1]"),
        ({"cells": [{**cell(), "outputs": None}]}, "cells[0].outputs"),
    ],
)
def test_a_wrong_shape_is_refused_with_its_path(replaced: dict[str, Any], path: str) -> None:
    assert f"`{path}` " in refused(notebook(), **replaced).message


def test_a_notebook_without_cells_key_is_refused() -> None:
    assert "`cells` is missing" in refused({"nbformat": 4, "metadata": {}}).message


def test_cells_without_metadata_are_read() -> None:
    read = parse_notebook({"nbformat": 4, "cells": [{"cell_type": "code", "source": "x"}]})
    assert read.cells[0].role == "step"


def test_problems_of_tags_and_settings_are_diagnostics_with_their_cell() -> None:
    raw = notebook(cell("x", "setp:train"), cell("y", "step:a", mlops={"cpu": "lots"}), mlops={"retries": -1})
    read = parse_notebook(raw)
    assert [(found.code, found.cell) for found in read.diagnostics] == [
        ("MLO009", None),
        ("MLO002", read.cells[0].id),
        ("MLO009", read.cells[1].id),
    ]


@pytest.mark.parametrize("kind_and_tag", [("code", "imports"), ("code", "parameters"), ("markdown", "hide-cell")])
def test_settings_of_a_cell_that_starts_no_step_are_a_warning(kind_and_tag: tuple[str, str]) -> None:
    kind, tag = kind_and_tag
    read = parse_notebook(notebook(cell("x", tag, kind=kind, mlops={"cpu": 1})))
    assert [(found.code, found.severity) for found in read.diagnostics] == [("MLO061", "warning")]


def test_a_skipped_cell_keeps_its_settings_without_a_warning() -> None:
    assert not parse_notebook(notebook(cell("x", "skip", mlops={"cpu": 1}))).diagnostics


def test_the_cell_that_papermill_injected_overrides_the_parameters() -> None:
    read = parse_notebook(notebook(cell("a = 1", "parameters"), cell("a = 2", "injected-parameters"), cell("a")))
    assert [c.role for c in read.cells] == ["parameters", "parameters", "step"]


def test_surrogates_and_nul_characters_do_no_harm(tmp_path: Path) -> None:
    raw = notebook(cell("x = '\ud800'", "step:\ud800"), cell("y = '\0'", "in:\0"), mlops={"na\ud800me": "\0"})
    read = read_notebook(write(tmp_path / "a.ipynb", raw))
    assert [found.code for found in read.diagnostics] == ["MLO009", "MLO008", "MLO008"]
    for found in read.diagnostics:
        f"{found.message} {found.hint}".encode()
    assert read.cells[0].source == "x = '\ud800'"


def test_outputs_are_kept_and_not_copied() -> None:
    outputs = [{"output_type": "stream", "name": "stdout", "text": "x" * 1_000_000}]
    raw = notebook({**cell("x"), "outputs": outputs, "execution_count": 7})
    read = parse_notebook(raw)
    assert read.raw["cells"][0]["outputs"] is outputs
    assert read.cells[0].execution_count == 7


def test_a_hundred_megabytes_of_outputs_are_read(tmp_path: Path) -> None:
    output = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * 10_000_000}}
    raw = notebook(*({**cell(f"plot({number})"), "outputs": [output], "execution_count": 1} for number in range(10)))
    path = write(tmp_path / "big.ipynb", raw)
    assert path.stat().st_size > 100_000_000
    assert len(read_notebook(path).cells) == 10


def test_a_thousand_cells_are_read() -> None:
    read = parse_notebook(notebook(*(cell(f"x{n} = {n}\n%pwd" if n % 10 == 0 else f"x = {n}") for n in range(1_000))))
    assert sum(len(c.python.magics) for c in read.cells if c.python) == 100


def test_reading_imports_nothing_heavy(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", notebook(cell("%%time\nx = 1", "step:a"), cell("%%bash\nls")))
    code = (
        "import sys\n"
        "from jupyter_mlops.notebook import read_notebook\n"
        f"read_notebook({str(path)!r})\n"
        "heavy = {'IPython', 'nbformat', 'jsonschema', 'nbclient', 'papermill', 'pandas', 'numpy', 'jinja2', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    root = Path(jupyter_mlops.notebook.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cells", "metadata", "tags", "source", "cell_type", "id", "mlops", "kernelspec", "name"]),
            children,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(junk, st.lists(junk, max_size=3), junk)
def test_any_json_is_read_or_refused(metadata: Any, cells: list[Any], tags: Any) -> None:
    for raw in (
        {"nbformat": 4, "metadata": metadata, "cells": cells},
        notebook(cell("x", mlops=tags, tags=tags), mlops=tags, kubeflow_notebook=tags),
        cells,
    ):
        try:
            read = parse_notebook(raw)  # type: ignore[arg-type]
        except NotebookError as error:
            assert error.message
        else:
            assert len({c.id for c in read.cells}) == len(read.cells)
