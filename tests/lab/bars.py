"""What tests of the notebook side do in a browser."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

CELLS = (
    ("imports", "import math"),
    ("parameters", "n: int = 3"),
    ("step:load", "rows = list(range(n))"),
    ("", "rows[0]"),
    ("step:sum up", "total = sum(rows)"),
    ("metrics", "score = total / 2"),
)
TAGS = [["imports"], ["parameters"], ["step:load"], [], ["step:sum up"], ["metrics"]]
MODEL = "window.jupyterapp.shell.currentWidget.content.model.sharedModel"
PLAIN = (
    ("", "import math"),
    ("", "rows = [1, 2, 3]"),
    ("", "total = sum(rows)"),
    ("", "print(math.sqrt(total))"),
)


def one_window(lab: Any, browser: Any) -> Iterator[Any]:
    """One JupyterLab for all tests; at their end the extension must have thrown no error."""
    from tests.lab.conftest import Screen

    context = browser.new_context(viewport={"width": 1400, "height": 900})
    shown = Screen(lab, context.new_page())
    ours: list[str] = []
    # closing notebooks in a hurry makes JupyterLab itself complain
    shown.page.on("pageerror", lambda error: ours.append(error.stack or ""))
    shown.open()
    commands = ("docmanager:open", "notebook:undo-cell-action", "jupyter-mlops:edit-cell", "jupyter-mlops:show-panel")
    for name in commands:
        shown.page.wait_for_function("name => window.jupyterapp?.commands.hasCommand(name)", arg=name)
    yield shown
    context.close()
    ours = [stack for stack in ours if "jupyter-mlops" in stack]
    assert not ours, ours


def open_notebook(window: Any, name: str, *cells: tuple[str, str]) -> Any:
    """Open a new notebook, and nothing else."""
    window.lab.write_notebook(name, *cells)
    window.page.evaluate(
        """async name => {
            const { commands, restored, shell } = window.jupyterapp;
            await restored;
            for (const widget of [...shell.widgets('main')]) {
                if (widget.context) {
                    widget.context.model.dirty = false;
                    void widget.context.sessionContext.shutdown();
                }
                widget.close();
            }
            const panel = await commands.execute('docmanager:open', { path: name });
            await panel.revealed;
            shell.activateById(panel.id);
        }""",
        name,
    )
    window.page.wait_for_selector(".jp-Notebook .jp-Cell")
    return window


def open_tagged(window: Any) -> Any:
    """Open a notebook with three steps, and wait for what flows through them."""
    open_notebook(window, f"bars-{secrets.token_hex(4)}.ipynb", *CELLS)
    window.page.wait_for_selector(".jp-mlops-Bar-flow:not(:empty)")
    return window


def names(screen: Any) -> list[str]:
    found: list[str] = screen.page.locator(".jp-mlops-Bar:not(.lm-mod-hidden) .jp-mlops-Bar-name").all_inner_texts()
    return found


def metadata(screen: Any, name: str) -> list[Any]:
    found: list[Any] = screen.page.evaluate(
        f"name => {MODEL}.cells.map(cell => cell.getMetadata(name) ?? null)",
        name,
    )
    return found


def tags(screen: Any) -> list[list[str]]:
    return [tags or [] for tags in metadata(screen, "tags")]


def await_tags(screen: Any, wanted: list[list[str]]) -> None:
    screen.page.wait_for_function(
        f"wanted => JSON.stringify({MODEL}.cells.map(cell => cell.getMetadata('tags') ?? [])) === wanted",
        arg=str(wanted).replace("'", '"').replace(", ", ","),
    )


def undo(screen: Any) -> None:
    screen.command("notebook:undo-cell-action")


def activate(screen: Any, position: int, last: int | None = None) -> None:
    """Make a cell the active one, or select cells up to another one."""
    screen.page.evaluate(
        """([first, last]) => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.deselectAll();
            notebook.activeCellIndex = first;
            if (last !== null) notebook.extendContiguousSelectionTo(last);
            notebook.mode = 'command';
            notebook.activeCell.node.focus();
        }""",
        [position, last],
    )


def open_editor(screen: Any, position: int) -> Any:
    screen.page.locator(".jp-mlops-Bar-name").nth(position).click()
    editor = screen.page.get_by_role("group", name="Place in the pipeline")
    editor.wait_for()
    return editor


def await_rest(screen: Any) -> None:
    """Wait until no more cells are rendered, and the notebook has been analysed."""
    screen.page.evaluate(
        """async () => {
            let seen = -1;
            for (let turn = 0; turn < 60; turn++) {
                const count = document.querySelectorAll('.jp-mlops-Bar').length;
                if (count > 0 && count === seen) return;
                seen = count;
                await new Promise(resolve => setTimeout(resolve, 1000));
            }
            throw new Error('cells are still being rendered');
        }"""
    )


def set_source(screen: Any, position: int, source: str) -> None:
    screen.page.evaluate(f"([at, text]) => {MODEL}.cells[at].setSource(text)", [position, source])


def ask_kernel(screen: Any, expression: str) -> str:
    found: str = screen.page.evaluate(
        """async asked => {
            const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
            const future = kernel.requestExecute({ code: '', silent: true, user_expressions: { asked } });
            return (await future.done).content.user_expressions.asked.data['text/plain'];
        }""",
        expression,
    )
    return found
