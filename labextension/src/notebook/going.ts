import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker } from '@jupyterlab/notebook';

/** Show a cell of the current notebook and put the cursor on one of its lines, counted from 1. */
export async function goToCell(
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  id: string,
  line?: number
): Promise<void> {
  const panel = tracker.currentWidget;
  const position = panel?.content.widgets.findIndex(cell => cell.model.id === id) ?? -1;
  if (!panel || position < 0) {
    return;
  }
  app.shell.activateById(panel.id);
  const notebook = panel.content;
  notebook.activeCellIndex = position;
  notebook.deselectAll();
  await notebook.scrollToItem(position, 'smart');
  const editor = notebook.activeCell?.editor;
  if (editor && line !== undefined) {
    editor.setCursorPosition({ line: Math.max(0, line - 1), column: 0 });
  }
  notebook.mode = 'command';
  notebook.activeCell?.node.focus();
}
