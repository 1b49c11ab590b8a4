"""A kernel's traceback, cut down to the user's own code."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from jupyter_mlops.engine.tracebacks import blank_lines_above, concise, locator, replayed_place
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline, Snippet, Step


def shown(text: str, want: str) -> None:
    assert concise(textwrap.dedent(text).strip("\n"), lambda *_: None) == textwrap.dedent(want).strip("\n")


def test_libraries_are_counted_not_shown() -> None:
    shown(
        """
        ---------------------------------------------------------------------------
        KeyError                                  Traceback (most recent call last)
        File /env/lib/python3.11/site-packages/pandas/core/indexes/base.py:3805, in Index.get_loc(self, key)
           3804 try:
        -> 3805     return self._engine.get_loc(casted_key)

        File pandas/_libs/index.pyx:167, in pandas._libs.index.IndexEngine.get_loc()
        --> 167 'Could not get source, probably due dynamically evaluated source code.'

        KeyError: 'b'

        The above exception was the direct cause of the following exception:

        KeyError                                  Traceback (most recent call last)
        Cell In[1], line 1
        ----> 1 mean(frame)

        File /home/me/project/helpers.py:7, in mean(frame)
              6 def mean(frame):
        ----> 7     return frame["b"].mean()

        File /env/lib/python3.11/site-packages/pandas/core/frame.py:4102, in DataFrame.__getitem__(self, key)
           4101 if is_single_key:
        -> 4102     indexer = self.columns.get_loc(key)

        File /usr/lib/python3.11/json/decoder.py:337, in JSONDecoder.decode(self, s, _w)
        --> 337 obj, end = self.raw_decode(s)

        KeyError: 'b'
        """,
        """
        Traceback (most recent call last):
        [2 frames in pandas]
        KeyError: 'b'

        The above exception was the direct cause of the following exception:

        Traceback (most recent call last):
        Cell In[1], line 1
        ----> 1 mean(frame)
        File /home/me/project/helpers.py:7, in mean(frame)
              6 def mean(frame):
        ----> 7     return frame["b"].mean()
        [2 frames in pandas, Python]
        KeyError: 'b'
        """,
    )


def test_what_runs_the_code_is_not_mentioned() -> None:
    shown(
        """
        Traceback (most recent call last):

          File /env/lib/python3.11/site-packages/IPython/core/interactiveshell.py:3823 in run_code
            exec(code_obj, self.user_global_ns, self.user_ns)

          Cell In[1], line 1
            x = eval("1 +")

          File <string>:1
            1 +
              ^
        SyntaxError: invalid syntax
        """,
        """
        Traceback (most recent call last):

          Cell In[1], line 1
            x = eval("1 +")
          File <string>:1
            1 +
              ^
        SyntaxError: invalid syntax
        """,
    )


def test_endless_recursion_is_short() -> None:
    frame = "Cell In[1], line 2, in f(n)\n----> 2     return f(n+1)\n\n"
    text = "Cell In[1], line 3\n----> 3 f(0)\n\n" + frame * 3 + "RecursionError: maximum recursion depth exceeded"
    shown(
        text,
        """
        Cell In[1], line 3
        ----> 3 f(0)
        Cell In[1], line 2, in f(n)
        ----> 2     return f(n+1)
        [and the same 2 times more]
        RecursionError: maximum recursion depth exceeded
        """,
    )


def test_lines_of_the_message_stay() -> None:
    text = "ValueError: two\n\nparagraphs\n    - indented\nFile x is bad"
    shown(text, text)


def test_cells_and_lines_are_those_of_the_page(make_notebook: Callable[..., Notebook]) -> None:
    notebook = make_notebook(
        md="text", f=("import os\n\n\ndef g():\n    return 1 / 0", ("functions",)), a="\n\nx = 1\ng()"
    )
    replay = (Snippet("f", "import os\ndef g():\n    return 1 / 0", ("os", "g")),)
    step = Step("s", "s", ("a",), replay=replay)
    pipeline = Pipeline("x", None, "python3", (), (step,), (), ())
    text = """
        Cell In[1], line 2
              1 x = 1
        ----> 2 g()

        Cell In[1], line 3, in g()
              1 import os
              2 def g():
        ----> 3     return 1 / 0

        Cell In[1], line 9, in h()
        ----> 9 nobody knows
        """
    cells = [{"id": "mlops-replay", "metadata": {"mlops": {"role": "replay"}}}, {"id": "a", "execution_count": 1}]
    found = concise(textwrap.dedent(text).strip("\n"), locator(pipeline, step, notebook, cells))
    assert found.splitlines() == [
        "Cell 3 (s), line 4",
        "      3 x = 1",
        "----> 4 g()",
        "Cell 2, line 5, in g()",
        "      4 def g():",
        "----> 5     return 1 / 0",
        "Cell In[1], line 9, in h()",
        "----> 9 nobody knows",
    ]


def test_replayed_lines_are_found_or_not(make_notebook: Callable[..., Notebook]) -> None:
    notebook = make_notebook(a="import os\n# why\nimport sys", b="\n  \nx", c="")
    snippets = (Snippet("a", "import os\nimport sys", ("os", "sys")), Snippet("b", "y", ("y",)))
    assert replayed_place(snippets, notebook, 1) == (None, None)
    assert replayed_place(snippets, notebook, 3) == ("a", 3)
    assert replayed_place(snippets, notebook, 4) == ("b", None)
    assert [blank_lines_above(notebook, cell) for cell in ("a", "b", "c", None)] == [0, 2, 0, 0]
