import pytest

from jupyter_mlops.notebook.magics import python_source, without_own_magics


@pytest.mark.parametrize(
    ("source", "left", "plain"),
    [
        ("%load_ext jupyter_mlops\nx = 1", "\nx = 1", "\nx = 1"),
        ("%mlops load train", "", ""),
        ("%mlops run -p a 1  # again\ny = 2\n", "\ny = 2\n", "\ny = 2\n"),
        ("if x:\n    %mlops show\n", "if x:\n    pass\n", "if x:\n    pass\n"),
        ("found = %mlops runs", "found = None", "found = None"),
        ("%mlops run \\\n  -p a 1\nx = 2", "\n\nx = 2", "\n\nx = 2"),
        ("%%time\n%mlops show\nz = 3", "%%time\n\nz = 3", "\n\nz = 3"),
        ("%reload_ext  jupyter_mlops", "", ""),
        ("mlops show", "", ""),
    ],
)
def test_own_lines_give_way_and_all_others_keep_their_place(source: str, left: str, plain: str) -> None:
    assert without_own_magics(source) == left
    assert python_source(source).text == plain


@pytest.mark.parametrize(
    "source",
    [
        "text = '''\n%mlops show\n%load_ext jupyter_mlops\n'''",
        "%load_ext autoreload",
        "%load_ext jupyter_mlops_other",
        "!echo mlops",
        "import jupyter_mlops as mlops\nmlops.run('a.ipynb')",
        "mlops = 3\nx = y %mlops",
        "%%writefile a.py\n%mlops show",
        "%mlops\n  broken(",
    ],
)
def test_what_only_looks_like_it_stays(source: str) -> None:
    assert without_own_magics(source) == source or source.startswith("%mlops\n")
