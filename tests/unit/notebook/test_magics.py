from __future__ import annotations

import ast
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from jupyter_mlops.notebook.magics import python_source
from jupyter_mlops.notebook.model import Magic, PythonSource

PLAIN = [
    "x = 1", "", "# comment", "%matplotlib inline", "!ls -l {x}", "!!ls", "a = !ls", "b = %who_ls", "??df",
    "if x:", "    y = 2", "    %cd data", "    !make", "    z = !pwd", "else:", "text = '''", "'''",
    "%load_ext x \\", "  more", "    5,", "x = 5 \\", "% 3", "!echo it's", '!echo """', ",f a b", "/f a b",
    ";f a b", "for i in range(3):", "  pass", "%", "!", "x?y", "def f():", "    return 1", "\treturn 2",
    "@decorator", "s = 'a?'", "%%bash", "x = %%time", "y = !ls \\", "print('%d' % x)", "é = 1",
]  # fmt: skip
HELP = [
    "df?", "%pinfo?", "?", "a.b[0]?",
]  # fmt: skip
BRACKETS = [
    "f(", ")", "x = [1,", "2]", "(c,", "d) = %who_ls",
]  # fmt: skip
LINES = [*PLAIN, *HELP, *BRACKETS]
# IPython takes all from an open bracket to a question mark for one statement; such cells are not compared
comparable = st.lists(st.sampled_from([*PLAIN, *HELP]), max_size=12) | st.lists(
    st.sampled_from([*PLAIN, *BRACKETS]), max_size=12
)


def compiles(text: str) -> bool:
    try:
        compile(text, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        return False
    return True


@pytest.mark.parametrize(
    "source",
    ["", "x = 1", "x = 1\r\ny = 2\r\n", "await f()", "async for x in y: pass", "x = 5 \\\n% 3",
     "s = '''\n%time\n!ls\n'''", "f(5\n% 3\n)", "print('%d' % 3)", "...", "\n\n", "# %%time\n", "x = '\\d'"],
)  # fmt: skip
def test_plain_python_is_not_touched(source: str) -> None:
    assert python_source(source) == PythonSource(source)


def test_plain_python_makes_no_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        python_source("x = '\\d'\n1 is 1")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("%%time\nx = 1", "\nx = 1"),
        ("%%time\nx = 1\n", "\nx = 1\n"),
        ("\n\n%%time\nx = 1", "\n\n\nx = 1"),
        ("%%time --no-raise-error\nx = 1", "\nx = 1"),
        ("  %%time\n  x = 1", "\nx = 1"),
        ("  %%time\nx = 1", "\nx = 1"),
        ("    x = 1\n    if x:\n        y = 2", "x = 1\nif x:\n    y = 2"),
        ("%%capture\nx = 1", "\nx = 1"),
        ("%%prun -s cumulative\nx = 1", "\nx = 1"),
        ("%%prun -q f()\nx = 1", "f()\nx = 1"),
        ("%%memit\nx = 1", "\nx = 1"),
        ("%%snakeviz -t\nx = 1", "\nx = 1"),
        ("%%time\n\n%%prun\nx = 1", "\n\n\nx = 1"),
        ("%%time", ""),
        ("%time x = f()", "x = f()"),
        ("%time --no-raise-error x = f()", "x = f()"),
        ("if a:\n    %time x = f()\nelse:\n    x = 2", "if a:\n    x = f()\nelse:\n    x = 2"),
        ("%time for i in r: f(i)", "for i in r: f(i)"),
        ("%time a(); b()", "a(); b()"),
        ("%time -x", "-x"),
        ("y = %time f(x)", "y = (f(x))"),
        ("y = %time f(x);", "y = (f(x))"),
        ("a, b = %time 1, 2", "a, b = (1, 2)"),
        ("%prun -s cumulative -l 10 f(x)", "f(x)"),
        ("%prun -s=cumulative f(x)", "f(x)"),
        ("%prun f(x)", "f(x)"),
        ("%memit -r 3 x = f()", "x = f()"),
        ("%lprun -f g -f h x = f()", "g; h; x = f()"),
        ("%time %time x = 1", "x = 1"),
        ("%time f( \\\n  x)\ny = 2", "f(    x)\n\ny = 2"),
    ],
)
def test_magics_that_run_python_here_give_way_to_it(source: str, text: str) -> None:
    plain = python_source(source)
    assert plain.text == text
    assert not plain.magics
    assert compiles(text)


def test_magics_inside_a_body_are_found_at_their_line() -> None:
    plain = python_source("\n%%time\nx = 1\n!ls\n%%bash")
    assert plain.text.split("\n")[2:4] == ["x = 1", "get_ipython().system('ls')"]
    assert plain.magics == (Magic("shell", "!", 4, "ls"), Magic("line", "%bash", 5))


def test_capture_binds_its_name_after_the_body() -> None:
    plain = python_source("%%time\n%%capture --no-stderr out\nx = out\n!ls")
    assert plain.text.split("\n") == [
        "",
        "",
        "x = out",
        "get_ipython().system('ls')",
        "out = get_ipython().run_cell_magic('capture', 'out', '')",
        "",
    ]
    assert [magic.line for magic in plain.magics] == [4]


@pytest.mark.parametrize(
    "name",
    [
        "timeit",
        "bash",
        "sh",
        "script",
        "html",
        "javascript",
        "latex",
        "markdown",
        "svg",
        "sql",
        "cython",
        "R",
        "my_own",
    ],
)
def test_other_cell_magics_stay_calls(name: str) -> None:
    plain = python_source(f"%%{name} -a b\none\n\ntwo")
    assert plain.text.split("\n") == [f"get_ipython().run_cell_magic('{name}', '-a b', 'one\\n\\ntwo\\n')", "", "", ""]
    assert plain.magics == (Magic("cell", name, 1, "-a b", "one\n\ntwo\n"),)


def test_a_written_file_is_a_call_under_the_magic_that_is_unwrapped() -> None:
    plain = python_source("%%time\n%%writefile a.py\nx = 1\n")
    assert plain.text == "\nget_ipython().run_cell_magic('writefile', 'a.py', 'x = 1\\n')\n\n"
    assert plain.magics == (Magic("cell", "writefile", 2, "a.py", "x = 1\n"),)


@pytest.mark.parametrize(
    ("source", "text", "magic"),
    [
        ("%who int", "get_ipython().run_line_magic('who', 'int')", Magic("line", "who", 1, "int")),
        ("%timeit f(x)", "get_ipython().run_line_magic('timeit', 'f(x)')", Magic("line", "timeit", 1, "f(x)")),
        ("!ls {x}", "get_ipython().system('ls {x}')", Magic("shell", "!", 1, "ls {x}")),
        ("y = !ls", "y = get_ipython().getoutput('ls')", Magic("shell", "!", 1, "ls")),
        ("!!ls", "get_ipython().getoutput('ls')", Magic("shell", "!", 1, "ls")),
        ("df?", "get_ipython().run_line_magic('pinfo', 'df')", Magic("line", "pinfo", 1, "df")),
        ("s = %prun -r f()", "s = get_ipython().run_line_magic('prun', '-r f()')", Magic("line", "prun", 1, "-r f()")),
        ("y = %time x = 1", "y = get_ipython().run_line_magic('time', 'x = 1')", Magic("line", "time", 1, "x = 1")),
        ("%time", "get_ipython().run_line_magic('time', '')", Magic("line", "time", 1)),
        ("!echo '\"'", "get_ipython().system('echo \\'\"\\'')", Magic("shell", "!", 1, "echo '\"'")),
        ("cd data", "get_ipython().run_line_magic('cd', 'data')", Magic("line", "cd", 1, "data")),
    ],
)  # fmt: skip
def test_line_magics_are_calls(source: str, text: str, magic: Magic) -> None:
    assert python_source(source) == PythonSource(text, (magic,))


def test_a_comment_above_makes_it_no_cell_magic() -> None:
    assert python_source("# note\n%%time\nx = 1").magics == (Magic("line", "%time", 2),)


def test_lines_keep_their_number() -> None:
    source = "\n\n%cd \\\n  data\nx = !ls \\\n  -l \\\n  -a\nif x:\n    %time y = 1\nz = 3\n"
    lines = python_source(source).text.split("\n")
    assert len(lines) == len(source.split("\n"))
    assert lines[9] == "z = 3"
    assert [magic.line for magic in python_source(source).magics] == [3, 5]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(newline: str) -> None:
    plain = python_source(newline.join(["x = 1", "%cd a", "y = 2"]))
    assert plain.text == "x = 1\nget_ipython().run_line_magic('cd', 'a')\ny = 2"


def test_pasted_prompts_are_taken_away() -> None:
    assert python_source(">>> x = 1\n>>> y = 2").text == "x = 1\ny = 2"
    assert python_source("In [3]: x: int = 1").text == "x: int = 1"
    assert python_source("In [3]: %%time\n   ...: x = 1").text == "\nx = 1"


@pytest.mark.parametrize(
    "line",
    [
        "%pip install -q a 'b>1'",
        "!pip install a 'b>1'",
        "!uv pip install a 'b>1'",
        "%conda install a 'b>1'",
        "!python -m pip install a 'b>1'",
    ],
)
def test_installations_are_requirements(line: str) -> None:
    assert python_source(f"if x:\n    {line}\ny = 1") == PythonSource("if x:\n    pass\ny = 1", (), ("a", "b>1"))


def test_an_installation_with_the_notebooks_own_python_reads_sys() -> None:
    plain = python_source("!{sys.executable} -m pip install a")
    assert plain == PythonSource("pass; sys.executable", (), ("a",))


def test_an_installation_that_does_more_stays_a_call() -> None:
    plain = python_source("!pip install a && make data\nlog = !pip install b\n!pip install {c}")
    assert plain.requirements == ("a", "b")
    assert [magic.line for magic in plain.magics] == [1, 2, 3]
    assert "pass" not in plain.text


def test_an_installation_inside_other_magic_and_without_its_sign() -> None:
    assert python_source("%%capture\n%time !pip install a\nx = 1") == PythonSource("\npass\nx = 1", (), ("a",))
    assert python_source("pip install a") == PythonSource("pass", (), ("a",))


@pytest.mark.parametrize(
    "source", ["x = = 1", "def f(:\n  pass", "f(", "'''", "x = 1\0", "x = '\ud800'", "print 'a'", "x ? y"]
)
def test_what_is_no_python_comes_back_as_it_is(source: str) -> None:
    plain = python_source(source)
    assert plain.text == source
    assert not plain.magics


def test_magic_beside_a_syntax_error_is_understood_all_the_same() -> None:
    plain = python_source("%cd a\nx = = 1")
    assert plain.text == "get_ipython().run_line_magic('cd', 'a')\nx = = 1"


@settings(max_examples=400, deadline=None)
@given(comparable.map("\n".join))
def test_the_result_is_what_ipython_makes_of_it(source: str) -> None:
    """All magics of these lines stay calls, so that nothing but blank lines may differ."""
    if not source.strip() or compiles(source):
        return
    plain = python_source(source)
    assert plain.text.count("\n") == source.count("\n")
    try:
        expected = TransformerManager().transform_cell(source)
    except IndentationError:
        return
    if compiles(expected):
        assert [line for line in plain.text.split("\n") if line.strip()] == [
            line for line in expected.split("\n") if line.strip()
        ]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*LINES, "%%time", "%%capture", "%time x = 1", "!pip install a"]), max_size=10).map(
        "\n".join
    )
)
def test_no_line_moves(source: str) -> None:
    plain = python_source(source)
    assert plain.text.count("\n") == source.count("\n")
    ours, theirs = plain.text.split("\n"), source.split("\n")
    for magic in plain.magics:
        assert "get_ipython()" in ours[magic.line - 1]
        if magic.name not in ("pinfo", "pinfo2"):  # `?` ends a statement, which begins further up
            assert any(sign in theirs[magic.line - 1] for sign in "%!")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_can_be_read(source: str) -> None:
    assert isinstance(python_source(source).text, str)


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\n" * 10_000 + "%pwd",
        ("x = [1]\n" * 25 + "!ls\n") * 400,
        ("x = [1]\n!ls\n") * 5_000,
        "if x:\n" + "    x = [1]\n    !ls\n" * 100,
        "s = '''\n" + "%x\n" * 10_000 + "'''\n%pwd",
        "x = " + "(" * 150 + "1" + ")" * 150,
        "x = " + "(" * 1_000 + "\n%pwd",
        "s = '" + "a" * 5_000_000 + "'",
        "!echo " + "a" * 5_000_000,
        "a" + ".b" * 5_000,
        "a" + ".b" * 100_000 + "\n%pwd",
        "-" * 100_000 + "1",
        "1" + "+1" * 100_000,
        "lambda: " * 5_000 + "1",
        "%time " * 5_000 + "x",
        "%%time\n" * 5_000 + "x",
        "%" * 10_000,
        "?" * 10_000,
    ],
    ids=lambda source: source[:12].replace("\n", " "),
)
def test_no_source_is_too_much(source: str) -> None:
    plain = python_source(source)
    assert plain.text.count("\n") == source.count("\n")


def test_magics_after_a_long_plain_cell_are_found() -> None:
    plain = python_source("x = 1\n" * 2_000 + "!ls\n" * 300)
    assert [magic.line for magic in plain.magics] == list(range(2_001, 2_301))
